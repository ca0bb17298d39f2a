import { CutoverError } from '../errors.ts';
import { appendHistory } from '../store/history.ts';
import { type Db, explainingFaults } from '../store/open.ts';
import { beginOperation } from './begin.ts';
import {
  ALREADY_JOURNALED,
  type Journal,
  type JournalOptions,
  type OperationEnd,
  type StepEnd,
} from './journal.ts';
import { type Holder, releaseLease } from './lease.ts';
import { endWords, putWord, type Told } from './outbox.ts';
import { notifyPosition, type Plan, tellable } from './plan.ts';
import type { OperationRecord } from './record.ts';
import { wordOf } from './word.ts';

/**
 * Journals an emergency that has happened, in one transaction; without `end` it stays unfinished, for `resume`. Of
 * several commands that find it at once one does it; returns whether it was this one.
 * @param told labels of the hooks that were told of it before DNS had ended
 */
export function adoptEmergency(
  db: Db,
  emergency: {
    id: string;
    token: number;
    plan: Plan;
    holder: Holder;
    /** By step: what the records said before it, and may say since, where nobody saw that. */
    mayHaveWritten?: readonly ({ before: unknown; after: unknown } | null)[];
  },
  already: Map<number, StepEnd>,
  end: OperationEnd | null,
  options: JournalOptions,
  why: string,
  told: readonly string[] = [],
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
          emergency.mayHaveWritten?.forEach((may, position) => {
            if (may === null) return;
            journal.stepBegins(position);
            journal.stepIntends(position, may.before, may.after);
          });
          adoptMessages(
            db,
            { ...journal.operation, actor: emergency.holder.actor },
            { already, told },
            options,
          );
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

/** What people were told is kept as that, and what they were not told waits to be sent. */
function adoptMessages(
  db: Db,
  operation: OperationRecord,
  known: { already: Map<number, StepEnd>; told: readonly string[] },
  options: JournalOptions,
): void {
  const { plan } = operation;
  const { migration, now } = options;
  const hooks = tellable(plan, options.told ?? []);
  const steps = new Map([...known.already].filter(([position]) => plan.steps[position]?.kind !== 'notify'));
  const flags = new Map([...steps].filter(([position]) => plan.steps[position]?.kind === 'flag'));
  const say = (ends: Map<number, StepEnd>, heard: (hook: Told) => boolean) => {
    const word = wordOf({ migration, operation, ends, now: now() });
    putWord(db, word, hooks, (hook) => notifyPosition(plan, hook));
    for (const hook of hooks.filter(heard)) endWords(db, operation.id, hook, now());
  };
  const toldAtTheEnd = (hook: Told) => known.already.get(notifyPosition(plan, hook))?.outcome === 'done';
  say(flags, (hook) => known.told.includes(hook.label) || toldAtTheEnd(hook));
  const ended = plan.steps.every(({ kind }, position) => kind === 'notify' || steps.has(position));
  if (ended) say(steps, toldAtTheEnd);
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
