import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createAdder } from '../../../src/assess/adder.ts';
import { type Column, chunksOf, createColumn, mergeColumn, push } from '../../../src/assess/column.ts';
import { percentiles, quantile } from '../../../src/assess/percentile.ts';
import { valuesAt } from '../../../src/assess/rank.ts';
import { add, createSum, mergeSum, sumValue } from '../../../src/assess/sum.ts';
import { createTally, mergeTally, type Tally } from '../../../src/assess/tally.ts';
import { CATALOGUE_BANDS } from '../../../src/pricing/bands.ts';
import type { UsageRecord } from '../../../src/usage/record.ts';

const column = (values: readonly number[]) => {
  const made = createColumn();
  for (const value of values) push(made, value);
  return made;
};
/** All values of some columns in ascending order. */
const sorted = (columns: readonly Column[]) =>
  columns
    .flatMap((one) =>
      chunksOf(one).flatMap((chunk) => [...chunk].map((v) => (chunk instanceof Uint32Array ? v / 1000 : v))),
    )
    .sort((a, b) => a - b);
const sumOf = (values: readonly number[]) => {
  const sum = createSum();
  for (const value of values) add(sum, value);
  return sum;
};
const latency = fc.oneof(
  fc.integer({ min: 0, max: 200_000 }),
  fc.integer({ min: 0, max: 2e9 }).map((us) => us / 1000),
  fc.double({ min: 0, max: 6e8, noNaN: true }),
);

describe('a column', () => {
  it('gives back what went in, sorted, bit for bit', () => {
    fc.assert(
      fc.property(fc.array(latency, { maxLength: 300 }), (values) => {
        expect([...sorted([column(values)])]).toEqual([...values].map((v) => v + 0).sort((a, b) => a - b));
      }),
    );
  });

  it('merges to the column of the whole', () => {
    fc.assert(
      fc.property(fc.array(latency), fc.array(latency), (a, b) => {
        const merged = column(a);
        mergeColumn(merged, column(b));
        expect([...sorted([merged])]).toEqual([...sorted([column([...a, ...b])])]);
        expect([...sorted([column(a), column(b)])]).toEqual([...sorted([merged])]);
      }),
    );
  });

  it('takes four bytes for each latency that is a whole number of microseconds', () => {
    const made = column(Array.from({ length: 200_000 }, (_, i) => i / 8));
    const bytes = made.chunks.reduce((sum, chunk) => sum + chunk.byteLength, 0);
    expect(bytes / 200_000).toBeLessThan(4.5);
  });
});

describe('percentiles', () => {
  // numpy.quantile([15, 20, 35, 40, 50], p), the default method.
  it.each([
    [0, 15],
    [0.05, 16],
    [0.3, 23],
    [0.5, 35],
    [0.95, 48],
    [0.99, 49.6],
    [1, 50],
  ])('p %f is %f', (p, expected) => expect(quantile([15, 20, 35, 40, 50], p)).toBeCloseTo(expected, 12));

  it('of nothing are nothing, of one value are that value', () => {
    expect(percentiles([[column([])], []])).toEqual([null, null]);
    expect(percentiles([[column([7])]])).toEqual([{ p50: 7, p95: 7, p99: 7 }]);
  });
});

describe('values by rank', () => {
  it('are those of the sorted values, counted or sorted, of narrow and wide columns', () => {
    // Bits of a hash, so that values are spread over many buckets and some are the same.
    const spread = (i: number) => Math.imul(i % 30_000, 0x9e3779b1) >>> 0;
    const narrow = Array.from({ length: 30_000 }, (_, i) => spread(i) / 1000);
    const wide = Array.from({ length: 30_000 }, (_, i) => spread(i) / 7000);
    const equal = Array.from({ length: 30_000 }, () => 1500);
    for (const parts of [
      [narrow],
      [wide],
      [narrow, wide],
      [equal],
      [narrow.slice(0, 20_001)],
      [wide, equal],
    ]) {
      const all = parts.flat().sort((a, b) => a - b);
      const ranks = [0, 1, 15_000, 15_001, 20_000, all.length - 1];
      expect(valuesAt([{ columns: parts.map(column), ranks }])).toEqual([ranks.map((rank) => all[rank])]);
    }
  });
});

