import { readFileSync } from 'node:fs';
import { waitForUpdate } from '@pydantic/genai-prices';
import { describe, expect, it } from 'vitest';
import { CATALOGUE_BANDS, clockBand, inputBand, tokensInBand } from '../../../src/pricing/bands.ts';
import { configBook, targetModelOf } from '../../../src/pricing/book.ts';
import { CATALOGUE, loadCatalogue } from '../../../src/pricing/catalogue.ts';
import { costUsd, rateAt, type Usage } from '../../../src/pricing/price.ts';

const usage = (more: Partial<Usage>): Usage => ({
  input: 0,
  cachedInput: 0,
  output: 0,
  requests: 1,
  dimensions: {},
  ...more,
});
const NOW = Date.UTC(2026, 6, 1, 12);

describe('a price', () => {
  const tiered = { base: 1, tiers: [{ start: 200_000, price: 2 }] };

  it('above a tier all tokens take its rate', () => {
    expect(rateAt(tiered, 200_000)).toBe(1);
    expect(rateAt(tiered, 200_001)).toBe(2);
    const price = { input: tiered, output: tiered };
    expect(costUsd(price, usage({ input: 300_000 }), 300_000)).toBeCloseTo(0.6, 12);
  });

  it('cached tokens take their own rate and are part of the input', () => {
    const price = configBook({ m: { input: 4, cachedInput: 1, output: 8 } }).find({ model: 'm', at: NOW });
    if (!price) throw new Error('no price');
    expect(costUsd(price, usage({ input: 1_000_000, cachedInput: 750_000 }), 0)).toBeCloseTo(1.75, 12);
  });
});

describe('the prices of the config', () => {
  const book = configBook({ a: { input: 1, output: 2 }, '*': { input: 3, cachedInput: 3, output: 3 } });

  it('an exact name goes before "*"', () => {
    expect(book.find({ model: 'a', at: NOW })?.output.base).toBe(2);
    expect(book.find({ model: 'b', at: NOW })?.output.base).toBe(3);
  });

  it('without a cached price cached tokens cost what input costs', () => {
    const price = book.find({ model: 'a', at: NOW });
    if (!price) throw new Error('no price');
    expect(costUsd(price, usage({ input: 1_000_000, cachedInput: 1_000_000 }), 0)).toBe(1);
  });

  it('names of object members are models like any other', () => {
    expect(configBook({}).find({ model: 'constructor', at: NOW })).toBeUndefined();
    expect(targetModelOf({}, 'constructor')).toBe('constructor');
    expect(targetModelOf({ a: 'x', '*': 'y' }, 'b')).toBe('y');
  });
});

describe('the catalogue', () => {
  it('finds a model by its provider, by the name alone, and by a prefix', async () => {
    const catalogue = await loadCatalogue();
    const base = (model: string, provider?: string) =>
      catalogue.find({ model, provider, at: NOW })?.input.base;
    expect(base('gpt-4.1-mini', 'OPENAI')).toBe(0.4);
    expect(base('gpt-4.1-mini')).toBe(0.4);
    expect(base('openai/gpt-4.1-mini')).toBe(0.4);
    expect(base('gpt-4.1-mini', 'some-reseller')).toBe(0.4);
    expect(base('no-such-model')).toBeUndefined();
  });

  it('knows tiers, off-peak hours and dated prices', async () => {
    const catalogue = await loadCatalogue();
    const at = (model: string, when: number) => catalogue.find({ model, at: when });
    expect(at('gemini-2.5-pro', NOW)?.input.tiers).toEqual([{ start: 200_000, price: 2.5 }]);
    expect(at('deepseek-chat', Date.UTC(2026, 6, 1, 12))?.input.base).toBe(0.27);
    expect(at('deepseek-chat', Date.UTC(2026, 6, 1, 20))?.input.base).toBe(0.135);
  });

  it('changes its prices at no other boundaries than the bands have', async () => {
    const starts = new Set<number>();
    const minutes = new Set([0]);
    for (const { models } of (await waitForUpdate()) ?? []) {
      for (const model of models) {
        for (const entry of Array.isArray(model.prices) ? model.prices : [{ prices: model.prices }]) {
          for (const price of Object.values(entry.prices)) {
            if (typeof price === 'object') for (const tier of price.tiers) starts.add(tier.start);
          }
          if (entry.constraint?.type !== 'time_of_date') continue;
          for (const time of [entry.constraint.start_time, entry.constraint.end_time]) {
            minutes.add(Number(time.slice(0, 2)) * 60 + Number(time.slice(3, 5)));
          }
        }
      }
    }
    const sort = (values: Iterable<number>) => [...values].sort((a, b) => a - b);
    expect(sort(starts)).toEqual(CATALOGUE_BANDS.inputTokens);
    expect(sort(minutes)).toEqual(CATALOGUE_BANDS.clock);
  });
});

it('the catalogue says of what version and date it is', () => {
  const read = (path: string) => JSON.parse(readFileSync(new URL(path, import.meta.url), 'utf8'));
  const { name, version } = read('../../../node_modules/@pydantic/genai-prices/package.json');
  // Whoever takes another version looks up when it was published: npm view @pydantic/genai-prices time
  expect(CATALOGUE).toEqual({ name: `catalogue ${name} ${version}`, date: PUBLISHED[version] });
});

/** When each version of the catalogue was published. */
const PUBLISHED: Record<string, string> = { '0.1.8': '2026-09-23' };

describe('bands', () => {
  it('tell the sizes and hours apart at which a price may change', () => {
    expect(inputBand(CATALOGUE_BANDS, 128_000)).toBe(0);
    expect(inputBand(CATALOGUE_BANDS, 128_001)).toBe(1);
    for (let band = 0; band <= CATALOGUE_BANDS.inputTokens.length; band++) {
      expect(inputBand(CATALOGUE_BANDS, tokensInBand(CATALOGUE_BANDS, band))).toBe(band);
    }
    expect(clockBand(CATALOGUE_BANDS, Date.UTC(2026, 0, 1, 0, 29, 59))).toBe(0);
    expect(clockBand(CATALOGUE_BANDS, Date.UTC(2026, 0, 1, 0, 30))).toBe(1);
    expect(clockBand(CATALOGUE_BANDS, Date.UTC(2026, 0, 1, 23, 59))).toBe(6);
  });
});
