import { closeSync, constants, createReadStream, openSync, readSync, statSync } from 'node:fs';
import { systemCode } from '../errors.ts';
import { HEAD_BYTES } from './container.ts';
import { decompressed, isPacked, LONGEST_MAGIC } from './decompress.ts';
import { readFrom } from './file-bytes.ts';
import type { InputFile } from './inputs.ts';
import type { OnBytes, Source } from './read.ts';

const CHUNK_BYTES = 256 * 1024;

/**
 * An input as bytes, decompressed.
 * @param onBytes told how many bytes were read from the file itself, for progress.
 * @param signal ends the wait for a named pipe that nobody writes to.
 */
export function openSource(
  input: InputFile,
  stdin: () => NodeJS.ReadStream,
  onBytes: OnBytes = () => {},
  signal?: AbortSignal,
): Source {
  const { name, path, bytes } = input;
  const raw = path === undefined ? (stdin() as AsyncIterable<Buffer>) : fileBytes(path, bytes, signal);
  const file = path === undefined ? undefined : { path, bytes: contentBytes(path, bytes), onBytes };
  return { name, bytes: decompressed(counted(raw, onBytes)), ...(file ? { file } : {}) };
}

/** The size of what a file holds; undefined where it is packed, or cannot be read: whoever reads it will say so. */
function contentBytes(path: string, bytes: number | undefined): number | undefined {
  if (bytes === undefined) return 0;
  try {
    const start = Buffer.alloc(LONGEST_MAGIC);
    const fd = openSync(path, 'r');
    try {
      return isPacked(start.subarray(0, readSync(fd, start))) ? undefined : bytes;
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    if (systemCode(error) === undefined) throw error;
    return undefined;
  }
}

/**
 * Opened only when its turn comes: a thousand inputs must not take a thousand file handles. The first bytes tell what
 * a file is and perhaps how the rest is read; only a pipe (it has no size) must not be waited for to give them.
 */
async function* fileBytes(
  path: string,
  bytes: number | undefined,
  signal: AbortSignal | undefined,
): AsyncGenerator<Buffer> {
  if (bytes === undefined) {
    if (statSync(path).isFIFO()) yield* pipeBytes(path, signal);
    else yield* createReadStream(path, { highWaterMark: CHUNK_BYTES });
    return;
  }
  const head = Buffer.alloc(HEAD_BYTES);
  const fd = openSync(path, 'r');
  try {
    const start = readSync(fd, head, 0, head.length, 0);
    if (start > 0) yield head.subarray(0, start);
    yield* readFrom(fd, start, CHUNK_BYTES);
  } finally {
    closeSync(fd);
  }
}

/** To open a pipe waits for its writer, and nothing ends that wait; a socket is opened at once and waits to read. */
async function* pipeBytes(path: string, signal: AbortSignal | undefined): AsyncGenerator<Buffer> {
  const { Socket } = await import('node:net');
  const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const socket = new Socket({ fd, readable: true, writable: false });
  const end = () => socket.destroy();
  signal?.addEventListener('abort', end, { once: true });
  try {
    yield* socket as AsyncIterable<Buffer>;
  } finally {
    signal?.removeEventListener('abort', end);
    end();
  }
}

async function* counted(bytes: AsyncIterable<Buffer>, onBytes: OnBytes): AsyncGenerator<Buffer> {
  for await (const chunk of bytes) {
    onBytes(chunk.length);
    yield chunk;
  }
}
