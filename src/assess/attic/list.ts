/** A growing list of numbers that is never copied to grow. Plain data, so that a worker can send it. */
export interface NumberList {
  length: number;
  /** Whether they are whole numbers of 32 bits. */
  words: boolean;
  chunks: (Float64Array<ArrayBuffer> | Uint32Array<ArrayBuffer>)[];
}

const CHUNK = 1 << 14;

export function createList(words = false): NumberList {
  return { length: 0, words, chunks: [] };
}

export function append(list: NumberList, value: number): void {
  const at = list.length % CHUNK;
  if (at === 0) list.chunks.push(list.words ? new Uint32Array(CHUNK) : new Float64Array(CHUNK));
  (list.chunks[list.chunks.length - 1] as Float64Array)[at] = value;
  list.length++;
}

export function at(list: NumberList, index: number): number {
  return (list.chunks[Math.floor(index / CHUNK)] as Float64Array)[index % CHUNK] as number;
}

export function increase(list: NumberList, index: number, by: number): void {
  const chunk = list.chunks[Math.floor(index / CHUNK)] as Float64Array;
  chunk[index % CHUNK] = (chunk[index % CHUNK] as number) + by;
}
