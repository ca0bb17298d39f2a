import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Column, chunksOf, createColumn, push, pushAll } from '../../../src/assess/column.ts';

const LARGEST_NARROW = 0xffff_ffff / 1000;

/** Mostly whole microseconds, as logs write them; some that only doubles hold, and what lies on the border. */
const duration = fc.oneof(
  { weight: 20, arbitrary: fc.integer({ min: 0, max: 2e9 }).map((us) => us / 1000) },
  { weight: 1, arbitrary: fc.double({ min: 0, max: 6e8, noNaN: true }) },
  {
    weight: 2,
    arbitrary: fc.constantFrom(0, -0, LARGEST_NARROW, LARGEST_NARROW + 0.001, 5e-324, 0.0005, 2 ** 53, 1e300),
  },
);
const durations = fc.oneof(
  fc.array(duration, { maxLength: 200 }),
  // A chunk that is just full, and what only a double holds right after it.
  fc.constantFrom(15, 16, 17, 48).map((length) => [...Array(length).fill(1), 1e300]),
  // Over several chunks.
  fc.tuple(fc.integer({ min: 0, max: 40_000 }), duration).map(([length, value]) => Array(length).fill(value)),
);

/** A column as it is, but for its values: their bytes, so that zeros differ by their sign. */
const bits = (column: Column) => ({
  ...column,
  chunks: column.chunks.map((chunk) => chunk.length),
  bytes: Buffer.concat(chunksOf(column).map((chunk) => Buffer.from(chunk.buffer, 0, chunk.byteLength))),
});

describe('a column', () => {
  it('takes many values as one after the other', () => {
    fc.assert(
      fc.property(fc.array(durations, { maxLength: 4 }), (parts) => {
        const [one, all] = [createColumn(), createColumn()];
        for (const part of parts) {
          for (const value of part) push(one, value);
          pushAll(all, Float64Array.from(part));
        }
        const [expected, found] = [bits(one), bits(all)];
        expect(found.bytes.equals(expected.bytes)).toBe(true);
        expect({ ...found, bytes: 0 }).toEqual({ ...expected, bytes: 0 });
      }),
    );
  });

  it.each([
    [LARGEST_NARROW, false],
    [LARGEST_NARROW + 0.001, true],
    [0.001, false],
    // Times 1000, a little less than 1001.
    [1.001, false],
    [0.0005, true],
    [0.1 + 0.2, true],
    [-0.001, true],
    [2 ** 32 + 0.001, true],
  ])('of %f is wide: %s', (value, wide) => {
    const [one, all] = [createColumn(), createColumn()];
    push(one, value);
    pushAll(all, Float64Array.of(1, value));
    expect([one.wide, all.wide]).toEqual([wide, wide]);
    const [chunk] = all.chunks;
    expect([chunk?.[0], chunk?.[1]]).toEqual(wide ? [1, value] : [1000, Math.round(value * 1000)]);
  });
});
