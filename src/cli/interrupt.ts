import { CutoverError, EXIT } from '../errors.ts';
import type { Context } from './context.ts';

/** What an interrupt (Ctrl-C, SIGTERM) does to the command that runs. */
export interface Interrupt extends Pick<Context, 'signal' | 'toItsEnd'> {
  /** The first interrupt. Returns what to say where something has to come to its end first. */
  fire(): string | undefined;
  /** Rejects when a command that has nothing to finish does not stop by itself. */
  readonly leave: Promise<never>;
}

/** How long a command may take to stop by itself, milliseconds. */
const GRACE_MS = 500;

export function createInterrupt(): Interrupt {
  const controller = new AbortController();
  const { signal } = controller;
  const running: string[] = [];
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
    async toItsEnd(work, saying = 'Stopping after the running step') {
      signal.throwIfAborted();
      begun = true;
      running.push(saying);
      try {
        return await work();
      } finally {
        running.splice(running.lastIndexOf(saying), 1);
      }
    },
    fire() {
      controller.abort(interrupted(begun));
      if (running.length > 0) return running.at(-1);
      setTimeout(() => leaveNow(signal.reason), GRACE_MS);
      return undefined;
    },
  };
}

function interrupted(begun: boolean): CutoverError {
  const what = begun ? 'interrupted' : 'interrupted: nothing was changed';
  return new CutoverError('INTERRUPTED', EXIT.interrupted, what);
}
