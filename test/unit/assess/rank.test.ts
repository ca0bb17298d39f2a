import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type Column,
  chunksOf,
  columnBuffers,
  createColumn,
  mergeColumn,
  push,
  pushAll,
} from '../../../src/assess/column.ts';
import { CURVE_SHARES } from '../../../src/assess/curves.ts';
import { quantile, quantiles } from '../../../src/assess/percentile.ts';
import { valuesAt } from '../../../src/assess/rank.ts';

/** Durations in milliseconds of different kinds, each from a number between 0 and 1. */
const KINDS: Record<string, (random: number) => number> = {
  'spread over all sizes': (random) => Math.round(2 ** (random * 32) - 1) / 1000,
  'like latencies': (random) => Math.round(2_000_000 * (0.2 + random + 20 * random ** 20)) / 1000,
  'whole seconds': (random) => Math.floor(random * 30) * 1000,
  'all the same': () => 1500,
  'nothing or next to it': (random) => Math.floor(random * 130) / 1000,
  'in one bucket': (random) => 1000 + Math.floor(random * 5000) / 1000,
  'from 71 minutes up': (random) => 4_294_967.295 + Math.floor(random * 3) * 1e6,
  'at the borders of buckets': (random) =>
    ((64 + (Math.floor(random * 1e6) % 64)) * 2 ** Math.floor(random * 26) - (Math.floor(random * 1e9) % 2)) /
    1000,
  doubles: (random) => random * 5000,
  'doubles of all sizes': (random) => 2 ** (random * 2000 - 1000),
};

/** Around the lengths at which chunks grow, columns are long and values are sorted no more. */
const length = fc.oneof(
  fc.nat(100),
  fc
    .tuple(fc.constantFrom(16, 4096, 16_368, 20_000, 32_752), fc.integer({ min: -2, max: 2 }))
    .map(([threshold, more]) => threshold + more),
  fc.nat(40_000),
);
const values = fc
  .record({ kind: fc.constantFrom(...Object.keys(KINDS)), length, seed: fc.nat() })
  .map(({ kind, length, seed }) => Float64Array.from(numbers(seed, length), KINDS[kind]));

function* numbers(seed: number, count: number): Generator<number> {
  let state = seed;
  for (let i = 0; i < count; i++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    yield state / 2 ** 32;
  }
}

function columnOf(values: Float64Array, step: number): Column {
  const column = createColumn();
  if (step === 0) for (const value of values) push(column, value);
  else for (let i = 0; i < values.length; i += step) pushAll(column, values.subarray(i, i + step));
  return column;
}

/** As a worker sends it: nothing is copied. */
function sent(column: Column): Column {
  const copy = structuredClone(column, { transfer: columnBuffers(column) });
  expect(column.chunks.every((chunk) => chunk.length === 0)).toBe(true);
  return copy;
}

const at = (columns: readonly Column[], ranks: readonly number[]) => valuesAt([{ columns, ranks }])[0];

const sortedTogether = (parts: readonly Float64Array[]) =>
  Float64Array.from(parts.flatMap((part) => [...part])).sort();

/** Of some columns, each of some parts that were merged, and perhaps added to afterwards. */
const columns = fc.array(
  fc.record({
    parts: fc.array(values, { minLength: 1, maxLength: 3 }),
    step: fc.constantFrom(0, 1, 300),
    more: values,
  }),
  { minLength: 1, maxLength: 3 },
);

const shares = fc.oneof(
  fc.constantFrom<(readonly number[])[]>([0.5, 0.95, 0.99], CURVE_SHARES),
  fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 5 }),
);

