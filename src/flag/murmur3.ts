const C1 = 0xcc9e2d51;
const C2 = 0x1b873593;
const encoder = new TextEncoder();

/**
 * MurmurHash3_x86_32 of the UTF-8 bytes of `text`, as an unsigned 32-bit number. The algorithm and its constants
 * are Austin Appleby's public-domain reference (SMHasher, MurmurHash3.cpp).
 */
export function murmur3(text: string, seed = 0): number {
  const bytes = encoder.encode(text);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const blocksEnd = bytes.length & ~3;
  let h = seed | 0;
  for (let i = 0; i < blocksEnd; i += 4) {
    h ^= scramble(view.getInt32(i, true));
    h = rotateLeft(h, 13);
    h = (Math.imul(h, 5) + 0xe6546b64) | 0;
  }
  let tail = 0;
  for (let i = bytes.length - 1; i >= blocksEnd; i--) tail = (tail << 8) | (bytes[i] as number);
  // A tail of zeros scrambles to zero, so an absent one needs no special case.
  h ^= scramble(tail);
  return finish(h ^ bytes.length);
}

function scramble(k: number): number {
  return Math.imul(rotateLeft(Math.imul(k, C1), 15), C2);
}

function rotateLeft(x: number, bits: number): number {
  return (x << bits) | (x >>> (32 - bits));
}

function finish(h: number): number {
  let x = h;
  x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
  return (x ^ (x >>> 16)) >>> 0;
}
