import { describe, expect, it } from 'vitest';
import { murmur3 } from '../../../src/flag/murmur3.ts';

// The test vectors that implementations of MurmurHash3_x86_32 share (SMHasher and Wikipedia, "MurmurHash").
const VECTORS: [string, number, number][] = [
  ['', 0, 0],
  ['', 1, 0x514e28b7],
  ['', 0xffffffff, 0x81f16f39],
  ['test', 0, 0xba6bd213],
  ['test', 0x9747b28c, 0x704b81dc],
  ['Hello, world!', 0, 0xc0363e43],
  ['Hello, world!', 0x9747b28c, 0x24884cba],
  ['The quick brown fox jumps over the lazy dog', 0, 0x2e4ff723],
  ['The quick brown fox jumps over the lazy dog', 0x9747b28c, 0x2fa826cd],
  ['\0\0\0\0', 0, 0x2362f9de],
  ['\0\0\0', 0, 0x85f0b427],
  ['\0\0', 0, 0x30f4c306],
  ['\0', 0, 0x514e28b7],
  ['aaaa', 0x9747b28c, 0x5a97808a],
  ['aaa', 0x9747b28c, 0x283e0130],
  ['aa', 0x9747b28c, 0x5d211726],
  ['a', 0x9747b28c, 0x7fa09ea6],
  ['abcd', 0x9747b28c, 0xf0478627],
  ['abc', 0x9747b28c, 0xc84a62dd],
  ['ab', 0x9747b28c, 0x74875592],
  // Non-ASCII text is hashed as UTF-8: eight Greek pi, 16 bytes.
  ['ππππππππ', 0x9747b28c, 0xd58063c1],
];

describe('murmur3', () => {
  it.each(VECTORS)('%j with seed %i', (text, seed, hash) => {
    expect(murmur3(text, seed)).toBe(hash);
  });
});
