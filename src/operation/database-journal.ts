import type { FlagChange } from '../flag/driver.ts';
import { pruneCheckpoints } from '../store/checkpoints.ts';
import { appendHistory } from '../store/history.ts';
import { type Db, explainingFaults } from '../store/open.ts';
import { beginStage, readState, writeState } from '../store/state.ts';
import { HEARTBEAT_MS } from './heartbeat.ts';
import type { Journal, JournalOptions, OperationEnd, StepEnd } from './journal.ts';
import { assertHeld, beat, type Holder, readLease, releaseLease } from './lease.ts';
import { openCalls } from './open-calls.ts';
import { findOperation, hasOperation } from './operations.ts';
import { databaseOutbox, putWord } from './outbox.ts';
import { commandOf, notifyPosition, type Plan, type PlannedStep, tellable } from './plan.ts';
import type { OperationRecord } from './record.ts';
import { flagRivals, OUTLASTED } from './rivals.ts';
import { UNANSWERED } from './unanswered.ts';
import { uptime } from './uptime.ts';
import type { Word } from './word.ts';

/** The journal of an operation that the database knows. Its heartbeat begins here. */
export function databaseJournal(
  db: Db,
  operation: OperationRecord,
  options: JournalOptions,
  heldBefore: Holder | null = null,
): Journal {
  const { token } = operation;
  const heartbeat = setInterval(() => {
    // A heartbeat that fails is not worth stopping for: the step's own writes will say what is wrong.
    try {
      beat(db, token, options.now());
    } catch (error) {
      void error;
    }
  }, HEARTBEAT_MS).unref();
  const moment = () => [options.now(), JSON.stringify(uptime())];
  const write = (work: () => void) => explainingFaults(db.name, () => db.transaction(work).immediate());
  return {
    operation,
    heldBefore,
    kept: 'database',
    sideFile: null,
    guard: () => assertHeld(db, token),
    find: (id) => (id === null ? newestOver(db, token) : hasOperation(db, id) ? findOperation(db, id) : null),
    winner: () => winnerOver(db, token),
    writing: (server) => writingOn(db, server, operation.id),
    openCalls: (name, provider) => openCalls(db, operation.id, name, provider),
    rivals: (flags, quietMs) => flagRivals(db, operation.id, flags, quietMs, options.now()),
    outlasted: () => {
      const { actor } = options.holder;
      const entry = { at: options.now(), actor, event: OUTLASTED, operationId: operation.id, detail: {} };
      try {
        write(() => appendHistory(db, entry));
      } catch (error) {
        // Then whoever looks counts the time once more.
        void error;
      }
    },
    outbox: databaseOutbox(db, { holder: options.holder, now: options.now, own: operation.id }),
    says: (word) =>
      write(() => {
        assertHeld(db, token);
        put(db, word, operation.plan, options);
      }),
    stepBegins: (position, timeoutMs = 0) =>
      write(() => {
        assertHeld(db, token);
        db.prepare(
          `UPDATE operations SET plan = json_set(plan, $path, $timeoutMs)
            WHERE id = $id AND json_extract(plan, $path) < $timeoutMs`,
        ).run({ id: operation.id, path: `$.steps[${position}].timeoutMs`, timeoutMs });
        db.prepare(
          `UPDATE steps SET outcome = 'running', started_at = ?, started_uptime = ? WHERE operation_id = ? AND position = ?`,
        ).run(...moment(), operation.id, position);
      }),
    stepTries: (position) =>
      write(() => {
        assertHeld(db, token);
        db.prepare(
          'UPDATE steps SET started_at = ?, started_uptime = ? WHERE operation_id = ? AND position = ?',
        ).run(...moment(), operation.id, position);
      }),
    stepIntends: (position, before, after) =>
      write(() => {
        assertHeld(db, token);
        db.prepare(
          `UPDATE steps SET before = ?, after = ?, started_at = ?, started_uptime = ?
            WHERE operation_id = ? AND position = ?`,
        ).run(JSON.stringify(before), JSON.stringify(after), ...moment(), operation.id, position);
      }),
    stepEnds: (position, end, word) => {
      write(() => {
        endStep(db, operation, position, end, options);
        // How an operation ended that was overtaken is told by the one that has taken its place.
        if (word && readLease(db).token === token) put(db, word, operation.plan, options);
      });
      assertHeld(db, token);
    },
    finish: (end) => {
      clearInterval(heartbeat);
      write(() => {
        assertHeld(db, token);
        finishOperation(db, operation, end, options);
        releaseLease(db, token);
      });
    },
    close: () => clearInterval(heartbeat),
  };
}

/** The operation that has taken over from the one with this token. */
function newestOver(db: Db, token: number): OperationRecord | null {
  const row = db
    .prepare('SELECT id FROM operations WHERE token > ? ORDER BY token DESC LIMIT 1')
    .get(token) as { id: string } | undefined;
  return row ? findOperation(db, row.id) : null;
}

