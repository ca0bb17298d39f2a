import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { decompressed } from '../../../src/usage/decompress.ts';

const fixture = (name: string) =>
  readFileSync(fileURLToPath(new URL(`../../../fixtures/${name}`, import.meta.url)));
const PACKED = fixture('logs/checksummed.jsonl.zst');
const LINES = fixture('demo/usage.jsonl').toString().split('\n').slice(0, 400);
const CONTENT = `${LINES.join('\n')}\n`;

async function* inPieces(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}
const unpacked = async (bytes: Buffer, size = 64 * 1024) => {
  const parts: Buffer[] = [];
  for await (const part of decompressed(inPieces(bytes, size))) parts.push(part);
  return Buffer.concat(parts);
};

/** A frame of a window of 1 MB, with no checksum: its blocks hold so many bytes, all the same (RFC 8878). */
const frame = (byte: string, sizes: readonly number[]) => {
  const blocks = sizes.map((size, i) => {
    const header = (i === sizes.length - 1 ? 1 : 0) | (1 << 1) | (size << 3);
    return Buffer.from([header & 0xff, (header >> 8) & 0xff, header >> 16, byte.charCodeAt(0)]);
  });
  return Buffer.concat([Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x00, 10 << 3]), ...blocks]);
};
const skippable = Buffer.from([0x53, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3]);

describe('what is packed', () => {
  it.each([1, 7, 1000, 1 << 20])('zstd comes out as it went in, in pieces of %i bytes', async (size) => {
    expect((await unpacked(PACKED, size)).toString()).toBe(CONTENT);
  });

  it('zstd of several frames, with some to be skipped, is one content', async () => {
    // 256 KB is what is taken out at a time: a frame may end right there.
    const all = Buffer.concat([
      skippable,
      frame('a', [131_072, 131_072]),
      PACKED,
      skippable,
      frame('b', [5]),
    ]);
    expect((await unpacked(all)).toString()).toBe(`${'a'.repeat(262_144)}${CONTENT}bbbbb`);
  });

  it('a flipped bit of zstd never gives other content: it is an error, or changes nothing', async () => {
    let errors = 0;
    for (let flip = 0; flip < 300; flip++) {
      const damaged = Buffer.from(PACKED);
      const bit = Math.floor((flip * (PACKED.length * 8)) / 300);
      damaged[bit >> 3] = (damaged[bit >> 3] as number) ^ (1 << (bit & 7));
      const text = await unpacked(damaged).then(String, () => undefined);
      if (text === undefined) errors++;
      // Without its magic it is not unpacked: the reader finds that it is binary.
      else if (text !== CONTENT) expect(text, `bit ${bit}`).toBe(String(damaged));
    }
    expect(errors).toBeGreaterThan(250);
  });

  it.each([
    ['zstd', PACKED],
    ['gzip', gzipSync(CONTENT)],
  ])('%s that is cut off is an error, wherever it is', async (_, packed) => {
    for (const length of [10, packed.length >> 1, packed.length - 2, packed.length - 1]) {
      await expect(unpacked(packed.subarray(0, length)), `${length}`).rejects.toThrow(/unexpected end/);
    }
  });

  it('what follows a frame and is none is an error', async () => {
    await expect(unpacked(Buffer.concat([PACKED, Buffer.from('{"a":1}\n')]))).rejects.toThrow('not zstd');
  });

  it('a window of more than 128 MB is refused, not allocated', async () => {
    const large = frame('a', [10]);
    large[5] = 18 << 3;
    await expect(unpacked(large)).rejects.toThrow('128 MB');
  });
});
