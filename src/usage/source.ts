import { createReadStream } from 'node:fs';
import { decompressed } from './decompress.ts';
import type { InputFile } from './inputs.ts';
import type { OnBytes, Source } from './read.ts';

const CHUNK_BYTES = 1024 * 1024;

/**
 * An input as bytes, decompressed.
 * @param onBytes told how many bytes were read from the file itself, for progress.
 */
export function openSource(
  input: InputFile,
  stdin: () => NodeJS.ReadStream,
  onBytes: OnBytes = () => {},
): Source {
  const raw = input.path === undefined ? (stdin() as AsyncIterable<Buffer>) : fileBytes(input.path);
  const { name, path, bytes } = input;
  const file = path === undefined ? undefined : { path, bytes: bytes ?? 0, onBytes };
  return { name, bytes: decompressed(counted(raw, onBytes)), ...(file ? { file } : {}) };
}

/** Opened only when its turn comes: a thousand inputs must not take a thousand file handles. */
async function* fileBytes(path: string): AsyncGenerator<Buffer> {
  yield* createReadStream(path, { highWaterMark: CHUNK_BYTES });
}

async function* counted(bytes: AsyncIterable<Buffer>, onBytes: OnBytes): AsyncGenerator<Buffer> {
  for await (const chunk of bytes) {
    onBytes(chunk.length);
    yield chunk;
  }
}
