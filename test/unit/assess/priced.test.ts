import { describe, expect, it } from 'vitest';
import { createAdder } from '../../../src/assess/adder.ts';
import { type Pricing, priceModel } from '../../../src/assess/priced.ts';
import type { PriceSide } from '../../../src/assess/prices.ts';
import { createTally } from '../../../src/assess/tally.ts';
import { CATALOGUE_BANDS, withTiers } from '../../../src/pricing/bands.ts';
import { configBook, type PriceBook } from '../../../src/pricing/book.ts';
import { flatRate } from '../../../src/pricing/price.ts';
import type { UsageRecord } from '../../../src/usage/record.ts';

const MILLION = 1_000_000;
const origin = { name: 'list', date: '2026-08-01' };
const side = (configured?: PriceBook, catalogue?: PriceBook): PriceSide => ({
  configured,
  catalogue,
  provider: undefined,
  baseUrl: undefined,
});
const catalogue: PriceBook = {
  find: ({ model }) => {
    if (model !== 'm') return undefined;
    const rate = flatRate(5);
    return { input: rate, output: rate, source: 'catalogue (x)', origin };
  },
};
const record = (more: Partial<UsageRecord> = {}): UsageRecord => ({
  model: 'm',
  inputTokens: MILLION,
  cachedInputTokens: 0,
  outputTokens: 0,
  status: 'ok',
  ...more,
});

function price(records: readonly UsageRecord[], pricing: Partial<Pricing>) {
  const drifts = Object.values(pricing.target?.tokenDrift ?? {});
  const tally = createTally(withTiers(CATALOGUE_BANDS, [], drifts));
  const rules = { groupOf: () => '', dayOf: (at: number) => Math.floor(at / 86_400_000) };
  records.forEach(createAdder(tally, rules).add);
  return priceModel('m', [...tally.series.values()], {
    legacy: side(),
    target: undefined,
    whatIf: {},
    bands: tally.bands,
    now: Date.UTC(2026, 7, 20),
    ...pricing,
  });
}

describe('the current cost', () => {
  const reported = [record({ costUsd: 3 })];
  const configured = configBook({ m: { input: 2, output: 2 } });

  it('is the config’s price where there is one, whatever the logs say', () => {
    const { currentUsd, currentPrice, reportedUsd } = price(reported, {
      legacy: side(configured, catalogue),
    });
    expect({ currentUsd, currentPrice, reportedUsd }).toEqual({
      currentUsd: 2,
      currentPrice: 'config',
      reportedUsd: 3,
    });
  });

  it('is what the logs report before the catalogue', () => {
    const { currentUsd, recomputedUsd, currentPrice } = price(reported, {
      legacy: side(undefined, catalogue),
    });
    expect({ currentUsd, recomputedUsd }).toEqual({ currentUsd: 3, recomputedUsd: 5 });
    expect(currentPrice).toBe('reported by the logs');
  });

  it('is the catalogue’s where the logs report a part only', () => {
    const { currentUsd, reportedUsd } = price([...reported, record()], {
      legacy: side(undefined, catalogue),
    });
    expect({ currentUsd, reportedUsd }).toEqual({ currentUsd: 10, reportedUsd: undefined });
  });

  it('is unknown without any', () => {
    expect(price([record()], {}).currentUsd).toBeUndefined();
  });

  it('leaves out failures that nobody billed', () => {
    const failed = record({ status: 'timeout' });
    expect(price([record(), failed], { legacy: side(configured) }).currentUsd).toBe(2);
  });

  it('takes the price of batch requests for them, and of cache writes', () => {
    const book = configBook({
      m: { input: 2, cacheWrite: 3, output: 2, batch: { input: 1, output: 1 } },
    });
    const records = [record({ serviceTier: 'batch' }), record({ dimensions: { cacheWrite: MILLION / 2 } })];
    expect(price(records, { legacy: side(book) }).currentUsd).toBeCloseTo(1 + 2.5, 12);
  });
});

describe('requests without token counts', () => {
  const none = { inputTokens: 0, untold: true as const };
  const target = { side: side(configBook({ m: { input: 1, output: 1 } })), models: {}, tokenDrift: {} };
  const legacy = side(undefined, catalogue);

  it('cost what is reported, and nothing that can be projected', () => {
    expect(price([record({ ...none, costUsd: 3 })], { legacy, target })).toMatchObject({
      currentUsd: 3,
      projectedUsd: undefined,
      allUntold: true,
    });
    expect(price([record(none)], { legacy, target }).currentUsd).toBeUndefined();
  });

  it('are on neither side of a comparison with others', () => {
    const records = [record({ costUsd: 4 }), record({ ...none, costUsd: 3 })];
    expect(price(records, { legacy, target })).toMatchObject({ currentUsd: 5, projectedUsd: 1, untold: 1 });
  });
});

describe('the projected cost', () => {
  const target = (models: Record<string, string>, prices: Parameters<typeof configBook>[0]) => ({
    side: side(configBook(prices)),
    models,
    tokenDrift: {},
  });

  it('is the price of the model that the legacy one maps to', () => {
    const mapped = target({ m: 'n', '*': 'o' }, { n: { input: 4, output: 4 } });
    expect(price([record()], { target: mapped })).toMatchObject({ targetModel: 'n', projectedUsd: 4 });
    expect(price([record()], { target: target({ '*': 'o' }, {}) })).toMatchObject({
      targetModel: 'o',
      projectedUsd: undefined,
    });
  });

  it('takes batch requests at the batch price there too', () => {
    const batch = target({}, { m: { input: 4, output: 4, batch: { input: 1, output: 1 } } });
    expect(price([record({ serviceTier: 'batch' }), record()], { target: batch }).projectedUsd).toBe(5);
  });

  it('is at the prices of today, at the hour of the record', () => {
    const asked: number[] = [];
    const book: PriceBook = {
      find: ({ at }) => {
        asked.push(at);
        return catalogue.find({ model: 'm', at });
      },
    };
    const at = Date.UTC(2025, 0, 1, 17, 30);
    price([record({ at })], { target: { side: side(book), models: {}, tokenDrift: {} } });
    expect(asked).toEqual([Date.UTC(2026, 7, 20, 17, 30)]);
  });

  it('takes the tier that the request reaches in the target’s own tokens', () => {
    const tiered: PriceBook = {
      find: () => {
        const rate = { base: 1, tiers: [{ start: 200_000, price: 10 }] };
        return { input: rate, output: rate, source: 'x', origin };
      },
    };
    const moved = (inputTokens: number) =>
      price([record({ inputTokens })], {
        target: { side: side(tiered), models: {}, tokenDrift: { m: 2 } },
      }).projectedUsd;
    expect(moved(100_000)).toBeCloseTo(0.2, 12);
    expect(moved(100_001)).toBeCloseTo(2.00002, 12);
  });
});
