import { CutoverError } from '../errors.ts';
import { appendHistory } from '../store/history.ts';
import { type Db, explainingFaults } from '../store/open.ts';
import {
  ALREADY_JOURNALED,
  beginOperation,
  type Journal,
  type JournalOptions,
  type OperationEnd,
  type StepEnd,
} from './journal.ts';
import { type Holder, releaseLease } from './lease.ts';
import type { Plan } from './plan.ts';

/**
 * Journals an emergency that has happened, in one transaction; without `end` it stays unfinished, for `resume`. Of
 * several commands that find it at once one does it; returns whether it was this one.
 */
export function adoptEmergency(
  db: Db,
  emergency: { id: string; token: number; plan: Plan; holder: Holder },
  already: Map<number, StepEnd>,
  end: OperationEnd | null,
  options: JournalOptions,
  why: string,
): boolean {
  return explainingFaults(db.name, () =>
    db
      .transaction(() => {
        const journal = begin(db, emergency, already, { ...options, holder: emergency.holder });
        if (!journal) return false;
        try {
          appendHistory(db, {
            at: options.now(),
            actor: options.holder.actor,
            event: 'emergency taken into the journal',
            operationId: emergency.id,
            detail: { why },
          });
          if (end) journal.finish(end);
          else releaseLease(db, journal.operation.token);
          return true;
        } finally {
          journal.close();
        }
      })
      .immediate(),
  );
}

/** Of an emergency that was taken into a copy of the database alone, to be looked at. */
export function waiting(id: string, actor: string): string {
  return `emergency ${id} of ${actor} is not in the journal yet; \`cutover resume\` takes it in`;
}

function begin(
  db: Db,
  { id, token, plan }: { id: string; token: number; plan: Plan },
  already: Map<number, StepEnd>,
  options: JournalOptions,
): Journal | null {
  try {
    return beginOperation(db, plan, { id, dns: [], metrics: {}, flagToken: token, already }, options);
  } catch (error) {
    if (error instanceof CutoverError && error.code === ALREADY_JOURNALED) return null;
    throw error;
  }
}
