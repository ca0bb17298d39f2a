import { CutoverError, EXIT } from '../errors.ts';
import type { FlagDriver, FlagReading } from '../flag/driver.ts';

/** How long a flag may take to say what it is before it is overwritten unread. */
const READ_MS = 2000;

/**
 * What a flag says: undefined when it cannot be read in time, null when there is none.
 * @param ms how long it may take, in milliseconds
 */
export async function readQuietly(flag: FlagDriver, ms = READ_MS): Promise<FlagReading | null | undefined> {
  try {
    return await withTimeout(flag.get(AbortSignal.timeout(ms)), ms);
  } catch (error) {
    // Setting it tells why.
    void error;
    return undefined;
  }
}

async function withTimeout<T>(work: Promise<T>, ms: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(
      () => reject(new CutoverError('TIMEOUT', EXIT.unreachable, `no answer within ${ms} ms`)),
      ms,
    );
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
