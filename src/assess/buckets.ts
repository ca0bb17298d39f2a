/**
 * Durations by size: a bucket holds those whose microseconds are the same in their leading bit and the six after it.
 * Ascending with the duration; below 128 microseconds each has its own. The last holds all from 71 minutes up. The
 * bucket of a duration does not depend on whether it is kept as microseconds (Uint32) or as milliseconds (Float64).
 * No duration is negative.
 */
export const BUCKETS = 27 << 6;

type Values = Uint32Array | Float64Array;

const MAX_MICROSECONDS = 0xffff_ffff;

/** @param us whole microseconds, as the 32 bits they take. */
function bucketOf(us: number): number {
  const shift = 25 - Math.clz32(us | 64);
  return (shift << 6) + (us >>> shift);
}

/** @param ms milliseconds. */
function bucketOfMs(ms: number): number {
  return bucketOf(Math.min(ms * 1000 + 0.5, MAX_MICROSECONDS) >>> 0);
}

/** Counts values by their bucket. */
export function countInto(counts: Uint32Array, values: Values): void {
  if (values instanceof Uint32Array) countNarrow(counts, values);
  else countWide(counts, values);
}

function countNarrow(counts: Uint32Array, values: Uint32Array): void {
  for (let i = 0; i < values.length; i++) {
    const bucket = bucketOf(values[i] as number);
    counts[bucket] = (counts[bucket] as number) + 1;
  }
}

function countWide(counts: Uint32Array, values: Float64Array): void {
  for (let i = 0; i < values.length; i++) {
    const bucket = bucketOfMs(values[i] as number);
    counts[bucket] = (counts[bucket] as number) + 1;
  }
}

/**
 * Copies the values that lie in wanted buckets.
 * @param into of the same kind, or Float64.
 * @param fill where in `into` the first goes.
 * @param wanted by bucket: 1 where its values are wanted, else 0.
 * @returns the fill afterwards.
 */
export function copyWanted(into: Values, fill: number, values: Values, wanted: Uint8Array): number {
  return values instanceof Uint32Array
    ? copyNarrow(into, fill, values, wanted)
    : copyWide(into, fill, values, wanted);
}

function copyNarrow(into: Values, fill: number, values: Uint32Array, wanted: Uint8Array): number {
  const units = unitsOf(values, into);
  let end = fill;
  for (let i = 0; i < values.length; i++) {
    const us = values[i] as number;
    if (wanted[bucketOf(us)] !== 0) into[end++] = us / units;
  }
  return end;
}

function copyWide(into: Values, fill: number, values: Float64Array, wanted: Uint8Array): number {
  let end = fill;
  for (let i = 0; i < values.length; i++) {
    const ms = values[i] as number;
    if (wanted[bucketOfMs(ms)] !== 0) into[end++] = ms;
  }
  return end;
}

/** The same for all values. */
export function copyAll(into: Values, fill: number, values: Values): number {
  const units = unitsOf(values, into);
  for (let i = 0; i < values.length; i++) into[fill + i] = (values[i] as number) / units;
  return fill + values.length;
}

/** How many units of the one make one of the other. */
function unitsOf(from: Values, into: Values): number {
  return from instanceof Uint32Array && into instanceof Float64Array ? 1000 : 1;
}
