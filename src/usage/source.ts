import { closeSync, createReadStream, openSync, readSync } from 'node:fs';
import { HEAD_BYTES } from './container.ts';
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
  const raw =
    input.path === undefined ? (stdin() as AsyncIterable<Buffer>) : fileBytes(input.path, input.bytes);
  const { name, path, bytes } = input;
  const file = path === undefined ? undefined : { path, bytes: bytes ?? 0, onBytes };
  return { name, bytes: decompressed(counted(raw, onBytes)), ...(file ? { file } : {}) };
}

/**
 * Opened only when its turn comes: a thousand inputs must not take a thousand file handles. The first bytes tell what
 * a file is and perhaps how the rest is read; only a pipe (it has no size) must not be waited for to give them.
 */
async function* fileBytes(path: string, bytes: number | undefined): AsyncGenerator<Buffer> {
  if (bytes === undefined) {
    yield* createReadStream(path, { highWaterMark: CHUNK_BYTES });
    return;
  }
  const head = Buffer.alloc(HEAD_BYTES);
  const fd = openSync(path, 'r');
  let isOpen = true;
  try {
    const start = readSync(fd, head, 0, head.length, 0);
    if (start > 0) yield head.subarray(0, start);
    isOpen = false;
    yield* createReadStream(path, { fd, start, highWaterMark: CHUNK_BYTES });
  } finally {
    if (isOpen) closeSync(fd);
  }
}

async function* counted(bytes: AsyncIterable<Buffer>, onBytes: OnBytes): AsyncGenerator<Buffer> {
  for await (const chunk of bytes) {
    onBytes(chunk.length);
    yield chunk;
  }
}
