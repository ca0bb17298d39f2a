import { type Chunk, type Column, chunksOf } from './column.ts';

/** Fewer values are sorted: that is quicker than to count them. */
const FEW = 20_000;
const BUCKETS = 1 << 16;

/**
 * The values at some ranks (from 0, in ascending order) of all values of some columns, milliseconds. Many values are
 * not sorted but counted, by the upper and then the lower half of their highest 32 bits, so that no copy is made.
 */
export function valuesAt(columns: readonly Column[], ranks: readonly number[]): number[] {
  const total = columns.reduce((sum, column) => sum + column.length, 0);
  const wide = columns.some((column) => column.wide);
  if (total <= FEW) {
    const all = new Float64Array(total);
    let at = 0;
    for (const chunk of chunksIn(columns, true)) {
      all.set(chunk, at);
      at += chunk.length;
    }
    all.sort();
    return ranks.map((rank) => all[rank] as number);
  }
  const places = findKeys(columns, wide, ranks);
  if (!wide) return places.map(({ key }) => key / 1000);
  const values = valuesWith(columns, new Set(places.map(({ key }) => key)));
  return places.map(({ key, rank }) => (values.get(key) as Float64Array)[rank] as number);
}

interface Place {
  /** The highest 32 bits of the value; of microseconds those are all there are. */
  key: number;
  /** The rank among the values of the same key. */
  rank: number;
}

function findKeys(columns: readonly Column[], wide: boolean, ranks: readonly number[]): Place[] {
  const upper = new Uint32Array(BUCKETS);
  eachChunk(columns, wide, (words, first, step) => {
    for (let i = first; i < words.length; i += step) {
      const bucket = (words[i] as number) >>> 16;
      upper[bucket] = (upper[bucket] as number) + 1;
    }
  });
  const uppers = ranks.map((rank) => findBucket(upper, 0, rank));
  const wanted = [...new Set(uppers.map(({ key }) => key))];
  const slots = new Int32Array(BUCKETS).fill(-1);
  for (const [slot, bucket] of wanted.entries()) slots[bucket] = slot * BUCKETS;
  const lower = new Uint32Array(wanted.length * BUCKETS);
  eachChunk(columns, wide, (words, first, step) => {
    for (let i = first; i < words.length; i += step) {
      const word = words[i] as number;
      const slot = slots[word >>> 16] as number;
      if (slot < 0) continue;
      const bucket = slot + (word & 0xffff);
      lower[bucket] = (lower[bucket] as number) + 1;
    }
  });
  return uppers.map(({ key, rank }) => {
    const found = findBucket(lower, slots[key] as number, rank);
    return { key: key * BUCKETS + found.key, rank: found.rank };
  });
}

/** The bucket from `start` on in which a rank lies, and the rank within it. */
function findBucket(counts: Uint32Array, start: number, rank: number): Place {
  let left = rank;
  let bucket = start;
  for (; left >= (counts[bucket] as number); bucket++) left -= counts[bucket] as number;
  return { key: bucket - start, rank: left };
}

/** The values with some keys, in ascending order. */
function valuesWith(columns: readonly Column[], keys: ReadonlySet<number>): Map<number, Float64Array> {
  const found = new Map([...keys].map((key) => [key, [] as number[]]));
  for (const chunk of chunksIn(columns, true)) {
    const words = highWords(chunk);
    for (let i = 0; i < chunk.length; i++) {
      found.get(words[2 * i + 1] as number)?.push(chunk[i] as number);
    }
  }
  return new Map([...found].map(([key, values]) => [key, Float64Array.from(values).sort()]));
}

/** Runs over the keys of all values: every `step`-th of `words` from `first` on. */
function eachChunk(
  columns: readonly Column[],
  wide: boolean,
  run: (words: Uint32Array, first: number, step: number) => void,
): void {
  for (const chunk of chunksIn(columns, wide)) {
    if (chunk instanceof Float64Array) run(highWords(chunk), 1, 2);
    else run(chunk, 0, 1);
  }
}

/** Chunks of one kind: where one column is wide, all are read as milliseconds. */
function* chunksIn(columns: readonly Column[], wide: boolean): Generator<Chunk> {
  for (const column of columns) {
    for (const chunk of chunksOf(column)) {
      yield wide && !column.wide ? Float64Array.from(chunk, (us) => us / 1000) : chunk;
    }
  }
}

/** The bits of doubles, little-endian; those of positive doubles are in the order of the doubles. */
function highWords(chunk: Chunk): Uint32Array {
  return new Uint32Array(chunk.buffer, chunk.byteOffset, 2 * chunk.length);
}
