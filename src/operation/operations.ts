import type { Db } from '../store/open.ts';
import type { OperationKind } from '../world.ts';
import type { Holder } from './holder.ts';
import type { Plan, StepKind } from './plan.ts';
import type { OperationOutcome, OperationRecord, StepOutcome, StepRecord } from './record.ts';

interface OperationRow {
  id: string;
  kind: OperationKind;
  token: number;
  actor: string;
  plan: string;
  checkpoint_id: number | null;
  started_at: number;
  finished_at: number | null;
  outcome: OperationOutcome | null;
  applied: number;
  open: number;
}

interface StepRow {
  position: number;
  kind: StepKind;
  driver: string;
  label: string;
  outcome: StepOutcome;
  attempts: number;
  ms: number | null;
  before: string | null;
  after: string | null;
  error: string | null;
}

/** Operations that `resume` has something to do for, oldest first. */
export function openOperations(db: Db): OperationRecord[] {
  const rows = db.prepare('SELECT * FROM operations WHERE open = 1 ORDER BY seq').all() as OperationRow[];
  return rows.map((row) => fromRow(db, row));
}

/** The operation that began last, or null before the first. */
export function lastOperation(db: Db): OperationRecord | null {
  const row = db.prepare('SELECT * FROM operations ORDER BY seq DESC LIMIT 1').get() as
    | OperationRow
    | undefined;
  return row ? fromRow(db, row) : null;
}

/** The newest rollback or emergency that has begun after an operation; null when none has. Without one: of all. */
export function wentBackSince(db: Db, id: string | null): OperationRecord | null {
  const row = db
    .prepare(
      `SELECT * FROM operations WHERE kind IN ('rollback', 'emergency')
          AND seq > coalesce((SELECT seq FROM operations WHERE id = ?), 0) ORDER BY seq DESC LIMIT 1`,
    )
    .get(id) as OperationRow | undefined;
  return row ? fromRow(db, row) : null;
}

/** Who began an operation, or has resumed it last; null when nobody kept that. */
export function holderOf(db: Db, id: string): Holder | null {
  const row = db.prepare('SELECT holder FROM operations WHERE id = ?').get(id) as { holder: string | null };
  return row.holder === null ? null : (JSON.parse(row.holder) as Holder);
}

/** The operation with this id; it must exist. */
export function findOperation(db: Db, id: string): OperationRecord {
  return fromRow(db, db.prepare('SELECT * FROM operations WHERE id = ?').get(id) as OperationRow);
}

/** Whether a person has answered the FAIL of this canary run: by an operation that was forced over it. */
export function isAnswered(db: Db, runId: string): boolean {
  const found = db
    .prepare("SELECT 1 FROM operations WHERE forced = 1 AND json_extract(plan, '$.answers') = ?")
    .get(runId);
  return found !== undefined;
}

export function hasOperation(db: Db, id: string): boolean {
  return db.prepare('SELECT 1 FROM operations WHERE id = ?').get(id) !== undefined;
}

function fromRow(db: Db, row: OperationRow): OperationRecord {
  const steps = db
    .prepare('SELECT * FROM steps WHERE operation_id = ? ORDER BY position')
    .all(row.id) as StepRow[];
  return {
    id: row.id,
    kind: row.kind,
    token: row.token,
    actor: row.actor,
    plan: JSON.parse(row.plan) as Plan,
    checkpointId: row.checkpoint_id,
    startedAt: row.started_at,
    finishedAt: row.finished_at,
    outcome: row.outcome,
    applied: row.applied === 1,
    open: row.open === 1,
    steps: steps.map(
      (step): StepRecord => ({
        position: step.position,
        kind: step.kind,
        driver: step.driver,
        label: step.label,
        outcome: step.outcome,
        attempts: step.attempts,
        ms: step.ms,
        before: step.before === null ? null : (JSON.parse(step.before) as unknown),
        after: step.after === null ? null : (JSON.parse(step.after) as unknown),
        error: step.error,
      }),
    ),
  };
}
