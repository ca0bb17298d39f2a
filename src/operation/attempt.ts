import { CutoverError, EXIT } from '../errors.ts';

/** Bounds of one step. Times in milliseconds. */
export interface Bounds {
  timeoutMs: number;
  retries: number;
  /** No new try begins after this moment (Unix ms). */
  deadline: number;
}

export interface Attempted<T> {
  value?: T;
  error?: unknown;
  attempts: number;
}

const BACKOFF_BASE_MS = 200;
export const BACKOFF_MAX_MS = 10_000;

/**
 * Codes of errors that end an attempt at once. FENCED: another operation has taken over. DNS_CHANGED: somebody else has
 * written since we read; another try would take that for its own start and overwrite it. DNS_NOT_ALONE: what stands in
 * the way stays there until a person takes it away.
 */
const FINAL: readonly string[] = ['FENCED', 'DNS_CHANGED', 'DNS_NOT_ALONE'];

/**
 * Runs `work` until it succeeds, its retries are used up, or the deadline is near. Each try gets a signal that
 * fires at its timeout; a try that ignores the signal is left behind. An error that is final ends it at once.
 * Backoff: full jitter over 200 ms · 2^n, at most 10 s.
 */
export async function attempt<T>(
  work: (signal: AbortSignal) => Promise<T>,
  bounds: Bounds,
  clock: { now(): number; random(): number },
): Promise<Attempted<T>> {
  for (let attempts = 1; ; attempts++) {
    try {
      return { value: await once(work, Math.min(bounds.timeoutMs, bounds.deadline - clock.now())), attempts };
    } catch (error) {
      const final = error instanceof CutoverError && FINAL.includes(error.code);
      const pause = backoffMs(attempts, clock.random());
      if (final || attempts > bounds.retries || clock.now() + pause >= bounds.deadline)
        return { error, attempts };
      await new Promise((resolve) => setTimeout(resolve, pause));
    }
  }
}

/**
 * How long to wait before the next try, in milliseconds.
 * @param attempts how many tries there were
 * @param random in [0, 1)
 */
export function backoffMs(attempts: number, random: number): number {
  return random * Math.min(BACKOFF_MAX_MS, BACKOFF_BASE_MS * 2 ** attempts);
}

/** How long all tries of a step take at most, with the pauses between them, in milliseconds. */
export function longestTries({ timeoutMs, retries }: Pick<Bounds, 'timeoutMs' | 'retries'>): number {
  const pauses = Array.from({ length: retries }, (_, i) => backoffMs(i + 1, 1));
  return timeoutMs * (retries + 1) + pauses.reduce((sum, pause) => sum + pause, 0);
}

async function once<T>(work: (signal: AbortSignal) => Promise<T>, timeoutMs: number): Promise<T> {
  const controller = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const expired = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(
      () => {
        const error = new CutoverError('TIMEOUT', EXIT.unreachable, `no answer within ${timeoutMs} ms`);
        controller.abort(error);
        reject(error);
      },
      Math.max(1, timeoutMs),
    );
  });
  try {
    return await Promise.race([work(controller.signal), expired]);
  } finally {
    clearTimeout(timer);
  }
}
