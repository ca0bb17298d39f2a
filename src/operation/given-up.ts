import { CutoverError, EXIT } from '../errors.ts';
import { appendHistory } from '../store/history.ts';
import type { Db } from '../store/open.ts';
import { holderState } from './holder.ts';
import { LeaseHeld, readLease } from './lease.ts';
import { hasOperation, holderOf } from './operations.ts';

/** What a person knows and this host cannot see. */
export interface GivenUp {
  operationId: string;
  reason: string;
  actor: string;
  /** Unix milliseconds. */
  now: number;
}

/**
 * Keeps that the process of an operation that has lost the lease is gone, on a person's word: from then on it does not
 * keep "safe" back any more, but for what it may have left under way.
 * @returns the process, in words; null where it is known to be gone already
 * @throws CutoverError OPERATION_UNKNOWN (64), HOLDER_RUNS (75): it can be seen to run, LEASE_HELD (75): it holds the lease
 */
export function giveUp(db: Db, { operationId, reason, actor, now }: GivenUp): string | null {
  return db
    .transaction(() => {
      const holder = hasOperation(db, operationId) ? holderOf(db, operationId) : null;
      if (!holder) {
        throw new CutoverError('OPERATION_UNKNOWN', EXIT.usage, `no operation ${operationId} has a holder`, {
          hint: 'see `cutover status` and `cutover history`',
        });
      }
      const state = holderState(holder);
      if (state === 'gone' || holder.givenUp) return null;
      const process = `process ${holder.pid} on ${holder.host}`;
      if (state === 'running') {
        throw new CutoverError('HOLDER_RUNS', EXIT.notNow, `${process} runs`, {
          hint: 'wait for it, or end it; then this is not needed',
        });
      }
      const { held } = readLease(db);
      if (held?.operationId === operationId) throw new LeaseHeld(held, state);
      db.prepare(
        "UPDATE operations SET holder = json_set(holder, '$.givenUp', json('true')) WHERE id = ?",
      ).run(operationId);
      const detail = { reason, host: holder.host, pid: holder.pid };
      appendHistory(db, { at: now, actor, event: 'holder given up', operationId, detail });
      return process;
    })
    .immediate();
}
