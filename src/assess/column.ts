/**
 * A growing column of durations in milliseconds that stays small: a whole number of microseconds below 71 minutes
 * (what logs write) takes 4 bytes, until there is another value; then all that follow take 8. Nothing is rounded: what
 * goes in comes out, bit for bit. Plain data, so that a worker can send it.
 */
export interface Column {
  length: number;
  /** Whether some chunks are wide; new ones are then. */
  wide: boolean;
  /** Full but for the last; that is wide where the column is. */
  chunks: Chunk[];
  /** Fill of the last chunk. */
  fill: number;
}

/** Microseconds; or, wide, milliseconds. */
export type Chunk = Uint32Array<ArrayBuffer> | Float64Array<ArrayBuffer>;

const FIRST_CHUNK = 16;
const MAX_CHUNK = 16_384;

export function createColumn(): Column {
  return { length: 0, wide: false, chunks: [], fill: 0 };
}

/** Appends a duration, milliseconds. */
export function push(column: Column, ms: number): void {
  // Zero has no sign here.
  let stored = ms + 0;
  let last = chunkWithRoom(column);
  if (!column.wide) {
    const us = microseconds(ms);
    if (us / 1000 === ms) stored = us;
    else last = widen(column);
  }
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
  const { chunks, wide } = column;
  const last = chunks[chunks.length - 1];
  if (last && column.fill < last.length) return last;
  const length = last ? Math.min(last.length * 2, MAX_CHUNK) : FIRST_CHUNK;
  const next = wide ? new Float64Array(length) : new Uint32Array(length);
  chunks.push(next);
  column.fill = 0;
  return next;
}

/** Fewer values are copied: each chunk that is taken as it is makes the list of them longer. */
const FEW = 1024;

/** Appends the values of `other`, which must not be used any more. */
export function mergeColumn(into: Column, other: Column): void {
  if (other.length < FEW && into.length > 0) {
    for (const chunk of other.chunks) {
      const perMs = chunk instanceof Uint32Array ? 1000 : 1;
      const filled = chunk === other.chunks[other.chunks.length - 1] ? other.fill : chunk.length;
      for (let i = 0; i < filled; i++) push(into, (chunk[i] as number) / perMs);
    }
    return;
  }
  into.wide ||= other.wide;
  into.chunks = [...chunksOf(into), ...chunksOf(other)];
  into.fill = into.chunks[into.chunks.length - 1]?.length ?? 0;
  into.length += other.length;
}

/** The chunks, each cut to what it holds. */
export function chunksOf({ chunks, fill }: Column): Chunk[] {
  const last = chunks[chunks.length - 1];
  return last ? [...chunks.slice(0, -1), last.subarray(0, fill)] : [];
}

/** The memory of a column that can be handed to another thread as it is. */
export function columnBuffers({ chunks }: Column): ArrayBuffer[] {
  return chunks.map(({ buffer }) => buffer);
}

/** Makes the chunk wide that is being filled, and those that follow. */
function widen(column: Column): Chunk {
  const wide = Float64Array.from(column.chunks.pop() ?? [], (us) => us / 1000);
  column.chunks.push(wide);
  column.wide = true;
  return wide;
}
