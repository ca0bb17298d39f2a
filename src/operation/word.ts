import type { HookEvent } from '../hooks/hook.ts';
import type { World } from '../world.ts';
import type { StepEnd } from './journal.ts';
import { type Plan, toldAs, undoOf } from './plan.ts';
import type { OperationRecord } from './record.ts';

/** What is to be told of an operation: an event without what differs from one hook to the other. */
export type Word = Omit<HookEvent, 'idempotencyKey'>;

/** The operation that a word is about, and where it stands. */
export interface Standing {
  migration: string;
  operation: Pick<OperationRecord, 'id' | 'actor' | 'checkpointId' | 'plan'>;
  /** By position; what has not run is missing. */
  ends: ReadonlyMap<number, Pick<StepEnd, 'outcome' | 'before' | 'after' | 'error'>>;
  /** Unix milliseconds. */
  now: number;
}

/** What is told when the steps that move traffic have ended, or, of an emergency, while its DNS steps run. Pure. */
export function wordOf(standing: Standing): Word {
  const { plan } = standing.operation;
  const traffic = plan.steps.flatMap(({ kind }, position) => (kind === 'notify' ? [] : [position]));
  const running = traffic.some((position) => !standing.ends.has(position));
  const outcome = outcomeOf(plan, standing.ends);
  return {
    ...about(standing, plan.to),
    ...(running ? { running } : { outcome }),
    flag: flagReadings(plan, standing.ends),
  };
}

/** What the steps that move traffic have come to, all together; those that tell people do not count. Pure. */
export function outcomeOf(plan: Plan, ends: Standing['ends']): 'done' | 'partial' | 'failed' {
  const failed = plan.steps.flatMap(({ kind }, position) =>
    kind !== 'notify' && ends.get(position)?.outcome === 'failed' ? [kind] : [],
  );
  if (failed.includes('flag')) return 'failed';
  return failed.length > 0 ? 'partial' : 'done';
}

/**
 * What is told of a forward operation whose flag could not be set. Pure.
 * @param restored whether the flag certainly says what it said before
 */
export function wordOfAbandoned(standing: Standing, restored: boolean): Word {
  const { plan } = standing.operation;
  const { before } = flagReadings(plan, standing.ends);
  const said = restored ? plan.from.ratio : null;
  return {
    ...about(standing, plan.from),
    ...(restored ? { undo: '' } : {}),
    outcome: 'failed',
    asked: plan.to,
    flag: { before: before ?? said, after: said },
  };
}

/** What is told of an operation that was never finished, when another one takes its place. Pure. */
export function wordOfSuperseded(
  standing: Standing,
  end: { outcome: 'undone' | 'superseded'; endedBy: string },
): Word {
  const { to } = standing.operation.plan;
  return { ...about(standing, to), undo: '', ...end };
}

/** The ratio that the flag said before its step and after; null where there was none, or nobody knows. */
export function flagReadings(
  plan: Plan,
  ends: ReadonlyMap<number, Pick<StepEnd, 'before' | 'after'>>,
): NonNullable<HookEvent['flag']> {
  const end = ends.get(plan.steps.findIndex(({ kind }) => kind === 'flag'));
  return { before: ratioIn(end?.before), after: ratioIn(end?.after) };
}

/** The ratio of a reading as the journal keeps it. */
function ratioIn(reading: unknown): number | null {
  if (typeof reading !== 'object' || reading === null || !('ratio' in reading)) return null;
  return typeof reading.ratio === 'number' ? reading.ratio : null;
}

function about({ migration, operation, ends, now }: Standing, to: World): Word {
  const { plan } = operation;
  return {
    schemaVersion: 1,
    migration,
    step: 'notify',
    operation: { id: operation.id, kind: toldAs(plan) },
    from: plan.from,
    to,
    provider: to.activeProvider,
    reason: plan.reason,
    actor: operation.actor,
    at: new Date(now).toISOString(),
    steps: plan.steps.flatMap(({ kind, driver, label }, position) => {
      const end = kind === 'notify' ? undefined : ends.get(position);
      return end ? [{ kind, driver, label, outcome: end.outcome, error: end.error }] : [];
    }),
    undo: undoOf(plan, operation.checkpointId) ?? '',
    ...(plan.evidence === null || plan.evidence === undefined ? {} : { evidence: plan.evidence }),
  };
}

/** Whether two words say the same of the same operation: then the second is not told. */
export function sameWord(a: Word, b: Word): boolean {
  const gist = ({ outcome, running, endedBy, asked, steps }: Word) =>
    JSON.stringify([
      outcome ?? null,
      running ?? null,
      endedBy ?? null,
      asked?.ratio ?? null,
      steps.flatMap(({ label, outcome: end }) => (end === 'failed' ? [label] : [])),
    ]);
  return gist(a) === gist(b);
}
