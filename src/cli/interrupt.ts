import { CutoverError, EXIT } from '../errors.ts';
import type { Context } from './context.ts';

/** What an interrupt (Ctrl-C, SIGTERM) does to the command that runs. */
export interface Interrupt extends Pick<Context, 'signal' | 'toItsEnd'> {
  /** The first interrupt. Returns whether something has to come to its end first. */
  fire(): boolean;
  /** Rejects when a command that has nothing to finish does not stop by itself. */
  readonly leave: Promise<never>;
}

/** How long a command may take to stop by itself, milliseconds. */
const GRACE_MS = 500;

export function createInterrupt(): Interrupt {
  const controller = new AbortController();
  const { signal } = controller;
  let running = 0;
  let begun = false;
  let leaveNow: (reason: unknown) => void = () => {};
  const leave = new Promise<never>((_resolve, reject) => {
    leaveNow = reject;
  });
  // Nobody may be waiting for it yet.
  leave.catch(() => {});
  return {
    signal,
    leave,
    async toItsEnd(work) {
      signal.throwIfAborted();
      begun = true;
      running += 1;
      try {
        return await work();
      } finally {
        running -= 1;
      }
    },
    fire() {
      controller.abort(interrupted(begun));
      if (running > 0) return true;
      setTimeout(() => leaveNow(signal.reason), GRACE_MS);
      return false;
    },
  };
}

function interrupted(begun: boolean): CutoverError {
  const what = begun ? 'interrupted' : 'interrupted: nothing was changed';
  return new CutoverError('INTERRUPTED', EXIT.interrupted, what);
}
