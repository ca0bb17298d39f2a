/**
 * A growing column of durations in milliseconds that stays small: while every value is a whole number of
 * microseconds below 71 minutes (what logs write) it takes 4 bytes a value, else 8. Nothing is rounded: what
 * goes in comes out, bit for bit. Plain data, so that a worker can send it.
 */
export interface Column {
  length: number;
  /** Values in full chunks and the last, partly filled one; all Uint32 (microseconds) or all Float64 (ms). */
  chunks: (Uint32Array | Float64Array)[];
  /** Fill of the last chunk. */
  fill: number;
  wide: boolean;
}

const FIRST_CHUNK = 16;
const MAX_CHUNK = 16_384;
const MAX_MICROSECONDS = 0xffff_ffff;

export function createColumn(): Column {
  return { length: 0, chunks: [], fill: 0, wide: false };
}

export function push(column: Column, ms: number): void {
  let stored = ms;
  if (!column.wide) {
    const us = Math.round(ms * 1000);
    if (us >= 0 && us <= MAX_MICROSECONDS && us / 1000 === ms) stored = us;
    else widen(column);
  }
  let last = column.chunks[column.chunks.length - 1];
  if (!last || column.fill === last.length) {
    const size = last ? Math.min(last.length * 2, MAX_CHUNK) : FIRST_CHUNK;
    last = column.wide ? new Float64Array(size) : new Uint32Array(size);
    column.chunks.push(last);
    column.fill = 0;
  }
  last[column.fill++] = stored;
  column.length++;
}

function widen(column: Column): void {
  column.chunks = column.chunks.map((chunk) => Float64Array.from(chunk, (us) => us / 1000));
  column.wide = true;
}

/** Appends the values of `other`. */
export function mergeColumn(into: Column, other: Column): void {
  for (const [index, chunk] of other.chunks.entries()) {
    const filled = index === other.chunks.length - 1 ? other.fill : chunk.length;
    for (let i = 0; i < filled; i++) {
      const value = chunk[i] as number;
      push(into, other.wide ? value : value / 1000);
    }
  }
}

/** Values in ascending order; `unitsPerMs` of them are a millisecond. */
export interface Sorted {
  values: Uint32Array | Float64Array;
  unitsPerMs: number;
}

/** All values of some columns in ascending order, in the narrow form where all are: sorting it takes half the time. */
export function sortedUnits(columns: readonly Column[]): Sorted {
  const wide = columns.some((column) => column.wide);
  const total = columns.reduce((sum, column) => sum + column.length, 0);
  const values = wide ? new Float64Array(total) : new Uint32Array(total);
  let at = 0;
  for (const column of columns) {
    for (const [index, chunk] of column.chunks.entries()) {
      const filled = index === column.chunks.length - 1 ? chunk.subarray(0, column.fill) : chunk;
      if (wide && !column.wide)
        values.set(
          Float64Array.from(filled, (us) => us / 1000),
          at,
        );
      else values.set(filled, at);
      at += filled.length;
    }
  }
  values.sort();
  return { values, unitsPerMs: wide ? 1 : 1000 };
}

/** The same in milliseconds. */
export function sorted(columns: readonly Column[]): Float64Array {
  const { values, unitsPerMs } = sortedUnits(columns);
  return Float64Array.from(values, (value) => value / unitsPerMs);
}
