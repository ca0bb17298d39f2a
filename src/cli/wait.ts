import { parseDuration } from '../config/units.ts';
import { CutoverError, EXIT } from '../errors.ts';
import type { Context, GlobalOptions } from './context.ts';
import { type Session, withSession } from './session.ts';

const POLL_MS = 200;
/** Somebody else was first: worth another look while there is time. */
const BUSY = ['LEASE_HELD', 'PLAN_STALE', 'STATE_LOCKED'];

/**
 * Runs a change in a session. With `--wait` it is decided and tried anew while another operation holds the lease,
 * so that what is applied was planned on what the other one left behind.
 */
export async function withLease(
  ctx: Context,
  options: GlobalOptions & { wait?: string },
  work: (session: Session) => Promise<void>,
): Promise<void> {
  const deadline = ctx.now().getTime() + waitOption(options.wait);
  for (let told = false; ; told = true) {
    try {
      return await withSession(ctx, options, work);
    } catch (error) {
      const busy = error instanceof CutoverError && BUSY.includes(error.code);
      if (!busy || ctx.now().getTime() + POLL_MS > deadline) throw error;
      if (!told) ctx.note(`waiting: ${error.message}`);
      await pause(ctx.signal);
    }
  }
}

function waitOption(text: string | undefined): number {
  if (text === undefined) return 0;
  const ms = parseDuration(text);
  if (ms !== undefined) return ms;
  throw new CutoverError('USAGE', EXIT.usage, `--wait ${text}: not a duration; write it like 30s or 5m`);
}

function pause(signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason);
    const stop = () => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', stop);
      resolve();
    }, POLL_MS);
    signal.addEventListener('abort', stop, { once: true });
  });
}
