/** Bytes that are kept, in segments. Plain data, so that a worker can send it. */
export interface Bytes {
  segments: Uint8Array<ArrayBuffer>[];
  /** Fill of the last segment. */
  used: number;
}

const SEGMENT_BYTES = 1 << 18;
/** Places are numbers: the segment, and where in it. */
const PER_SEGMENT = 2 ** 32;

export function createBytes(): Bytes {
  return { segments: [], used: 0 };
}

/** The last segment, with room for so many bytes from `used` on; a new one where there is less. */
export function roomFor(bytes: Bytes, count: number): Uint8Array<ArrayBuffer> {
  const last = bytes.segments[bytes.segments.length - 1];
  if (last && bytes.used + count <= last.length) return last;
  const next = new Uint8Array(Math.max(SEGMENT_BYTES, count));
  bytes.segments.push(next);
  bytes.used = 0;
  return next;
}

/** Keeps so many bytes, which were written where there was room for them. @returns their place. */
export function keepWritten(bytes: Bytes, count: number): number {
  bytes.used += count;
  return (bytes.segments.length - 1) * PER_SEGMENT + bytes.used - count;
}

/** Keeps a copy. @returns its place. */
export function keep(bytes: Bytes, what: Uint8Array): number {
  roomFor(bytes, what.length).set(what, bytes.used);
  return keepWritten(bytes, what.length);
}

/** Which segment a place is in. */
export function segmentOf(place: number): number {
  return Math.floor(place / PER_SEGMENT);
}

/** Where in its segment a place is. */
export function offsetOf(place: number): number {
  return place % PER_SEGMENT;
}

/** The place where so many other segments come first. */
export function moved(place: number, segments: number): number {
  return place + segments * PER_SEGMENT;
}
