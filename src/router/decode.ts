import { type Duplex, pipeline, type Readable } from 'node:stream';
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib';

const DECODERS = new Map<string, () => Duplex>([
  ['gzip', createGunzip],
  ['x-gzip', createGunzip],
  ['br', createBrotliDecompress],
  ['deflate', createInflate],
]);

/** The body in clear; undefined when it cannot be decoded. Some providers encode though identity was asked for. */
export function decoded(body: Readable, encoding: string | string[] | undefined): Readable | undefined {
  const name = String(encoding ?? 'identity')
    .trim()
    .toLowerCase();
  if (name === 'identity' || name === '') return body;
  const decoder = DECODERS.get(name)?.();
  // Whoever reads the decoder's end is told of every error.
  return decoder && pipeline(body, decoder, () => {});
}
