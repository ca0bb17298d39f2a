import { BUCKETS, countInto, orderInto } from './buckets.ts';

/**
 * A growing column of durations in milliseconds that stays small: a whole number of microseconds below 71 minutes
 * (what logs write) takes 4 bytes, until there is another value; then all that follow take 8. Nothing is rounded: what
 * goes in comes out, bit for bit, but in no order. Plain data, so that a worker can send it.
 */
export interface Column {
  length: number;
  /** Whether some chunks are wide; new ones are then. */
  wide: boolean;
  /** Chunks whose values are in the order of their buckets (see buckets.ts): few must be read to find quantiles. */
  ordered: Chunk[];
  /** How many values of the ordered chunks lie in each bucket; undefined without such chunks. */
  counts: Uint32Array<ArrayBuffer> | undefined;
  /** The other chunks. Full but for the last; that is wide where the column is. */
  loose: Chunk[];
  /** Fill of the last loose chunk. */
  fill: number;
}

/** Microseconds; or, wide, milliseconds. */
export type Chunk = Uint32Array<ArrayBuffer> | Float64Array<ArrayBuffer>;

const FIRST_CHUNK = 16;
const MAX_CHUNK = 8192;
/** Chunks from this length on are ordered once they are full: a short column is not worth the counts. */
const MIN_ORDERED = 4096;

export function createColumn(): Column {
  return { length: 0, wide: false, ordered: [], counts: undefined, loose: [], fill: 0 };
}

/** Appends a duration, milliseconds. */
export function push(column: Column, ms: number): void {
  // Zero has no sign here.
  let stored = ms + 0;
  if (!column.wide) {
    const us = microseconds(ms);
    if (us / 1000 === ms) stored = us;
    else widen(column);
  }
  const last = chunkWithRoom(column);
  last[column.fill++] = stored;
  column.length++;
}

/** The same for each of some durations, in their order, milliseconds. */
export function pushAll(column: Column, values: Float64Array): void {
  for (let from = 0; from < values.length; ) {
    const last = chunkWithRoom(column);
    const to = Math.min(values.length, from + last.length - column.fill);
    const taken =
      last instanceof Uint32Array
        ? fillNarrow(last, column.fill, values, from, to)
        : fillWide(last, column.fill, values, from, to);
    column.fill += taken;
    column.length += taken;
    from += taken;
    if (from < to) widen(column);
  }
}

/** @returns how many values were taken: all, or those before the first that is not narrow. */
function fillNarrow(into: Uint32Array, fill: number, values: Float64Array, from: number, to: number): number {
  for (let i = from; i < to; i++) {
    const ms = values[i] as number;
    const us = microseconds(ms);
    if (us / 1000 !== ms) return i - from;
    into[fill + i - from] = us;
  }
  return to - from;
}

function fillWide(into: Float64Array, fill: number, values: Float64Array, from: number, to: number): number {
  for (let i = from; i < to; i++) into[fill + i - from] = (values[i] as number) + 0;
  return to - from;
}

/** The whole number of microseconds that a duration is, if it is one: a 1000th of it is the same double then. */
function microseconds(ms: number): number {
  return (ms * 1000 + 0.5) >>> 0;
}

function chunkWithRoom(column: Column): Chunk {
  const { loose, wide } = column;
  const last = loose[loose.length - 1];
  if (last && column.fill < last.length) return last;
  const length = last ? Math.min(last.length * 2, MAX_CHUNK) : FIRST_CHUNK;
  let next: Chunk = wide ? new Float64Array(length) : new Uint32Array(length);
  if (last && last.length >= MIN_ORDERED) {
    // The values move to the new chunk, and where they were is room again; unless the two are not alike.
    const alike = next.byteLength === last.byteLength;
    const ordered = alike ? next : last.slice();
    column.counts ??= new Uint32Array(BUCKETS);
    orderInto(ordered, last, column.counts);
    column.ordered.push(ordered);
    loose.pop();
    if (ordered === next) next = last;
  }
  loose.push(next);
  column.fill = 0;
  return next;
}

/** Appends the values of `other`, which must not be used any more. */
export function mergeColumn(into: Column, other: Column): void {
  into.wide ||= other.wide;
  if (into.counts) addCounts(into.counts, other.counts);
  else into.counts = other.counts;
  into.ordered = [...into.ordered, ...other.ordered];
  into.loose = [...looseChunks(into), ...looseChunks(other)];
  into.fill = into.loose[into.loose.length - 1]?.length ?? 0;
  into.length += other.length;
}

/** All chunks, each cut to what it holds. */
export function chunksOf(column: Column): Chunk[] {
  return [...column.ordered, ...looseChunks(column)];
}

/** The chunks that are not ordered, each cut to what it holds. */
export function looseChunks({ loose, fill }: Column): Chunk[] {
  const last = loose[loose.length - 1];
  return last ? [...loose.slice(0, -1), last.subarray(0, fill)] : [];
}

/** Adds how many values of a column lie in each bucket. */
export function countColumn(counts: Uint32Array, column: Column): void {
  addCounts(counts, column.counts);
  for (const chunk of looseChunks(column)) countInto(counts, chunk);
}

/** The memory of a column that can be handed to another thread as it is. */
export function columnBuffers({ ordered, counts, loose }: Column): ArrayBuffer[] {
  return [...ordered, ...loose, ...(counts ? [counts] : [])].map(({ buffer }) => buffer);
}

function addCounts(into: Uint32Array, counts: Uint32Array | undefined): void {
  if (!counts) return;
  for (let bucket = 0; bucket < BUCKETS; bucket++) {
    into[bucket] = (into[bucket] as number) + (counts[bucket] as number);
  }
}

/** Makes the chunk wide that is being filled, and those that follow. */
function widen(column: Column): void {
  const last = column.loose.pop();
  if (last) column.loose.push(Float64Array.from(last, (us) => us / 1000));
  column.wide = true;
}