describe('quantiles of many columns', () => {
  it('are those of all their values, sorted', () => {
    fc.assert(
      fc.property(columns, shares, (list, shares) => {
        const made = list.map(({ parts, step, more }) => {
          const [into, ...others] = parts.map((part) => sent(columnOf(part, step))) as [Column, ...Column[]];
          for (const other of others) mergeColumn(into, other);
          pushAll(into, more);
          return into;
        });
        const values = list.map(({ parts, more }) => [...parts, more]);
        // Of all, of each, of every two neighbours, and of none.
        const places = [...list.keys()];
        const sets = [places, ...places.map((i) => [i]), ...places.slice(1).map((i) => [i - 1, i]), []];
        const expected = sets.map((set) => {
          const all = sortedTogether(set.flatMap((i) => values[i] as Float64Array[]));
          return all.length === 0 ? undefined : [0, ...shares, 1].map((share) => quantile(all, share));
        });
        const found = quantiles(
          sets.map((set) => set.map((i) => made[i] as Column)),
          [0, ...shares, 1],
        );
        expect(found).toEqual(expected);
      }),
      { numRuns: 12 },
    );
  }, 60_000);

  it.each(Object.keys(KINDS))('%s: every value is found at its rank', (kind) => {
    const parts = [1, 2].map((seed) => Float64Array.from(numbers(seed, 15_000), KINDS[kind]));
    const all = sortedTogether(parts);
    const made = parts.map((part) => columnOf(part, 300));
    expect(at(made, [...all.keys()])).toEqual([...all]);
    const backwards = [29_999, 20_000, 20_000, 7, 7, 0];
    expect(at(made, backwards)).toEqual(backwards.map((rank) => all[rank]));
  });

  it.each(Object.keys(KINDS))('%s: every value is found among those of other kinds', (kind) => {
    const [own, other, doubles] = [kind, 'like latencies', 'doubles'].map((each, seed) =>
      // The last chunk is full and not ordered yet.
      Float64Array.from(numbers(seed, 16_368), KINDS[each]),
    ) as [Float64Array, Float64Array, Float64Array];
    const merged = (...parts: readonly Float64Array[]) => {
      const [into, ...others] = parts.map((part) => columnOf(part, 300)) as [Column, ...Column[]];
      for (const each of others) mergeColumn(into, each);
      return into;
    };
    const added = (to: Column, values: Float64Array) => {
      pushAll(to, values);
      return to;
    };
    const all = (...parts: readonly Float64Array[]) => [...sortedTogether(parts)];
    const found = (...columns: readonly Column[]) =>
      at(columns, [...Array(columns.reduce((sum, { length }) => sum + length, 0)).keys()]);
    expect(found(columnOf(own, 300), columnOf(doubles, 300))).toEqual(all(own, doubles));
    expect(found(merged(own, doubles, other))).toEqual(all(own, doubles, other));
    expect(found(merged(doubles, own, other))).toEqual(all(own, doubles, other));
    expect(found(added(columnOf(own, 300), doubles))).toEqual(all(own, doubles));
    expect(found(added(merged(doubles, own), other))).toEqual(all(own, doubles, other));
    expect(found(added(merged(own, doubles), other))).toEqual(all(own, doubles, other));
  });

  it('tell whole microseconds from the doubles next to them', () => {
    // The smallest of each bucket.
    const borders = Array.from(
      { length: 26 * 64 },
      (_, i) => ((64 + (i % 64)) * 2 ** Math.floor(i / 64)) / 1000,
    );
    const repeated = (of: (border: number) => number) =>
      Float64Array.from({ length: 10 * borders.length }, (_, i) => of(borders[i % borders.length] as number));
    const parts = [
      repeated((border) => border),
      repeated((border) => border * (1 + 2 ** -52)),
      repeated((border) => border * (1 - 2 ** -53)),
    ];
    const all = sortedTogether(parts);
    const made = parts.map((part) => columnOf(part, 300));
    for (let rank = 0; rank < all.length; rank += 211) expect(at(made, [rank])).toEqual([all[rank]]);
  });

  it('need little memory besides the values', () => {
    const long = columnOf(
      Float64Array.from(numbers(1, 1_000_000), KINDS['like latencies'] as () => number),
      300,
    );
    const bytes = (column: Column) =>
      columnBuffers(column).reduce((sum, { byteLength }) => sum + byteLength, 0);
    expect(bytes(long)).toBeLessThan(4.1 * 1_000_000);
    expect(chunksOf(long).reduce((sum, chunk) => sum + chunk.length, 0)).toBe(1_000_000);
    for (const count of [1, 100, 4000, 8000]) {
      expect(bytes(columnOf(new Float64Array(count), 300))).toBeLessThan(2 * 4 * count + 100);
    }
  });
});
