import { BUCKETS, copyAll, copyWanted, countInto } from './buckets.ts';
import { type Chunk, type Column, chunksOf } from './column.ts';

/** A question for the values at some ranks (from 0, in ascending order) of all values of some columns. */
export interface RankQuestion {
  columns: readonly Column[];
  ranks: readonly number[];
}

/** Fewer values are sorted: that is quicker than to look for those that matter. */
const FEW = 20_000;
/** No more than this are sorted as plain numbers. */
const VERY_FEW = 64;
/** What was found in a longer column for one question is kept for the others. */
const LONG = 4096;

/**
 * The values at the ranks of each question, milliseconds. Many values are not sorted: they are counted by buckets, and
 * only the buckets in which a rank lies are sorted. However many questions there are of a long column, it is read twice.
 */
export function valuesAt(questions: readonly RankQuestion[]): number[][] {
  const counts = new Map<Column, Uint32Array>();
  const wanted = new Map<Column, Uint8Array>();
  const plans = questions.map((question) => planOf(question, counts));
  for (const plan of plans) want(plan, wanted);
  const copies = new Map<Column, Chunk>();
  return plans.map((plan) => {
    const values = valuesOf(plan, (column) => {
      let copy = copies.get(column);
      if (!copy) {
        copy = copyOf(column, wanted.get(column) as Uint8Array, counts.get(column) as Uint32Array);
        copies.set(column, copy);
      }
      return copy;
    });
    values.sort();
    const unitsPerMs = values instanceof Uint32Array ? 1000 : 1;
    return plan.places.map((place) => (values[place] as number) / unitsPerMs);
  });
}

/** All values of some columns, milliseconds, ascending; undefined where there are more than most groups have. */
export function fewSorted(columns: readonly Column[]): number[] | undefined {
  const values: number[] = [];
  for (const { chunks, fill, length } of columns) {
    if (values.length + length > VERY_FEW) return undefined;
    for (const chunk of chunks) {
      const unitsPerMs = chunk instanceof Uint32Array ? 1000 : 1;
      const count = chunk === chunks[chunks.length - 1] ? fill : chunk.length;
      for (let i = 0; i < count; i++) values.push((chunk[i] as number) / unitsPerMs);
    }
  }
  return values.length < 2 ? values : values.sort((a, b) => a - b);
}

/** Among which values those are that a question asks for. */
interface Plan {
  columns: readonly Column[];
  /** By bucket: 1 where its values are needed, else 0; undefined where all are. */
  wanted: Uint8Array | undefined;
  /** How many values are needed. */
  size: number;
  /** The ranks among these values. */
  places: readonly number[];
}

/** @param known the counts of long columns, those that were counted before; it grows by those that were not. */
function planOf({ columns, ranks }: RankQuestion, known: Map<Column, Uint32Array>): Plan {
  const total = columns.reduce((sum, column) => sum + column.length, 0);
  if (total <= FEW) return { columns, wanted: undefined, size: total, places: ranks };
  const counts = new Uint32Array(BUCKETS);
  for (const column of columns) {
    if (!isLong(column)) {
      count(counts, column);
      continue;
    }
    let own = known.get(column);
    if (!own) {
      own = new Uint32Array(BUCKETS);
      count(own, column);
      known.set(column, own);
    }
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      counts[bucket] = (counts[bucket] as number) + (own[bucket] as number);
    }
  }
  return { columns, ...placesOf(counts, ranks) };
}

function isLong(column: Column): boolean {
  return column.length >= LONG;
}

function count(counts: Uint32Array, column: Column): void {
  for (const chunk of chunksOf(column)) countInto(counts, chunk);
}

/** In which buckets some ranks lie, how many values these hold, and the ranks among these values. */
function placesOf(counts: Uint32Array, ranks: readonly number[]): Omit<Plan, 'columns'> {
  const wanted = new Uint8Array(BUCKETS);
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
    if (wanted[bucket] === 0) {
      wanted[bucket] = 1;
      size += count;
    }
    places[i] = size - count + rank - before;
  }
  return { wanted, size, places };
}

/** Adds what a question needs of its long columns to what others need of them. */
function want({ columns, wanted }: Plan, all: Map<Column, Uint8Array>): void {
  if (!wanted) return;
  for (const column of columns) {
    if (!isLong(column)) continue;
    const own = all.get(column);
    if (!own) all.set(column, wanted.slice());
    else
      for (let bucket = 0; bucket < BUCKETS; bucket++)
        own[bucket] = (own[bucket] as number) | (wanted[bucket] as number);
  }
}

/** The values of a column that some question needs. */
function copyOf(column: Column, wanted: Uint8Array, counts: Uint32Array): Chunk {
  let size = 0;
  for (let bucket = 0; bucket < BUCKETS; bucket++) if (wanted[bucket] !== 0) size += counts[bucket] as number;
  const copy = emptyChunk(column.wide, size);
  let fill = 0;
  for (const chunk of chunksOf(column)) fill = copyWanted(copy, fill, chunk, wanted);
  return copy;
}

/** @param copyOf the values of a long column that some question needs. */
function valuesOf({ columns, wanted, size }: Plan, copyOf: (column: Column) => Chunk): Chunk {
  const wide = columns.some((column) => column.wide);
  const values = emptyChunk(wide, size);
  let fill = 0;
  for (const column of columns) {
    const chunks = wanted && isLong(column) ? [copyOf(column)] : chunksOf(column);
    for (const chunk of chunks) {
      fill = wanted ? copyWanted(values, fill, chunk, wanted) : copyAll(values, fill, chunk);
    }
  }
  return values;
}

function emptyChunk(wide: boolean, length: number): Chunk {
  return wide ? new Float64Array(length) : new Uint32Array(length);
}
