import { isEndTold } from '../store/messages.ts';
import type { Db } from '../store/open.ts';
import type { JournalOptions, StepEnd } from './journal.ts';
import { putWord, type Told } from './outbox.ts';
import { notifyPosition, type Plan } from './plan.ts';
import { isBackward, type OperationRecord, type StepRecord } from './record.ts';
import { wordOfSuperseded } from './word.ts';

/**
 * Ends an operation that a new one replaces: one that had not finished was undone, or replaced by one alike. If nobody
 * was told of it, that is told. To be called in a transaction.
 */
export function endSuperseded(
  db: Db,
  older: OperationRecord,
  by: { plan: Plan; id: string },
  options: JournalOptions,
): void {
  const now = options.now();
  const outcome = isBackward(by.plan.kind) && !isBackward(older.kind) ? 'undone' : 'superseded';
  db.prepare(
    `UPDATE operations SET open = 0, finished_at = coalesce(finished_at, ?), outcome = coalesce(outcome, ?)
      WHERE id = ?`,
  ).run(now, outcome, older.id);
  if (older.outcome !== null || isEndTold(db, older.id)) return;
  const ends = new Map(older.steps.flatMap((step) => (hasEnded(step) ? [[step.position, step]] : [])));
  const { migration } = options;
  const word = wordOfSuperseded({ migration, operation: older, ends, now }, { outcome, endedBy: by.id });
  // A rung of a gradual rollback tells nobody by itself; its end is told all the same.
  const { told = [] } = options;
  const beyond = ({ label }: Told) =>
    older.plan.steps.length + told.findIndex((hook) => hook.label === label);
  putWord(db, word, told, (hook) => {
    const position = notifyPosition(older.plan, hook);
    return position < 0 ? beyond(hook) : position;
  });
}

const hasEnded = (step: StepRecord): step is StepRecord & StepEnd =>
  step.outcome === 'done' || step.outcome === 'failed' || step.outcome === 'skipped';
