import { parseDuration } from '../config/units.ts';
import { CutoverError, EXIT } from '../errors.ts';
import { type Watched, watch } from '../operation/heartbeat.ts';
import { LeaseHeld } from '../operation/lease.ts';
import { lastOperation, wentBackSince } from '../operation/operations.ts';
import type { Db } from '../store/open.ts';
import type { Context, GlobalOptions } from './context.ts';
import { type Session, withSession } from './session.ts';

const POLL_MS = 200;
/** Somebody else was first: worth another look while there is time. */
const BUSY = ['LEASE_HELD', 'PLAN_STALE', 'STATE_LOCKED'];

/**
 * Runs a change in a session. With `--wait` it is decided and tried anew while another operation holds the lease,
 * so that what is applied was planned on what the other one left behind.
 * @param when outlivesRollbacks: it is still wanted when traffic was led back while it waited
 * @throws CutoverError OVERTAKEN (75) for one that is not
 */
export async function withLease(
  ctx: Context,
  options: GlobalOptions & { wait?: string; dryRun?: boolean },
  work: (session: Session) => Promise<void>,
  { outlivesRollbacks = false }: { outlivesRollbacks?: boolean } = {},
): Promise<void> {
  /** The newest operation when this began to wait; undefined before. */
  let seen: string | null | undefined;
  await whileHeld(ctx, waitOption(options.wait), (watched) =>
    withSession(ctx, options, (session) => {
      if (seen === undefined) seen = lastOperation(session.db)?.id ?? null;
      else if (!outlivesRollbacks) assertNobodyWentBack(session.db, seen);
      return work({ ...session, journal: { ...session.journal, watched } });
    }),
  );
}

/** Whoever typed a change before traffic was led back did not know of that. */
function assertNobodyWentBack(db: Db, seen: string | null): void {
  const back = wentBackSince(db, seen);
  if (!back) return;
  throw new CutoverError(
    'OVERTAKEN',
    EXIT.notNow,
    `the ${back.kind} ${back.id} of ${back.actor} has begun while this waited`,
    { hint: 'see `cutover status`; then run it again if it is still wanted' },
  );
}

/**
 * Tries a change until it is done or `waitMs` are over. The heartbeat of whoever is in the way is watched meanwhile:
 * one that cannot be looked at and stood still is taken for gone.
 */
export async function whileHeld<T>(
  ctx: Context,
  waitMs: number,
  work: (watched: Watched | undefined) => Promise<T>,
): Promise<T> {
  const deadline = performance.now() + waitMs;
  let watched: Watched | null = null;
  for (let told = false; ; told = true) {
    try {
      return await work(watched ?? undefined);
    } catch (error) {
      const busy = error instanceof CutoverError && BUSY.includes(error.code);
      if (!busy || performance.now() + POLL_MS > deadline) throw error;
      if (error instanceof LeaseHeld) watched = watch(watched, error.lease, performance.now());
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
