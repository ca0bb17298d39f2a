import { closeSync, constants, fstatSync, openSync, readSync, type Stats } from 'node:fs';
import { CutoverError, EXIT } from './errors.ts';

const CHUNK_BYTES = 65_536;

export interface ReadOptions {
  /** Longer files are refused, in bytes. */
  maxBytes: number;
  /** A link is refused too. */
  noFollow?: boolean;
  /** Says whether the file, as it was opened, may be believed; a sentence when not. */
  refuse?(stats: Stats): string | undefined;
}

/**
 * The text of an ordinary file. What else may stand at a path (a pipe, a device, a folder, a file without end) is
 * refused instead of waited for.
 * @throws CutoverError FILE_REFUSED (65), or the system's own error.
 */
export function readOrdinaryFile(path: string, options: ReadOptions): string {
  return readOrdinaryBytes(path, options).toString('utf8');
}

/** The same as bytes. @throws as readOrdinaryFile does */
export function readOrdinaryBytes(path: string, options: ReadOptions): Buffer {
  const { O_RDONLY, O_NONBLOCK, O_NOFOLLOW } = constants;
  const fd = openSync(path, O_RDONLY | O_NONBLOCK | (options.noFollow ? O_NOFOLLOW : 0));
  try {
    const stats = fstatSync(fd);
    const why = stats.isFile() ? options.refuse?.(stats) : 'not an ordinary file';
    if (why !== undefined) throw refused(path, why);
    return readWhole(fd, path, options.maxBytes);
  } finally {
    closeSync(fd);
  }
}

/** A file may say that it is empty and go on for ever (/proc), so the bytes are counted as they come. */
function readWhole(fd: number, path: string, maxBytes: number): Buffer {
  const chunks: Buffer[] = [];
  for (let size = 0; ; ) {
    const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
    const read = readSync(fd, chunk);
    if (read === 0) return chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks);
    size += read;
    if (size > maxBytes) throw refused(path, `longer than ${maxBytes} bytes`);
    chunks.push(chunk.subarray(0, read));
  }
}

function refused(path: string, why: string): CutoverError {
  return new CutoverError('FILE_REFUSED', EXIT.input, `${path}: ${why}`);
}
