import { CutoverError, EXIT } from '../errors.ts';
import type { FlagChange } from '../flag/driver.ts';
import { latestRun } from '../store/canary.ts';
import { insertCheckpoint, pruneCheckpoints } from '../store/checkpoints.ts';
import { readFreeze } from '../store/freeze.ts';
import { appendHistory } from '../store/history.ts';
import { isEndTold } from '../store/messages.ts';
import { type Db, explainingFaults } from '../store/open.ts';
import { beginStage, readState, type State, writeState } from '../store/state.ts';
import { type DnsReading, sameWorld, type World } from '../world.ts';
import { HEARTBEAT_MS, type Watched } from './heartbeat.ts';
import { assertHeld, beat, type Holder, readLease, releaseLease, takeLease } from './lease.ts';
import { findOperation, hasOperation, isAnswered, lastOperation, openOperations } from './operations.ts';
import { databaseOutbox, forgetSender, type Outbox, putWord, type Told } from './outbox.ts';
import { commandOf, notifyPosition, type Plan, type PlannedStep, tellable } from './plan.ts';
import {
  blocksForward,
  isBackward,
  type OperationOutcome,
  type OperationRecord,
  type StepOutcome,
  type StepRecord,
} from './record.ts';
import { type Word, wordOfSuperseded } from './word.ts';

/** What a step came to. */
export interface StepEnd {
  outcome: Extract<StepOutcome, 'done' | 'failed' | 'skipped'>;
  attempts: number;
  ms: number;
  before: unknown;
  /** Of DNS records that could not be written or read back: what they were to say. */
  after: unknown;
  error: string | null;
  /** Of an error that has them: its stable code, and how to mend it. */
  code?: string | undefined;
  hint?: string | undefined;
  /** What the user should know beside the outcome. */
  notes?: string[] | undefined;
}

/** How an operation ended: `applied` when the state is to say what it wanted. */
export interface OperationEnd {
  outcome: Extract<OperationOutcome, 'done' | 'partial' | 'failed'>;
  applied: boolean;
  open: boolean;
}

/** Where the executor writes what it is about to do and what came of it. */
export interface Journal {
  readonly operation: OperationRecord;
  /** Where it is kept: an emergency may find no place at all. */
  readonly kept: 'database' | 'side file' | 'nowhere';
  /** The file it is kept in, for output when it is not the database. */
  readonly sideFile: string | null;
  /** @throws CutoverError FENCED (75) when another operation has taken over. */
  guard(): void;
  /** The operation with this id, or without one the newest that has taken over; null when there is none. */
  find(id: string | null): OperationRecord | null;
  /** What the flag is to say by the operation that has taken over; null while nobody has. */
  winner(): FlagChange | null;
  /** Where its messages wait until they are sent. */
  readonly outbox: Outbox;
  stepBegins(position: number): void;
  /**
   * What a step has found, and is about to write: kept before it is written. Not by one that another operation has
   * taken over from. @throws CutoverError FENCED (75)
   */
  stepIntends(position: number, before: unknown, after: unknown): void;
  /**
   * What a step came to is kept also when another operation has taken over.
   * @param word what is to be told now: it is kept with the step, and never lost
   * @throws CutoverError FENCED (75)
   */
  stepEnds(position: number, end: StepEnd, word?: Word): void;
  /** Keeps what is to be told, unless the same was said before. */
  says(word: Word): void;
  finish(end: OperationEnd): void;
  /** Stops the heartbeat. The lease stays with an operation that was not finished. */
  close(): void;
}

/** Code of the error that tells that an emergency was journaled by another command first. */
export const ALREADY_JOURNALED = 'ALREADY_JOURNALED';

export interface JournalOptions {
  migration: string;
  holder: Holder;
  /** How many checkpoints retention keeps. */
  keep: number;
  now(): number;
  /** Who is told of operations; nobody without it. */
  told?: readonly Told[];
  /** What was seen of the heartbeat of a holder that cannot be looked at. */
  watched?: Watched | undefined;
}

/** What a new operation brings besides its plan. */
export interface Beginning {
  id: string;
  dns: DnsReading[];
  metrics: Record<string, unknown>;
  /** For an emergency: the token its flag write already carries, and the steps that already ran. */
  flagToken?: number;
  already?: Map<number, StepEnd>;
  /** Throws when this operation must not begin any more; asked before it takes the lease, in the same transaction. */
  assertNext?: () => void;
}

/**
 * Takes the lease and journals a new operation with its checkpoint, in one transaction.
 * @throws CutoverError LEASE_HELD, UNFINISHED, PLAN_STALE (75), ALREADY_JOURNALED for an emergency that another
 *   command has found and journaled in the meantime, or the store's own.
 */
