import { isEndTold } from '../store/messages.ts';
import type { Db } from '../store/open.ts';
import { finishOperation } from './database-journal.ts';
import type { JournalOptions, StepEnd } from './journal.ts';
import { openOperations } from './operations.ts';
import { putWord, type Told } from './outbox.ts';
import { notifyPosition, type Plan } from './plan.ts';
import { isBackward, type OperationRecord, type StepRecord } from './record.ts';
import { outcomeOf, wordOfSuperseded } from './word.ts';

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

/**
 * Finishes the operations that have moved all traffic, and whose end is told: whoever takes over finds the world where
 * they led it, and what is left of them is to send messages. To be called in a transaction.
 */
export function finishTold(db: Db, options: JournalOptions): void {
  for (const operation of openOperations(db)) {
    const traffic = operation.steps.filter(({ kind }) => kind !== 'notify');
    const ended = traffic.filter(hasEnded);
    const flagsSet = ended.every(({ kind, outcome }) => kind !== 'flag' || outcome === 'done');
    const moved = ended.length === traffic.length && flagsSet;
    if (operation.outcome !== null || !moved || !isEndTold(db, operation.id)) continue;
    const ends = new Map(ended.map((step) => [step.position, step]));
    const outcome = outcomeOf(operation.plan, ends);
    finishOperation(db, operation, { outcome, applied: true, open: outcome !== 'done' }, options);
  }
}

const hasEnded = (step: StepRecord): step is StepRecord & StepEnd =>
  step.outcome === 'done' || step.outcome === 'failed' || step.outcome === 'skipped';
