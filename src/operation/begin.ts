import { CutoverError, EXIT } from '../errors.ts';
import { latestRun } from '../store/canary.ts';
import { insertCheckpoint } from '../store/checkpoints.ts';
import { readFreeze } from '../store/freeze.ts';
import { appendHistory } from '../store/history.ts';
import { type Db, explainingFaults } from '../store/open.ts';
import { readState, type State } from '../store/state.ts';
import { sameWorld, type World } from '../world.ts';
import { databaseJournal, endStep } from './database-journal.ts';
import { ALREADY_JOURNALED, type Beginning, type Journal, type JournalOptions } from './journal.ts';
import { type Holder, readLease, takeLease } from './lease.ts';
import { findOperation, hasOperation, isAnswered, lastOperation, openOperations } from './operations.ts';
import { forgetSender } from './outbox.ts';
import { commandOf, type Plan } from './plan.ts';
import { blocksForward, isBackward, type OperationRecord } from './record.ts';
import { endSuperseded, finishTold } from './superseded.ts';
import { unfinished } from './unfinished.ts';

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
        // An emergency goes by what it finds; any other change was planned from what the state said.
        if (emergency) finishTold(db, options);
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
  const heldBefore = explainingFaults(db.name, () =>
    db
      .transaction(() => {
        const now = options.now();
        const before = holderOf(db, operation.id);
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
        return before;
      })
      .immediate(),
  );
  return databaseJournal(db, findOperation(db, operation.id), options, heldBefore);
}

function holderOf(db: Db, id: string): Holder | null {
  const { holder } = db.prepare('SELECT holder FROM operations WHERE id = ?').get(id) as {
    holder: string | null;
  };
  return holder === null ? null : (JSON.parse(holder) as Holder);
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
