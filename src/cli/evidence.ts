import { CutoverError, EXIT } from '../errors.ts';
import { firstSince, movingSteps } from '../operation/moving.ts';
import { lastOperation, openOperations } from '../operation/operations.ts';
import type { Gate } from '../operation/plan.ts';
import { plannedDrivers } from '../operation/steps.ts';
import type { Readiness } from '../provider/readiness.ts';
import type { RollbackInput } from '../rollback/plan.ts';
import type { ShiftInput } from '../shift/plan.ts';
import type { Facts, Judged } from '../situation/facts.ts';
import type { Situation } from '../situation/situation.ts';
import { latestRun } from '../store/canary.ts';
import { getCheckpoint, importedCheckpoints } from '../store/checkpoints.ts';
import { readState } from '../store/state.ts';
import type { Session } from './session.ts';

/** What a forward step is planned by. */
export function forwardInput(
  session: Session,
  { facts, situation }: { facts: Facts; situation: Situation },
  options: { force?: boolean; reason?: string },
): { input: ShiftInput; verdict: string | null; metrics: Record<string, unknown> } {
  const evidence = facts.run && evidenceOf(facts.run);
  return {
    input: {
      world: facts.state,
      gates: situation.gates,
      drivers: plannedDrivers(session.drivers),
      reason: options.reason ?? '',
      force: options.force ?? false,
      evidence,
      ...flagFound(facts),
      fail: facts.fail?.runId ?? null,
      last: facts.last?.id ?? null,
    },
    verdict: facts.run?.verdict ?? null,
    metrics: evidence ? { canary: evidence } : {},
  };
}

/** A verdict as plans, the journal and notifications carry it. */
export function evidenceOf({ runId, at, verdict, document }: Omit<Judged, 'sameSettings'>) {
  return { runId, at, verdict, document };
}

/** What the flag says, for the plan; nothing when it was not read. */
export function flagFound({ flag }: Facts): { found?: number | null; foundToken?: number } {
  if (flag.is === 'read') return { found: flag.ratio, foundToken: flag.token ?? 0 };
  return flag.is === 'absent' ? { found: null } : {};
}

/** What a rollback is planned by; `facts` adds what only a look at the flag and the canary's runs tells. */
export function gatherRollback(
  session: Session,
  options: { force?: boolean; reason?: string; overwriteDns?: boolean },
  facts?: Facts,
): RollbackInput {
  const { db, config } = session;
  const drivers = plannedDrivers(session.drivers);
  const state = readState(db, config.migration);
  const latest = state.stage ? latestRun(db, state.stage.id) : null;
  return {
    world: state,
    previous: state.previous,
    open: openOperations(db),
    findCheckpoint: (id) => {
      const checkpoint = getCheckpoint(db, id);
      const imported = importedCheckpoints(db).has(id);
      return { ...checkpoint, since: firstSince(db, checkpoint), imported };
    },
    drivers,
    moving: movingSteps(db, drivers.dns),
    last: lastOperation(db)?.id ?? null,
    gates: [],
    reason: options.reason ?? '',
    force: options.force ?? false,
    overwriteDns: options.overwriteDns ?? false,
    evidence: latest && evidenceOf({ ...latest, document: JSON.parse(latest.document) }),
    ...(facts ? { ...flagFound(facts), fail: facts.fail?.runId ?? null, freeze: facts.freeze } : {}),
  };
}

/** Whether legacy could take the traffic back now: one probe, a few seconds at most. */
export async function legacyGate(session: Session): Promise<Gate & Readiness> {
  const { checkReadiness } = await import('../provider/readiness.ts');
  return { name: 'readiness', ...(await checkReadiness(session.config, 'legacy', session.secrets)) };
}

/** @throws CutoverError CHECKPOINT_UNKNOWN (64) */
export function checkpointArgument(text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new CutoverError('CHECKPOINT_UNKNOWN', EXIT.usage, `not the number of a checkpoint: ${text}`, {
    hint: 'see `cutover checkpoint list`',
  });
}
