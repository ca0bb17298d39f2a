import { CutoverError, EXIT } from '../errors.ts';
import { openOperations } from '../operation/operations.ts';
import type { Gate } from '../operation/plan.ts';
import { plannedDrivers, RATIO_TOLERANCE } from '../operation/steps.ts';
import type { Readiness } from '../provider/readiness.ts';
import type { RollbackInput } from '../rollback/plan.ts';
import { driftGate, freezeGate, stageGates } from '../shift/gates.ts';
import type { ShiftInput } from '../shift/plan.ts';
import { latestRun, type StoredDocument } from '../store/canary.ts';
import { getCheckpoint } from '../store/checkpoints.ts';
import { readFreeze } from '../store/freeze.ts';
import { readState } from '../store/state.ts';
import type { Session } from './session.ts';

/** Reads all that a forward step is decided by: state, flag, and the stage's verdict. */
export async function gatherForward(
  session: Session,
  options: { force?: boolean; reason?: string },
): Promise<{ input: ShiftInput; verdict: string | null; metrics: Record<string, unknown> }> {
  const { db, config, clock, drivers } = session;
  const world = readState(db, config.migration);
  const flag = await drivers.flag.get(AbortSignal.timeout(drivers.flag.timeoutMs));
  const freeze = readFreeze(db, clock.now());
  const gates = [
    ...(freeze ? [freezeGate(freeze)] : []),
    driftGate(world.ratio, flag?.ratio ?? null, RATIO_TOLERANCE),
  ];
  const latest = world.stage ? latestRun(db, world.stage.id) : null;
  if (world.stage && (world.status === 'canary' || world.status === 'rolling')) {
    const { ratio, since } = world.stage;
    const verdict = latest && { ...latest, sameSettings: await sameSettings(session, latest) };
    gates.push(...stageGates({ ratio, since, verdict }, config.stage, clock.now()));
  }
  const evidence = latest && evidenceOf(latest);
  return {
    input: {
      world,
      gates,
      drivers: plannedDrivers(drivers),
      reason: options.reason ?? '',
      force: options.force ?? false,
      evidence,
    },
    verdict: latest?.verdict ?? null,
    metrics: evidence ? { canary: evidence } : {},
  };
}

/** Whether a verdict answers the question that the config asks now: the same guardrails, probes, prices and providers. */
export async function sameSettings(
  { config, dir }: Pick<Session, 'config' | 'dir'>,
  { verdict, settings }: { verdict: string; settings: string },
): Promise<boolean> {
  if (verdict !== 'PASS') return true;
  const { loadProbes } = await import('../canary/probe-file.ts');
  const { canarySettings, configPrices } = await import('../canary/settings.ts');
  return (
    canarySettings(config, loadProbes(config.canary.probes, dir), configPrices(config)).hash === settings
  );
}

/** A verdict as plans, the journal and notifications carry it. */
function evidenceOf({ runId, at, verdict, document }: StoredDocument) {
  return { runId, at, verdict, document: JSON.parse(document) as unknown };
}

/** Reads all that a rollback is decided by. */
export function gatherRollback(
  session: Session,
  options: { force?: boolean; reason?: string },
): RollbackInput {
  const { db, config, drivers } = session;
  const state = readState(db, config.migration);
  const latest = state.stage ? latestRun(db, state.stage.id) : null;
  return {
    world: state,
    previous: state.previous,
    open: openOperations(db),
    findCheckpoint: (id) => getCheckpoint(db, id),
    drivers: plannedDrivers(drivers),
    gates: [],
    reason: options.reason ?? '',
    force: options.force ?? false,
    evidence: latest && evidenceOf(latest),
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
