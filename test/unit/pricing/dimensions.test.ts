import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  costUsd,
  flatRate,
  type RateCard,
  ratedAs,
  type TokenKind,
  tokensByKind,
  type Usage,
} from '../../../src/pricing/price.ts';
import { parsePriceFile } from '../../../src/pricing/price-file.ts';
import { deliver } from '../../../src/usage/build.ts';
import { addCounts, type Counts, DIMENSIONS } from '../../../src/usage/dimensions.ts';
import { createFields } from '../../../src/usage/fields.ts';
import type { UsageRecord } from '../../../src/usage/record.ts';

interface Told {
  input: number;
  cached: number;
  output: number;
  dimensions: Counts;
}

/** What becomes of such a record: the record, or why it is none. */
function read({ input, cached, output, dimensions }: Told): UsageRecord | string {
  let result: UsageRecord | string = 'nothing';
  deliver(
    {
      model: 'm',
      status: 'ok',
      inputTokens: input,
      cachedInputTokens: cached,
      outputTokens: output,
      dimensions: { ...dimensions },
    },
    createFields(),
    {
      record: (record) => {
        result = record;
      },
      reject: (reason) => {
        result = reason;
      },
      skip: () => {},
      warn: () => {},
    },
  );
  return result;
}

const usageOf = (record: UsageRecord): Usage => ({
  input: record.inputTokens,
  cachedInput: record.cachedInputTokens,
  output: record.outputTokens,
  requests: 1,
  dimensions: record.dimensions ?? {},
});

const count = fc.integer({ min: 0, max: 1000 });
const told: fc.Arbitrary<Told> = fc.record({
  input: fc.integer({ min: 0, max: 2000 }),
  cached: count,
  output: count,
  dimensions: fc
    .record(
      Object.fromEntries(DIMENSIONS.map((name) => [name, fc.option(count, { nil: undefined, freq: 1 })])),
    )
    .map((counts) => Object.fromEntries(Object.entries(counts).filter(([, value]) => value !== undefined))),
});
const KINDS = Object.keys(
  tokensByKind({ input: 0, cachedInput: 0, output: 0, requests: 0, dimensions: {} }),
) as TokenKind[];
const card = (rates: Partial<Record<TokenKind, number>>): RateCard => ({
  input: flatRate(1),
  output: flatRate(2),
  ...Object.fromEntries(Object.entries(rates).map(([kind, rate]) => [kind, flatRate(rate)])),
});
const cards = fc
  .record(
    Object.fromEntries(
      KINDS.map((kind) => [kind, fc.option(fc.integer({ min: 0, max: 50 }), { nil: undefined })]),
    ),
  )
  .map((rates) => card(Object.fromEntries(Object.entries(rates).filter(([, rate]) => rate !== undefined))));

describe('each token is of one kind', () => {
  it('of whatever record is sound', () => {
    let sound = 0;
    fc.assert(
      fc.property(told, (values) => {
        const record = read(values);
        if (typeof record === 'string') return;
        sound++;
        const tokens = tokensByKind(usageOf(record));
        for (const kind of KINDS) expect(tokens[kind], kind).toBeGreaterThanOrEqual(0);
        const out = tokens.output + tokens.reasoning + tokens.audioOutput + tokens.imageOutput;
        expect(out).toBe(values.output);
        expect(KINDS.reduce((sum, kind) => sum + tokens[kind], 0)).toBe(values.input + values.output);
      }),
      { numRuns: 5000 },
    );
    expect(sound).toBeGreaterThan(100);
  });

  it('so what costs the same for every kind costs that', () => {
    fc.assert(
      fc.property(told, (values) => {
        const record = read(values);
        if (typeof record === 'string') return;
        const same = card(Object.fromEntries(KINDS.map((kind) => [kind, 3])));
        expect(costUsd(same, usageOf(record), 0)).toBeCloseTo((3 * (values.input + values.output)) / 1e6, 12);
      }),
    );
  });

  it('and the cost of a sum is the sum of the costs', () => {
    fc.assert(
      fc.property(fc.array(told, { maxLength: 8 }), cards, (list, prices) => {
        const records = list.map(read).filter((record) => typeof record !== 'string');
        const dimensions: Counts = {};
        const total = records.reduce(
          (sum, record) => {
            addCounts(dimensions, record.dimensions ?? {});
            return {
              input: sum.input + record.inputTokens,
              cachedInput: sum.cachedInput + record.cachedInputTokens,
              output: sum.output + record.outputTokens,
            };
          },
          { input: 0, cachedInput: 0, output: 0 },
        );
        const apart = records.reduce((sum, record) => sum + costUsd(prices, usageOf(record), 0), 0);
        expect(costUsd(prices, { ...total, requests: records.length, dimensions }, 0)).toBeCloseTo(apart, 12);
      }),
    );
  });
});

