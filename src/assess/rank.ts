import { type Chunk, type Column, chunksOf } from './column.ts';

/** Fewer values are sorted: that is quicker than to look for those that matter. */
const FEW = 20_000;
/** A bucket holds the values that are the same in their leading bit and the six after it. */
const BUCKETS = 1 << 11;
/** The same for doubles: those with the same exponent and first six bits after the point. */
const WIDE_BUCKETS = 1 << 17;

/**
 * The values at some ranks (from 0, in ascending order) of all values of some columns, milliseconds. Many values are
 * not sorted: they are counted by buckets, and only the buckets in which a rank lies are sorted.
 */
export function valuesAt(columns: readonly Column[], ranks: readonly number[]): number[] {
  const wide = columns.some((column) => column.wide);
  const unitsPerMs = wide ? 1 : 1000;
  const total = columns.reduce((sum, column) => sum + column.length, 0);
  if (total <= FEW) {
    const all = emptyChunk(wide, total);
    let at = 0;
    for (const chunk of chunksIn(columns, wide)) {
      all.set(chunk, at);
      at += chunk.length;
    }
    all.sort();
    return ranks.map((rank) => (all[rank] as number) / unitsPerMs);
  }
  const counts = new Uint32Array(wide ? WIDE_BUCKETS : BUCKETS);
  for (const chunk of chunksIn(columns, wide)) {
    if (chunk instanceof Uint32Array) countNarrow(chunk, counts);
    else countWide(halvesOf(chunk), counts);
  }
  const places = ranks.map((rank) => findBucket(counts, rank));
  const wanted = [...new Set(places.map(({ bucket }) => bucket))];
  const slots = new Int32Array(counts.length).fill(-1);
  for (const [slot, bucket] of wanted.entries()) slots[bucket] = slot;
  const found = wanted.map((bucket) => emptyChunk(wide, counts[bucket] as number));
  const fills = new Uint32Array(wanted.length);
  for (const chunk of chunksIn(columns, wide)) {
    if (chunk instanceof Uint32Array) collectNarrow(chunk, slots, found, fills);
    else collectWide(chunk, halvesOf(chunk), slots, found, fills);
  }
  for (const values of found) values.sort();
  return places.map(({ bucket, rank }) => {
    const values = found[slots[bucket] as number] as Chunk;
    return (values[rank] as number) / unitsPerMs;
  });
}

/** In which bucket a rank lies, and the rank among the values of the bucket. */
function findBucket(counts: Uint32Array, rank: number): { bucket: number; rank: number } {
  let left = rank;
  let bucket = 0;
  for (; left >= (counts[bucket] as number); bucket++) left -= counts[bucket] as number;
  return { bucket, rank: left };
}

/** Ascending with the value; below 64 every value has its own. */
function bucketOf(value: number): number {
  const shift = 25 - Math.clz32(value | 64);
  return (shift << 6) + (value >>> shift);
}

function countNarrow(values: Uint32Array, counts: Uint32Array): void {
  for (let i = 0; i < values.length; i++) {
    const bucket = bucketOf(values[i] as number);
    counts[bucket] = (counts[bucket] as number) + 1;
  }
}

function collectNarrow(values: Uint32Array, slots: Int32Array, found: Chunk[], fills: Uint32Array): void {
  for (let i = 0; i < values.length; i++) {
    const slot = slots[bucketOf(values[i] as number)] as number;
    if (slot >= 0) keep(values[i] as number, slot, found, fills);
  }
}

/** @param words the doubles as pairs of words; those of positive doubles are in the order of the doubles. */
function countWide(words: Uint32Array, counts: Uint32Array): void {
  for (let i = 1; i < words.length; i += 2) {
    const bucket = (words[i] as number) >>> 14;
    counts[bucket] = (counts[bucket] as number) + 1;
  }
}

function collectWide(
  values: Chunk,
  words: Uint32Array,
  slots: Int32Array,
  found: Chunk[],
  fills: Uint32Array,
): void {
  for (let i = 0; i < values.length; i++) {
    const slot = slots[(words[2 * i + 1] as number) >>> 14] as number;
    if (slot >= 0) keep(values[i] as number, slot, found, fills);
  }
}

function keep(value: number, slot: number, found: Chunk[], fills: Uint32Array): void {
  const fill = fills[slot] as number;
  (found[slot] as Chunk)[fill] = value;
  fills[slot] = fill + 1;
}

/** Chunks of one kind: where one column is wide, all are read as milliseconds. */
function* chunksIn(columns: readonly Column[], wide: boolean): Generator<Chunk> {
  for (const column of columns) {
    for (const chunk of chunksOf(column)) {
      yield wide && !column.wide ? Float64Array.from(chunk, (us) => us / 1000) : chunk;
    }
  }
}

function emptyChunk(wide: boolean, length: number): Chunk {
  return wide ? new Float64Array(length) : new Uint32Array(length);
}

/** The bits of doubles, of each the lower half first. */
function halvesOf(chunk: Chunk): Uint32Array {
  return new Uint32Array(chunk.buffer, chunk.byteOffset, 2 * chunk.length);
}
