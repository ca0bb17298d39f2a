import type { CanaryDocument } from '../../../src/canary/document.ts';
import { CutoverError, EXIT } from '../../../src/errors.ts';
import { isBackward, type OperationRecord } from '../../../src/operation/record.ts';
import type { Facts, Judged, LeaseFact } from '../../../src/situation/facts.ts';
import type { State } from '../../../src/store/state.ts';
import type { Status, World } from '../../../src/world.ts';

/** Facts for tests: all is well, and a line of a table says what is not. */

export const NOW = 1_000_000_000;
const MINUTE = 60_000;

export function stateAt(status: Status, ratio: number, change: Partial<State> = {}): State {
  return {
    status,
    ratio,
    activeProvider: status === 'complete' ? 'target' : 'legacy',
    stage: { id: 3, ratio, since: NOW - 20 * MINUTE },
    previous: status === 'idle' || status === 'rollback' ? null : 7,
    changedAt: NOW - 20 * MINUTE,
    ...change,
  };
}

/** Facts of a migration whose flag says what its state says. */
export function factsAt(status: Status, ratio: number, change: Partial<Facts> = {}): Facts {
  return {
    now: NOW,
    newer: null,
    state: stateAt(status, ratio),
    ladder: [0.01, 0.05, 0.1, 0.25, 0.5, 1],
    limits: { bake: 10 * MINUTE, evidenceMaxAge: 30 * MINUTE },
    canaryRatio: 0.1,
    flag: { is: 'read', ratio },
    flagLabel: 'file flags.json',
    otherFlags: [],
    rivals: [],
    dns: { readings: [], drift: [] },
    lease: null,
    open: [],
    backRatio: status === 'idle' || status === 'rollback' ? null : 0,
    last: null,
    betweenRungs: null,
    freeze: null,
    run: null,
    fail: null,
    ...change,
  };
}

export const FREEZE = { reason: 'incident 7', actor: 'ann', since: NOW - MINUTE, until: null };

export const UNREADABLE = {
  is: 'unreadable',
  error: new CutoverError('FLAG_INVALID', EXIT.unreachable, 'no ratio in it'),
} as const;

export function run(verdict: Judged['verdict'], change: Partial<Judged> = {}): Judged {
  return {
    runId: `run-${verdict}`,
    verdict,
    at: NOW - 3 * MINUTE,
    ratio: 0.1,
    sameSettings: true,
    document: {
      verdict,
      pairs: 40,
      explanations: verdict === 'FAIL' ? ['errors: too many'] : [],
      guardrails: [],
    } as unknown as CanaryDocument,
    ...change,
  };
}

type StepKind = OperationRecord['steps'][number]['kind'];

/** An operation between idle and a canary at 10 %, with these steps, whose process has died. */
export function operation(
  steps: Partial<Record<StepKind, OperationRecord['steps'][number]['outcome']>>,
  change: Partial<OperationRecord> = {},
): OperationRecord {
  const idle: World = { status: 'idle', ratio: 0, activeProvider: 'legacy' };
  const canary: World = { status: 'canary', ratio: 0.1, activeProvider: 'legacy' };
  const kind = change.kind ?? 'canary start';
  const [from, to] = isBackward(kind) ? [canary, idle] : [idle, canary];
  return {
    id: 'op-1',
    kind,
    token: 1,
    actor: 'ann@ops1',
    plan: { kind, from, to, restores: null } as OperationRecord['plan'],
    checkpointId: 7,
    startedAt: NOW - MINUTE,
    finishedAt: null,
    outcome: null,
    applied: false,
    open: true,
    steps: Object.entries(steps).map(([kind, outcome], position) => ({
      position,
      kind: kind as StepKind,
      driver: 'exec',
      label: `${kind} exec`,
      outcome,
      attempts: 1,
      ms: 1,
      before: null,
      after: null,
      error: null,
    })),
    ...change,
  };
}

export function leaseOf(held: OperationRecord, holder: LeaseFact['holder']): LeaseFact {
  const lease = {
    token: 1,
    operationId: held.id,
    actor: held.actor,
    host: 'ops1',
    pid: 4711,
    process: null,
    boot: null,
    namespace: null,
    beats: 1,
    acquiredAt: NOW - MINUTE,
    heartbeatAt: NOW,
  };
  return { lease, holder, operation: held };
}
