import { CutoverError, EXIT, messageOf } from '../errors.ts';

/** The bytes, with every fault of reading them named by their source. @throws CutoverError UNREADABLE (exit 65). */
export async function* readable(name: string, bytes: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  try {
    yield* bytes;
  } catch (error) {
    throw error instanceof CutoverError ? error : unreadable(name, error);
  }
}

export function unreadable(name: string, cause: unknown): CutoverError {
  return new CutoverError('UNREADABLE', EXIT.input, `${name}: cannot be read: ${messageOf(cause)}`, {
    cause,
  });
}

/** Ends where the signal fires, even when the source has fallen silent (a pipe that nobody writes to). */
export async function* untilAborted(
  bytes: AsyncGenerator<Buffer>,
  signal: AbortSignal | undefined,
): AsyncGenerator<Buffer> {
  if (!signal) return yield* bytes;
  let stop = () => {};
  const onAbort = () => stop();
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    while (!signal.aborted) {
      // A promise for each chunk: one for all would hold every chunk that was raced against it.
      const next = await new Promise<IteratorResult<Buffer> | undefined>((resolve, reject) => {
        stop = () => resolve(undefined);
        bytes.next().then(resolve, reject);
      });
      if (next === undefined || next.done) return;
      yield next.value;
    }
  } finally {
    signal.removeEventListener('abort', onAbort);
    // What waits for a silent source cannot be ended; what does not wait closes its file.
    if (!signal.aborted) await bytes.return(undefined);
  }
}

/** Without the mark that some programs put before UTF-8. */
export function withoutMark(head: Buffer): Buffer {
  return head[0] === 0xef && head[1] === 0xbb && head[2] === 0xbf ? head.subarray(3) : head;
}
