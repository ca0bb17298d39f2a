import { BUCKETS, copyAll, copyBucket, copyWanted } from './buckets.ts';
import { type Chunk, type Column, chunksOf, countColumn, looseChunks } from './column.ts';

/** Fewer values are sorted: that is quicker than to look for those that matter. */
const FEW = 20_000;

/**
 * The values at some ranks (from 0, in ascending order) of all values of some columns, milliseconds. Many values are
 * not sorted: they are counted by buckets, and only the buckets in which a rank lies are sorted.
 */
export function valuesAt(columns: readonly Column[], ranks: readonly number[]): number[] {
  const wide = columns.some((column) => column.wide);
  const unitsPerMs = wide ? 1 : 1000;
  const total = columns.reduce((sum, column) => sum + column.length, 0);
  const { values, places } = total <= FEW ? allOf(columns, wide, total, ranks) : some(columns, wide, ranks);
  values.sort();
  return places.map((place) => (values[place] as number) / unitsPerMs);
}

/** Values among which those at the ranks are, and their places when these are sorted. */
interface Found {
  values: Chunk;
  places: readonly number[];
}

function allOf(columns: readonly Column[], wide: boolean, total: number, ranks: readonly number[]): Found {
  const values = emptyChunk(wide, total);
  let fill = 0;
  for (const column of columns) for (const chunk of chunksOf(column)) fill = copyAll(values, fill, chunk);
  return { values, places: ranks };
}

function some(columns: readonly Column[], wide: boolean, ranks: readonly number[]): Found {
  const counts = new Uint32Array(BUCKETS);
  for (const column of columns) countColumn(counts, column);
  const { buckets, size, places } = placesOf(counts, ranks);
  const wanted = new Uint8Array(BUCKETS);
  for (const bucket of buckets) wanted[bucket] = 1;
  const values = emptyChunk(wide, size);
  let fill = 0;
  for (const column of columns) {
    for (const chunk of column.ordered) {
      for (const bucket of buckets) fill = copyBucket(values, fill, chunk, bucket);
    }
    for (const chunk of looseChunks(column)) fill = copyWanted(values, fill, chunk, wanted);
  }
  return { values, places };
}

/** In which buckets some ranks lie, how many values these hold, and the ranks among these values. */
function placesOf(
  counts: Uint32Array,
  ranks: readonly number[],
): { buckets: number[]; size: number; places: number[] } {
  const buckets: number[] = [];
  const places: number[] = [];
  let size = 0;
  // Values in the buckets before this one, and in this one.
  let before = 0;
  let count = 0;
  let bucket = -1;
  for (const [i, rank] of [...ranks.entries()].sort(([, a], [, b]) => a - b)) {
    while (rank >= before + count) {
      before += count;
      bucket++;
      count = counts[bucket] as number;
    }
    if (buckets[buckets.length - 1] !== bucket) {
      buckets.push(bucket);
      size += count;
    }
    places[i] = size - count + rank - before;
  }
  return { buckets, size, places };
}

function emptyChunk(wide: boolean, length: number): Chunk {
  return wide ? new Float64Array(length) : new Uint32Array(length);
}
