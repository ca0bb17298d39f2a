import { messageOf } from '../errors.ts';
import { databaseOutbox, giveUpOld, receiverOf } from '../operation/outbox.ts';
import { tellHook } from '../operation/tell.ts';
import { type Message, waitingMessages } from '../store/messages.ts';
import type { Context } from './context.ts';
import type { Session } from './session.ts';

/** A command that has done its work does not wait longer for those who are to be told. */
const LEFT_MS = 60_000;

/** What one hook was sent that had waited, and what still waits for it. */
export interface Left {
  label: string;
  sent: number;
  waiting: number;
  error: string | null;
}

/**
 * Sends what waits from earlier: in order for each hook, one try each unless `retries` is set. A hook that was tried
 * since this process began is left alone. Never throws: the command at hand has done its own work.
 */
export async function sendLeft(ctx: Context, session: Session, retries?: number): Promise<Left[]> {
  const { db, drivers, journal, clock, secrets } = session;
  try {
    if (ctx.signal.aborted || waitingMessages(db).length === 0) return [];
    db.transaction(() => giveUpOld(db, journal)).immediate();
    const outbox = databaseOutbox(db, journal);
    const deadline = clock.now() + LEFT_MS;
    const left = await Promise.all(
      drivers.notify.map(async (hook): Promise<Left[]> => {
        const before = waitingMessages(db, receiverOf(hook));
        if (
          before.length === 0 ||
          before.some((message) => triedSince(performance.timeOrigin, message, clock))
        )
          return [];
        const telling = { clock, redact: secrets.redact, deadline, retries: retries ?? 0, patienceMs: 0 };
        const { sent } = await tellHook(outbox, hook, telling);
        const after = waitingMessages(db, receiverOf(hook));
        return [{ label: hook.label, sent, waiting: after.length, error: after[0]?.error ?? null }];
      }),
    );
    return left.flat();
  } catch (error) {
    ctx.note(`warning: what waits to be told could not be sent: ${messageOf(error)}`);
    return [];
  }
}

/** A try that is yet to come was noted by a clock that was wrong. */
function triedSince(began: number, { triedAt }: Message, { now }: { now(): number }): boolean {
  return triedAt !== null && triedAt >= began && triedAt <= now();
}

/** What came of it, a line for each hook. */
export function leftLines(left: readonly Left[]): string[] {
  return left.flatMap(({ label, sent, waiting, error }) => {
    const messages = (n: number) => `${n} message${n === 1 ? '' : 's'}`;
    const told =
      sent > 0 ? [`${label}: ${messages(sent)} that had waited ${sent === 1 ? 'was' : 'were'} sent`] : [];
    const wait = `${label}: ${messages(waiting)} still wait${waiting === 1 ? 's' : ''}${error ? `: ${error}` : ''}`;
    return waiting > 0 ? [...told, wait] : told;
  });
}
