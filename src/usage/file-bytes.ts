import { read } from 'node:fs';

/**
 * What an open file holds from `start` on; the next chunk is read while the one before it is taken. As fs'
 * createReadStream does it, without loading streams, which takes longer than to read a small log.
 * @param start in bytes
 * @param chunkBytes read at a time
 * @throws the system's error
 */
export async function* readFrom(fd: number, start: number, chunkBytes: number): AsyncGenerator<Buffer> {
  let position = start;
  const next = () => {
    const chunk = readAt(fd, position, chunkBytes);
    // Its error is thrown when its turn comes; until then nobody waits for it.
    chunk.catch(() => {});
    return chunk;
  };
  let ahead = next();
  try {
    for (;;) {
      const chunk = await ahead;
      if (chunk.length === 0) return;
      position += chunk.length;
      ahead = next();
      yield chunk;
    }
  } finally {
    // Whoever stops early closes the file: not while it is read.
    await ahead.catch(() => {});
  }
}

function readAt(fd: number, position: number, bytes: number): Promise<Buffer> {
  const chunk = Buffer.allocUnsafeSlow(bytes);
  return new Promise((resolve, reject) =>
    read(fd, chunk, 0, bytes, position, (error, length) =>
      error ? reject(error) : resolve(chunk.subarray(0, length)),
    ),
  );
}