describe('a sum', () => {
  it('does not depend on order or on how it was divided', () => {
    expect(sumValue(sumOf([1e16, 1, -1e16]))).toBe(1);
    expect(sumValue(sumOf([1e100, 1, 1e-100, -1e100, -1]))).toBe(1e-100);
    // Half way between two doubles: what is lost further down decides.
    expect(sumValue(sumOf([1, 2 ** -53, 2 ** -120]))).toBe(1 + 2 ** -52);
    expect(sumValue(sumOf([1, 2 ** -53, -(2 ** -120)]))).toBe(1);
    const amounts = fc.array(fc.double({ min: -1e200, max: 1e200, noNaN: true }), { minLength: 1 });
    fc.assert(
      fc.property(amounts, fc.nat(), (values, cut) => {
        const at = cut % values.length;
        const halves = sumOf(values.slice(at));
        mergeSum(halves, sumOf(values.slice(0, at)));
        expect(sumValue(halves)).toBe(sumValue(sumOf([...values].reverse())));
      }),
    );
  });
});

describe('a tally', () => {
  const rules = { groupOf: () => '', dayOf: (at: number) => Math.floor(at / 86_400_000) };
  const record: fc.Arbitrary<UsageRecord> = fc
    .record({
      at: fc.option(fc.integer({ min: 1.7e12, max: 1.7e12 + 5 * 86_400_000 }), { nil: undefined }),
      model: fc.constantFrom('a', 'b'),
      provider: fc.constantFrom('x', undefined),
      inputTokens: fc.nat(300_000),
      cached: fc.double({ min: 0, max: 1, noNaN: true }),
      outputTokens: fc.nat(1000),
      latencyMs: fc.option(fc.nat(90_000), { nil: undefined }),
      status: fc.constantFrom('ok', 'ok', 'ok', 'timeout', 'cancelled'),
      costUsd: fc.option(
        fc.integer({ min: 0, max: 1e6 }).map((micro) => micro / 1e6),
        { nil: undefined },
      ),
    })
    .map(({ cached, ...rest }) => {
      const known = Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== undefined));
      return { ...known, cachedInputTokens: Math.floor(rest.inputTokens * cached) } as unknown as UsageRecord;
    });
  const tallyOf = (records: readonly UsageRecord[]) => {
    const tally = createTally(CATALOGUE_BANDS);
    records.forEach(createAdder(tally, rules).add);
    return tally;
  };
  /** A tally as values that can be compared: sums as numbers, columns sorted. */
  const plain = (tally: Tally) => ({
    ...tally,
    series: Object.fromEntries(
      [...tally.series].map(([key, series]) => [
        key,
        {
          ...series,
          reportedUsd: sumValue(series.reportedUsd),
          latency: [...sorted([series.latency])],
          ttft: [...sorted([series.ttft])],
          cells: Object.fromEntries(
            [...series.cells].map(([name, cell]) => [
              name,
              { ...cell, reportedUsd: sumValue(cell.reportedUsd) },
            ]),
          ),
        },
      ]),
    ),
  });

  it('of parts, sent and merged, is the tally of the whole', () => {
    fc.assert(
      fc.property(fc.array(record, { maxLength: 60 }), fc.nat(60), (records, cut) => {
        const merged = structuredClone(tallyOf(records.slice(0, cut)));
        mergeTally(merged, structuredClone(tallyOf(records.slice(cut))));
        expect(plain(merged)).toEqual(plain(tallyOf(records)));
      }),
    );
  });

  it('bills what succeeded, what was cancelled and what carries a cost, and no other failure', () => {
    const base = { model: 'm', inputTokens: 10, cachedInputTokens: 0, outputTokens: 1 };
    const tally = tallyOf([
      { ...base, status: 'ok' },
      { ...base, status: 'cancelled' },
      { ...base, status: 'timeout', costUsd: 0.1 },
      { ...base, status: 'timeout' },
      { ...base, status: 'rate_limit', costUsd: 0 },
    ]);
    const cells = [...tally.series.values()].flatMap((series) => [...series.cells.values()]);
    expect(cells.reduce((sum, cell) => sum + cell.billed, 0)).toBe(3);
  });
});