/** See the journal's `writing`. */
export function writingOn(db: Db, server: string, id: string): number | null {
  const { longest } = db
    .prepare(
      `${UNANSWERED}
       SELECT max(coalesce(json_extract(o.plan, '$.steps[' || s.position || '].timeoutMs'), 0)) AS longest
         FROM steps s JOIN operations o ON o.id = s.operation_id
        WHERE s.kind = 'dns' AND s.after IS NOT NULL AND o.id <> $id
          AND (s.outcome = 'running' OR (s.operation_id, s.label) IN unanswered)
          AND json_extract(o.plan, '$.steps[' || s.position || '].server') = $server
          AND NOT EXISTS (SELECT 1 FROM steps t JOIN operations b ON b.id = t.operation_id
                WHERE b.seq > o.seq AND b.id <> $id AND b.kind IN ('rollback', 'emergency')
                  AND json_extract(b.plan, '$.to.activeProvider') <> json_extract(o.plan, '$.to.activeProvider')
                  AND t.kind = 'dns' AND t.outcome = 'done'
                  AND json_extract(b.plan, '$.steps[' || t.position || '].server') = $server)`,
    )
    .get({ id, server }) as { longest: number | null };
  return longest;
}

/** The flag write of the newest operation, if it is another one that has begun or made it. */
function winnerOver(db: Db, token: number): FlagChange | null {
  const newest = newestOver(db, token);
  if (!newest) return null;
  const { id, kind, plan, token: greater, steps } = newest;
  const written = steps.some((step) => step.kind === 'flag' && ['running', 'done'].includes(step.outcome));
  return written ? { ratio: plan.to.ratio, token: greater, operation: id, kind } : null;
}

/** Ends an operation, and brings the state to where it led. To be called in a transaction. */
export function finishOperation(
  db: Db,
  operation: OperationRecord,
  end: OperationEnd,
  options: JournalOptions,
): void {
  const now = options.now();
  const { plan, checkpointId } = operation;
  // Where nothing but records was mended the state is what it was, and so is what it knows of the flag.
  if (end.applied && !operation.applied && plan.mends !== 'dns') {
    const state = readState(db, options.migration);
    // The time in which the flag said something else is no time of the stage.
    const newStage =
      plan.kind === 'canary start' ||
      plan.mends === 'flag' ||
      state.ratio !== plan.to.ratio ||
      state.stage === null;
    writeState(db, options.migration, plan.to, {
      stageId: newStage ? beginStage(db, plan.to.ratio, now, operation.id) : (state.stage?.id ?? null),
      previous: plan.previous === 'own checkpoint' ? checkpointId : plan.previous,
      now,
    });
  }
  db.prepare('UPDATE operations SET outcome = ?, finished_at = ?, applied = ?, open = ? WHERE id = ?').run(
    end.outcome,
    now,
    end.applied ? 1 : 0,
    end.open ? 1 : 0,
    operation.id,
  );
  appendHistory(db, {
    at: now,
    actor: options.holder.actor,
    event: `${commandOf(plan)} ${end.outcome}`,
    operationId: operation.id,
    detail: { from: plan.from, to: end.applied ? plan.to : plan.from, open: end.open },
  });
  const pruned = pruneCheckpoints(db, options.keep);
  if (pruned.length === 0) return;
  appendHistory(db, {
    at: now,
    actor: options.holder.actor,
    event: 'checkpoints pruned',
    operationId: operation.id,
    detail: { checkpoints: pruned, keep: options.keep },
  });
}

/** Keeps what a step came to, and the entry of the history for it. To be called in a transaction. */
export function endStep(
  db: Db,
  operation: { id: string; plan: Plan },
  position: number,
  end: StepEnd,
  options: JournalOptions,
): void {
  db.prepare(
    `UPDATE steps SET outcome = ?, attempts = attempts + ?, ms = ?, before = coalesce(?, before), after = ?, error = ?
      WHERE operation_id = ? AND position = ?`,
  ).run(
    end.outcome,
    end.attempts,
    Math.round(end.ms),
    end.before === undefined || end.before === null ? null : JSON.stringify(end.before),
    end.after === undefined ? null : JSON.stringify(end.after),
    end.error,
    operation.id,
    position,
  );
  const { kind, driver, label } = operation.plan.steps[position] as PlannedStep;
  appendHistory(db, {
    at: options.now(),
    actor: options.holder.actor,
    event: `step ${end.outcome}`,
    operationId: operation.id,
    detail: { kind, driver, label, ...end },
  });
}

/** Keeps a word for all whom the plan tells, and who are still there. */
function put(db: Db, word: Word, plan: Plan, { told = [] }: JournalOptions): void {
  putWord(db, word, tellable(plan, told), (hook) => notifyPosition(plan, hook));
}
