import type { OperationKind } from '../world.ts';
import type { Plan, StepKind } from './plan.ts';

export type OperationOutcome = 'done' | 'partial' | 'failed' | 'undone' | 'superseded';
export type StepOutcome = 'pending' | 'running' | 'done' | 'failed' | 'skipped';

/** One step as the journal knows it. `before` and `after` are what the driver read, as JSON values. */
export interface StepRecord {
  position: number;
  kind: StepKind;
  driver: string;
  label: string;
  outcome: StepOutcome;
  attempts: number;
  /** Milliseconds of the last run of the step; null when it has not run. */
  ms: number | null;
  before: unknown;
  after: unknown;
  error: string | null;
}

/** One operation as the journal knows it. */
export interface OperationRecord {
  id: string;
  kind: OperationKind;
  /** Fencing token it ran under last. */
  token: number;
  actor: string;
  plan: Plan;
  checkpointId: number | null;
  /** Unix milliseconds. */
  startedAt: number;
  finishedAt: number | null;
  /** null while it runs, and after its process died. */
  outcome: OperationOutcome | null;
  /** Whether the state already says what the operation wanted. */
  applied: boolean;
  /** Whether `resume` has something to do. */
  open: boolean;
  steps: StepRecord[];
}

/** Whether an operation leads towards legacy: such a one is never stopped by a failed step. */
export function isBackward(kind: OperationKind): boolean {
  return kind === 'rollback' || kind === 'emergency';
}

/** Whether traffic may be other than the state says: then nothing but resume and rollback may run. */
export function blocksForward(operation: OperationRecord): boolean {
  if (!operation.open) return false;
  if (operation.outcome === null) return true;
  return operation.steps.some((step) => step.kind !== 'notify' && step.outcome !== 'done');
}

/** A new operation id: sorts by time, unique across machines. */
export function newOperationId(now: number, random: () => number): string {
  const tail = Math.floor(random() * 36 ** 4)
    .toString(36)
    .padStart(4, '0');
  return `op-${now.toString(36)}-${tail}`;
}