describe('tokens that are cached and of a kind of their own', () => {
  // A published case: 19 millionths for the input, 20 for the output.
  it('are charged once: 100 tokens, 90 of them cached, 80 of them images', () => {
    const record = read({ input: 100, cached: 90, output: 10, dimensions: { imageInput: 80 } });
    if (typeof record === 'string') throw new Error(record);
    expect(costUsd(card({ cachedInput: 0.1 }), usageOf(record), 0)).toBeCloseTo(39e-6, 12);
    expect(record.dimensions).toEqual({ imageInput: 80, cachedImage: 70 });
  });

  it('overlap as the source says, where it does', () => {
    const dimensions = { audioInput: 50, cachedAudio: 40 };
    const record = read({ input: 100, cached: 60, output: 0, dimensions });
    if (typeof record === 'string') throw new Error(record);
    expect(tokensByKind(usageOf(record))).toMatchObject({
      input: 30,
      cachedInput: 20,
      audioInput: 10,
      cachedAudio: 40,
    });
  });

  it('count as written where they were written to the cache', () => {
    const record = read({
      input: 1000,
      cached: 200,
      output: 0,
      dimensions: { cacheWrite: 700, imageInput: 850 },
    });
    if (typeof record === 'string') throw new Error(record);
    expect(tokensByKind(usageOf(record))).toMatchObject({
      input: 0,
      cacheWrite: 700,
      imageInput: 100,
      cachedImage: 200,
    });
  });

  it.each([
    [{ cacheWrite1h: 5, cacheWrite: 4 }, 'more cache writes for an hour than cache writes'],
    [{ cacheWrite: 60 }, 'more cached input tokens than input tokens'],
    [{ audioInput: 60, imageInput: 60 }, 'more audio and image tokens than input tokens'],
    [{ cachedAudio: 1 }, 'more cached audio and image tokens than there are'],
    [{ reasoning: 11 }, 'more reasoning tokens than output tokens'],
    [{ audioOutput: 6, reasoning: 6 }, 'more audio, image and reasoning tokens than output tokens'],
  ])('%j contradicts 100 input tokens, half of them cached, and 10 output tokens', (dimensions, reason) => {
    expect(read({ input: 100, cached: 50, output: 10, dimensions })).toBe(reason);
  });
});

it('a kind without a rate takes that of the nearest kind that has one', () => {
  expect(ratedAs(card({}), 'cacheWrite1h')).toBe('input');
  expect(ratedAs(card({ cacheWrite: 4 }), 'cacheWrite1h')).toBe('cacheWrite');
  expect(ratedAs(card({ audioInput: 4 }), 'cachedAudio')).toBe('audioInput');
  expect(ratedAs(card({ audioInput: 4, cachedInput: 1 }), 'cachedAudio')).toBe('cachedInput');
  expect(ratedAs(card({}), 'reasoning')).toBe('output');
});

describe('a reply of OpenRouter’s /models', () => {
  it('holds every kind of price, and zero for those that it has not', () => {
    const pricing = {
      prompt: '0.000003',
      completion: '0.000015',
      input_cache_read: '0.0000003',
      input_cache_write: '0.00000375',
      input_cache_write_1h: '0.000006',
      audio: '0',
      internal_reasoning: '0',
      request: '0.005',
      web_search: '0.01',
    };
    const { book } = parsePriceFile(
      JSON.stringify({ data: [{ id: 'anthropic/x', pricing }] }),
      'models.json',
      null,
    );
    const price = book.find({ model: 'x', provider: 'anthropic', at: 0 });
    expect(price).toMatchObject({
      request: 0.005,
      search: 0.01,
      cacheWrite1h: { base: 6 },
      origin: { date: null },
    });
    expect(price?.audioInput).toBeUndefined();
    expect(price?.reasoning).toBeUndefined();
  });
});
