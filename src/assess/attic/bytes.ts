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

/** Keeps a copy. @returns its place. */
export function keep(bytes: Bytes, what: Uint8Array): number {
  let last = bytes.segments[bytes.segments.length - 1];
  if (!last || bytes.used + what.length > last.length) {
    last = new Uint8Array(Math.max(SEGMENT_BYTES, what.length));
    bytes.segments.push(last);
    bytes.used = 0;
  }
  last.set(what, bytes.used);
  bytes.used += what.length;
  return (bytes.segments.length - 1) * PER_SEGMENT + bytes.used - what.length;
}

/** What was kept at a place, and all that was kept after it in its segment. */
export function from(segments: readonly Uint8Array<ArrayBuffer>[], place: number): Buffer {
  const segment = segments[segmentOf(place)] as Uint8Array<ArrayBuffer>;
  return Buffer.from(segment.buffer, place % PER_SEGMENT);
}

/** Which segment a place is in. */
export function segmentOf(place: number): number {
  return Math.floor(place / PER_SEGMENT);
}

/** The place where so many other segments come first. */
export function moved(place: number, segments: number): number {
  return place + segments * PER_SEGMENT;
}