export function beginOperation(db: Db, plan: Plan, beginning: Beginning, options: JournalOptions): Journal {
  const emergency = plan.kind === 'emergency';
  const now = options.now();
  explainingFaults(db.name, () =>
    db
      .transaction(() => {
        if (emergency && hasOperation(db, beginning.id)) throw alreadyJournaled(beginning.id);
        beginning.assertNext?.();
        const state = readState(db, options.migration);
        const token = takeOver(db, options.holder, beginning.id, {
          now,
          atLeast: Math.max(beginning.flagToken ?? 0, (plan.foundToken ?? -1) + 1),
          force: emergency,
          watched: options.watched,
        });
        const from: World = emergency ? worldOf(state) : plan.from;
        // What mends the flag begins where the flag is, not where the state is.
        if (!sameWorld(state, plan.mends ? plan.to : from)) throw stalePlan();
        if (plan.after !== undefined && plan.after !== (lastOperation(db)?.id ?? null)) throw stalePlan();
        if (plan.to.ratio > plan.from.ratio && haltedSince(db, plan, state, now)) throw stalePlan();
        const open = openOperations(db);
        // Records may be mended while nothing but records is left to mend: the plan has looked.
        const free = isBackward(plan.kind) || plan.mends === 'dns';
        const blocking = free ? undefined : open.find(blocksForward);
        if (blocking) throw unfinished(blocking);
        // An emergency may have been journaled since: who did not know of it must not lead out of it.
        const unknown = open.find(({ id }) => !plan.supersedes.includes(id));
        if (plan.kind === 'rollback' && unknown) throw stalePlan();
        // What is left of older operations is replaced by this one: nothing may finish them behind its back.
        for (const older of open) endSuperseded(db, older, { plan, id: beginning.id }, options);
        // An emergency repeated in panic must not push the checkpoints of better days out of retention.
        const nothingToKeep = emergency && sameWorld(from, plan.to);
        const checkpointId = nothingToKeep
          ? null
          : insertCheckpoint(db, {
              ...from,
              at: now,
              reason: `before ${commandOf(plan)}${plan.reason ? `: ${plan.reason}` : ''}`,
              dns: beginning.dns,
              metrics: beginning.metrics,
              operationId: beginning.id,
              previous: state.previous,
            });
        insertOperation(
          db,
          { ...plan, from },
          { id: beginning.id, token, checkpointId, now },
          options.holder,
        );
        appendHistory(db, {
          at: now,
          actor: options.holder.actor,
          event: `${commandOf(plan)} began`,
          operationId: beginning.id,
          detail: {
            from,
            to: plan.to,
            reason: plan.reason,
            forced: plan.forced,
            gates: plan.gates,
            evidence: plan.evidence,
            checkpoint: checkpointId,
            supersedes: plan.supersedes,
          },
        });
        for (const [position, end] of beginning.already ?? []) {
          endStep(db, { id: beginning.id, plan }, position, end, options);
        }
      })
      .immediate(),
  );
  return databaseJournal(db, findOperation(db, beginning.id), options);
}

/**
 * Takes the lease again for an operation that was not finished.
 * @throws CutoverError LEASE_HELD (75) when its process still runs.
 */
export function resumeOperation(
  db: Db,
  operation: OperationRecord,
  options: JournalOptions,
  lease: { force?: boolean; atLeast?: number } = {},
): Journal {
  explainingFaults(db.name, () =>
    db
      .transaction(() => {
        const now = options.now();
        const token = takeOver(db, options.holder, operation.id, {
          now,
          watched: options.watched,
          ...lease,
        });
        const holder = JSON.stringify(options.holder);
        db.prepare('UPDATE operations SET token = ?, holder = ? WHERE id = ?').run(
          token,
          holder,
          operation.id,
        );
        appendHistory(db, {
          at: now,
          actor: options.holder.actor,
          event: `${commandOf(operation.plan)} resumed`,
          operationId: operation.id,
          detail: { steps: operation.steps.map(({ label, outcome }) => ({ label, outcome })) },
        });
      })
      .immediate(),
  );
  return databaseJournal(db, findOperation(db, operation.id), options);
}

/** Says whose an emergency is that was journaled by its mark in the flag, which does not keep that. */
export function claimOperation(db: Db, id: string, actor: string, reason: string): void {
  explainingFaults(db.name, () =>
    db
      .prepare(
        `UPDATE operations SET actor = ?, reason = ?, plan = json_set(plan, '$.reason', ?) WHERE id = ?`,
      )
      .run(actor, reason, reason, id),
  );
}

/** Takes the lease, and what its holder was sending, where that is gone. */
function takeOver(
  db: Db,
  holder: Holder,
  operationId: string,
  options: Parameters<typeof takeLease>[3],
): number {
  const { held } = readLease(db);
  const token = takeLease(db, holder, operationId, options);
  if (held && !options.force) forgetSender(db, held);
  return token;
}

