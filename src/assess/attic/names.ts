import { type Bytes, createBytes, keepWritten, offsetOf, roomFor, segmentOf } from './bytes.ts';
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
/** No unit of a text takes more bytes. */
const MOST_BYTES = 3;

export function createNames(): Names {
  return {
    bytes: createBytes(),
    places: createList(),
    slots: new Int32Array(FIRST_SLOTS),
  };
}

/** Reads names by their numbers, as long as there comes no new one. */
export function nameReader({ bytes, places }: Names): (number: number) => string {
  const segments = bytes.segments.map(({ buffer }) => Buffer.from(buffer));
  return (number) => {
    const place = at(places, number);
    const segment = segments[segmentOf(place)] as Buffer;
    const from = offsetOf(place) + LENGTH_BYTES;
    // A text with half a surrogate pair has no UTF-8: the first byte tells how a name is written.
    const encoding = segment[from] === UTF8 ? 'utf8' : 'utf16le';
    return segment.toString(encoding, from + 1, from + lengthAt(segment, offsetOf(place)));
  };
}

/** The number of a name; a new one where it has none yet. */
export function numberOf(names: Names, name: string): number {
  // Written where it will stand if it is new: nothing has to be copied, and it is let be where it is known.
  const { bytes } = names;
  const wanted = roomFor(bytes, LENGTH_BYTES + 1 + MOST_BYTES * name.length);
  const from = bytes.used;
  const length = encode(name, wanted, from + LENGTH_BYTES);
  for (let i = 0; i < LENGTH_BYTES; i++) wanted[from + i] = length >>> (8 * i);
  const mask = names.slots.length - 1;
  let slot = hashAt(wanted, from) & mask;
  for (;;) {
    const number = (names.slots[slot] as number) - 1;
    if (number < 0) break;
    if (isNameAt(names, number, wanted, from)) return number;
    slot = (slot + 1) & mask;
  }
  const number = names.places.length;
  append(names.places, keepWritten(bytes, LENGTH_BYTES + length));
  names.slots[slot] = number + 1;
  if (number > names.slots.length / 2) grow(names);
  return number;
}

function isNameAt({ bytes, places }: Names, number: number, wanted: Uint8Array, from: number): boolean {
  const place = at(places, number);
  const segment = bytes.segments[segmentOf(place)] as Uint8Array;
  const start = offsetOf(place);
  // The lengths are compared with the names: they stand before them.
  const end = LENGTH_BYTES + lengthAt(wanted, from);
  for (let i = 0; i < end; i++) if (segment[start + i] !== wanted[from + i]) return false;
  return true;
}

function grow(names: Names): void {
  const { bytes, places } = names;
  const slots = new Int32Array(names.slots.length * 2);
  for (let number = 0; number < places.length; number++) {
    const place = at(places, number);
    let slot = hashAt(bytes.segments[segmentOf(place)] as Uint8Array, offsetOf(place)) & (slots.length - 1);
    while (slots[slot] !== 0) slot = (slot + 1) & (slots.length - 1);
    slots[slot] = number + 1;
  }
  names.slots = slots;
}

function lengthAt(bytes: Uint8Array, from: number): number {
  let length = 0;
  for (let i = LENGTH_BYTES - 1; i >= 0; i--) length = length * 0x100 + (bytes[from + i] as number);
  return length;
}

const UTF8 = 0;
const UTF16 = 1;

const HALF_PAIR = /\p{Cs}/u;

/** @returns how many bytes were written. */
function encode(name: string, into: Uint8Array, from: number): number {
  into[from] = UTF8;
  for (let i = 0; i < name.length; i++) {
    const unit = name.charCodeAt(i);
    if (unit > 0x7f) return encodeForeign(name, into, from);
    into[from + 1 + i] = unit;
  }
  return 1 + name.length;
}

function encodeForeign(name: string, into: Uint8Array, from: number): number {
  const half = HALF_PAIR.test(name);
  const bytes = Buffer.from(name, half ? 'utf16le' : 'utf8');
  into[from] = half ? UTF16 : UTF8;
  into.set(bytes, from + 1);
  return 1 + bytes.length;
}

/** Of the name whose length stands there: FNV-1a, with the bits mixed once more. */
function hashAt(bytes: Uint8Array, from: number): number {
  const begin = from + LENGTH_BYTES;
  const end = begin + lengthAt(bytes, from);
  let hash = 0x811c9dc5;
  for (let i = begin; i < end; i++) hash = Math.imul(hash ^ (bytes[i] as number), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
  return hash ^ (hash >>> 13);
}
