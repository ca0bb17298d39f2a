import { type Bytes, createBytes, from, keep } from './bytes.ts';
import { append, at, createList, type NumberList } from './list.ts';

/** Names by number, as bytes: a million of them take a third of what they take as texts. Plain data. */
export interface Names {
  bytes: Bytes;
  /** By number; the name's length stands before it, in four bytes. */
  places: NumberList;
  /** A hash table of numbers plus one; a power of two. */
  slots: Int32Array<ArrayBuffer>;
}

const FIRST_SLOTS = 1 << 12;
const LENGTH_BYTES = 4;

export function createNames(): Names {
  return {
    bytes: createBytes(),
    places: createList(),
    slots: new Int32Array(FIRST_SLOTS),
  };
}

export function nameAt(names: Names, number: number): string {
  return decoded(bytesAt(names, number));
}

function bytesAt({ bytes, places }: Names, number: number): Buffer {
  const found = from(bytes.segments, at(places, number));
  return found.subarray(LENGTH_BYTES, LENGTH_BYTES + found.readUInt32LE());
}

/** The number of a name; a new one where it has none yet. */
export function numberOf(names: Names, name: string): number {
  const wanted = encoded(name);
  const mask = names.slots.length - 1;
  let slot = hashOf(wanted) & mask;
  for (;;) {
    const number = (names.slots[slot] as number) - 1;
    if (number < 0) break;
    if (wanted.equals(bytesAt(names, number))) return number;
    slot = (slot + 1) & mask;
  }
  const number = names.places.length;
  const length = Buffer.alloc(LENGTH_BYTES);
  length.writeUInt32LE(wanted.length);
  append(names.places, keep(names.bytes, Buffer.concat([length, wanted])));
  names.slots[slot] = number + 1;
  if (number > names.slots.length / 2) grow(names);
  return number;
}

function grow(names: Names): void {
  const slots = new Int32Array(names.slots.length * 2);
  for (let number = 0; number < names.places.length; number++) {
    let slot = hashOf(bytesAt(names, number)) & (slots.length - 1);
    while (slots[slot] !== 0) slot = (slot + 1) & (slots.length - 1);
    slots[slot] = number + 1;
  }
  names.slots = slots;
}

// A text with half a surrogate pair has no UTF-8: the first byte tells how a name is written.
const UTF8 = 0;
const UTF16 = 1;

const HALF_PAIR = /\p{Cs}/u;

function encoded(name: string): Buffer {
  return HALF_PAIR.test(name)
    ? Buffer.concat([Buffer.of(UTF16), Buffer.from(name, 'utf16le')])
    : Buffer.concat([Buffer.of(UTF8), Buffer.from(name, 'utf8')]);
}

function decoded(bytes: Buffer): string {
  return bytes.toString(bytes[0] === UTF8 ? 'utf8' : 'utf16le', 1);
}

/** FNV-1a, with the bits mixed once more. */
function hashOf(bytes: Buffer): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < bytes.length; i++) hash = Math.imul(hash ^ (bytes[i] as number), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
  return hash ^ (hash >>> 13);
}