function databaseJournal(db: Db, operation: OperationRecord, options: JournalOptions): Journal {
  const { token } = operation;
  const heartbeat = setInterval(() => {
    // A heartbeat that fails is not worth stopping for: the step's own writes will say what is wrong.
    try {
      beat(db, token, options.now());
    } catch (error) {
      void error;
    }
  }, HEARTBEAT_MS).unref();
  const write = (work: () => void) => explainingFaults(db.name, () => db.transaction(work).immediate());
  return {
    operation,
    kept: 'database',
    sideFile: null,
    guard: () => assertHeld(db, token),
    find: (id) => (id === null ? newestOver(db, token) : hasOperation(db, id) ? findOperation(db, id) : null),
    winner: () => winnerOver(db, token),
    outbox: databaseOutbox(db, { holder: options.holder, now: options.now, own: operation.id }),
    says: (word) => write(() => put(db, word, operation.plan, options)),
    stepBegins: (position) =>
      write(() => {
        assertHeld(db, token);
        db.prepare(
          `UPDATE steps SET outcome = 'running', started_at = ? WHERE operation_id = ? AND position = ?`,
        ).run(options.now(), operation.id, position);
      }),
    stepIntends: (position, before, after) =>
      write(() => {
        assertHeld(db, token);
        db.prepare('UPDATE steps SET before = ?, after = ? WHERE operation_id = ? AND position = ?').run(
          JSON.stringify(before),
          JSON.stringify(after),
          operation.id,
          position,
        );
      }),
    stepEnds: (position, end, word) => {
      write(() => {
        endStep(db, operation, position, end, options);
        if (word) put(db, word, operation.plan, options);
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

/** The flag write of the newest operation, if it is another one that has begun or made it. */
function winnerOver(db: Db, token: number): FlagChange | null {
  const newest = newestOver(db, token);
  if (!newest) return null;
  const { id, kind, plan, token: greater, steps } = newest;
  const written = steps.some((step) => step.kind === 'flag' && ['running', 'done'].includes(step.outcome));
  return written ? { ratio: plan.to.ratio, token: greater, operation: id, kind } : null;
}

function finishOperation(
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

function insertOperation(
  db: Db,
  plan: Plan,
  made: { id: string; token: number; checkpointId: number | null; now: number },
  holder: Holder,
): void {
  db.prepare(
    `INSERT INTO operations (id, kind, token, actor, reason, forced, plan, checkpoint_id, started_at, holder)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  ).run(
    made.id,
    plan.kind,
    made.token,
    holder.actor,
    plan.reason,
    plan.forced ? 1 : 0,
    JSON.stringify(plan),
    made.checkpointId,
    made.now,
    JSON.stringify(holder),
  );
  const step = db.prepare(
    'INSERT INTO steps (operation_id, position, kind, driver, label) VALUES (?, ?, ?, ?, ?)',
  );
  plan.steps.forEach((planned, position) => {
    step.run(made.id, position, planned.kind, planned.driver, planned.label);
  });
}

function endStep(
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

/**
 * Ends an operation that a new one replaces: one that had not finished was undone, or replaced by one alike. If nobody
 * was told of it, that is told.
 */
function endSuperseded(
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

/** Keeps a word for all whom the plan tells, and who are still there. */
function put(db: Db, word: Word, plan: Plan, { told = [] }: JournalOptions): void {
  putWord(db, word, tellable(plan, told), (hook) => notifyPosition(plan, hook));
}

function worldOf(state: State): World {
  return { status: state.status, ratio: state.ratio, activeProvider: state.activeProvider };
}

/** Whether a freeze or a FAIL has come since a forward step was planned: it may have waited for somebody's yes. */
function haltedSince(db: Db, plan: Plan, { stage }: State, now: number): boolean {
  if (readFreeze(db, now)) return true;
  const run = stage && latestRun(db, stage.id);
  return run?.verdict === 'FAIL' && run.runId !== plan.answers && !isAnswered(db, run.runId);
}

function alreadyJournaled(id: string): CutoverError {
  return new CutoverError(ALREADY_JOURNALED, EXIT.notNow, `${id} is in the journal already`);
}

function stalePlan(): CutoverError {
  return new CutoverError('PLAN_STALE', EXIT.notNow, 'the migration has changed since this was planned', {
    hint: 'look at `cutover status` and run the command again',
  });
}

/**
 * The error of a command that must not go on while traffic may be other than the state says.
 * @param ways the commands that end it, where it is known which of them may be run now
 */
export function unfinished(
  { id, plan }: OperationRecord,
  ways: readonly { command: string; does: string }[] = [
    { command: 'cutover status', does: 'says how it is ended' },
  ],
): CutoverError {
  return new CutoverError('UNFINISHED', EXIT.notNow, `the ${commandOf(plan)} ${id} is not finished`, {
    hint: ways.map(({ command, does }) => `\`${command}\` ${does}`).join(', '),
  });
}
