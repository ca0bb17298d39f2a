import { formatRatio } from '../config/units.ts';
import { CutoverError, EXIT } from '../errors.ts';
import { type Gate, type Plan, type PlannedDrivers, type PlannedStep, stepsFor } from '../operation/plan.ts';
import { isBackward, type OperationRecord } from '../operation/record.ts';
import { unfinished } from '../operation/unfinished.ts';
import { freezeGate, gateRefusal } from '../shift/gates.ts';
import type { Freeze } from '../store/freeze.ts';
import { exceeds, type World } from '../world.ts';
import { dnsBack, dnsByConfig, wayBack } from './dns-steps.ts';
import { ledgerOf, type MovingStep } from './moved.ts';

/** A checkpoint as the planner sees it. */
export interface RollbackPoint extends World {
  id: number;
  reason: string;
  previous: number | null;
  /** Number of the first operation that began after it was made. */
  since: number;
  /** Taken in from elsewhere: of how DNS came to be there this journal knows nothing. */
  imported?: boolean;
}

export interface RollbackInput {
  world: World;
  /** The checkpoint that the last change left behind: where a rollback without `--to` leads. */
  previous: number | null;
  /** Operations that were not finished, oldest first. */
  open: OperationRecord[];
  findCheckpoint(id: number): RollbackPoint;
  drivers: PlannedDrivers;
  /** Every DNS step that has begun. */
  moving: readonly MovingStep[];
  /** Records that somebody else has changed are overwritten. */
  overwriteDns?: boolean;
  /** The operation that began last, or null. */
  last: string | null;
  gates: Gate[];
  reason: string;
  force: boolean;
  /** The latest verdict of the stage that is left, for those who are told. */
  evidence: unknown;
  /** The ratio that the flag says, where it was read; null when there is no flag. */
  found?: number | null;
  /** The fencing token that the flag holds. */
  foundToken?: number;
  /** The canary run whose FAIL nobody has answered. */
  fail?: string | null;
  /** The freeze in force. */
  freeze?: Freeze | null;
}

/** Whether a rollback is possible now, and where it would lead. */
export interface Eligibility {
  eligible: boolean;
  to: number | null;
  why: string;
}

/**
 * Which checkpoint a rollback without `--to` leads to. A forward operation that was not finished is undone: back
 * to its own checkpoint. A backward one that was not finished is done again, to where it was going.
 */
export function eligibility(input: Pick<RollbackInput, 'world' | 'previous' | 'open'>): Eligibility {
  const left = halfDone(input.open);
  if (left?.kind === 'emergency') {
    const why = `the emergency ${left.id} is not finished; \`cutover resume\` finishes it`;
    return { eligible: false, to: null, why };
  }
  if (left) {
    const to = isBackward(left.kind) ? left.plan.restores : left.checkpointId;
    if (to !== null) return { eligible: true, to, why: `undoes the unfinished ${left.kind} ${left.id}` };
  }
  if (input.previous !== null && input.world.status !== 'idle') {
    return {
      eligible: true,
      to: input.previous,
      why: `checkpoint ${input.previous} was made before the last change`,
    };
  }
  return {
    eligible: false,
    to: null,
    why: input.world.ratio === 0 ? 'all traffic is on legacy' : 'no checkpoint leads back from here',
  };
}

/** The newest operation of which nobody knows whether it moved traffic. */
function halfDone(open: readonly OperationRecord[]): OperationRecord | undefined {
  return open.findLast(
    ({ outcome, applied, plan }) => (outcome === null || !applied) && plan.mends !== 'dns',
  );
}

/**
 * The newest checkpoint on the way back at which no request went to target: where an automatic rollback leads, as
 * a target that failed should get no traffic at all. Without one, the first step back.
 */
export function wayToLegacy(
  previous: number | null,
  findCheckpoint: (id: number) => Pick<RollbackPoint, 'ratio' | 'previous'>,
): number | null {
  for (let id = previous; id !== null; ) {
    const point = findCheckpoint(id);
    if (point.ratio === 0) return id;
    id = point.previous;
  }
  return previous;
}

/**
 * The plan of `rollback`: the checkpoint's status, ratio and provider, and the DNS records that our own steps have
 * moved since.
 * @param to a checkpoint's id, or null for the one that eligibility names
 * @throws CutoverError NOT_ELIGIBLE, ROLLBACK_RAISES (64), UNFINISHED (75), or findCheckpoint's own.
 */
export function planRollback(input: RollbackInput, to: number | null): Plan {
  const { world } = input;
  const possible = eligibility(input);
  const id = to ?? possible.to;
  if (id === null) throw notEligible(possible, input.open);
  const point = input.findCheckpoint(id);
  const raise = raiseOf(world, input.found, point);
  if (raise && !(input.force && input.reason !== '')) throw rollbackRaises(raise, input.freeze);
  const frozen = raise && input.freeze && gateRefusal([freezeGate(input.freeze)], point.ratio);
  if (frozen) throw frozen;
  return {
    kind: 'rollback',
    from: { status: world.status, ratio: world.ratio, activeProvider: world.activeProvider },
    to: { status: point.status, ratio: point.ratio, activeProvider: point.activeProvider },
    reason: input.reason,
    forced: raise !== null,
    gates: input.gates,
    steps: stepsFor(input.drivers, dnsTo(point, input)),
    previous: point.previous,
    restores: id,
    dns: [],
    ...(input.overwriteDns ? { overwriteDns: true as const } : {}),
    after: input.last,
    supersedes: input.open.map((operation) => operation.id),
    evidence: input.evidence,
    ...(input.found === undefined ? {} : { found: input.found }),
    ...(input.foundToken === undefined ? {} : { foundToken: input.foundToken }),
    ...(raise && input.fail ? { answers: input.fail } : {}),
  };
}

/**
 * To legacy all goes back that is displaced, whenever that began, but on a rung of the ladder TTLs that were lowered for
 * the move to come stay lowered; else what has been moved since. Where target became the active provider elsewhere only
 * the config knows how to get there, as for a shift.
 */
function dnsTo(
  { activeProvider, ratio, since, imported }: RollbackPoint,
  { moving, drivers }: Pick<RollbackInput, 'moving' | 'drivers'>,
): PlannedStep[] {
  const toTarget = activeProvider === 'target';
  if (toTarget && imported) return dnsByConfig(drivers.dns, 'target');
  const before = (step: MovingStep) => step.operation < since;
  const then = ledgerOf(moving.filter((step) => before(step) || (toTarget && isMended(step))));
  const way = toTarget
    ? wayBack(ledgerOf(moving), then)
    : wayBack(ledgerOf(moving), null, ratio > 0 ? then : null);
  return dnsBack(drivers.dns, way, activeProvider);
}

/** A person has put records of target right with it: whatever they said before, that is what they are to say since. */
const isMended = ({ mends, done, provider }: MovingStep): boolean => mends && done && provider === 'target';

/** From what is sent to target now to what would be; or DNS would lead there, whatever the flag says. */
export type Raise = { from: number; to: number } | 'dns';

/**
 * Whether going to `to` sends more to target than the state says, or than the flag or DNS does.
 * @param found what the flag says: null when there is none, undefined when nobody knows
 */
export function raiseOf(
  state: Pick<World, 'ratio' | 'activeProvider'>,
  found: number | null | undefined,
  to: Pick<World, 'ratio' | 'activeProvider'>,
): Raise | null {
  const from = found === undefined ? state.ratio : Math.min(state.ratio, found ?? 0);
  if (exceeds(to.ratio, from)) return { from, to: to.ratio };
  return state.activeProvider === 'legacy' && to.activeProvider === 'target' ? 'dns' : null;
}

export function rollbackRaises(raise: Raise, freeze: Freeze | null = null): CutoverError {
  const more =
    raise === 'dns'
      ? 'target becomes the active provider'
      : `${formatRatio(raise.from)} → ${formatRatio(raise.to)}`;
  const meant = `${freeze ? '`cutover unfreeze`, then ' : ''}--force --reason "…"`;
  return new CutoverError('ROLLBACK_RAISES', EXIT.usage, `this sends more to target: ${more}`, {
    hint: `if that is meant: ${meant}; further back: --to N, see \`cutover checkpoint list\``,
  });
}

/** Why a rollback without `--to` leads nowhere: an operation that is not finished comes before any other reason. */
export function notEligible({ why }: Eligibility, open: readonly OperationRecord[]): CutoverError {
  const left = halfDone(open);
  if (left) return unfinished(left, [{ command: 'cutover resume', does: 'finishes it' }]);
  return new CutoverError('NOT_ELIGIBLE', EXIT.usage, `nothing to roll back: ${why}`, {
    hint: 'see `cutover checkpoint list`; --to N names a checkpoint',
  });
}

/**
 * The plan of an emergency: everything to legacy at once. It is made without the state, which may not be readable;
 * `from` is what the flag says, and the journal puts the state's own word in its place when it can.
 * @param moving every DNS step that has begun; null while the journal cannot be read: then the config tells what to write
 */
export function planEmergency(
  drivers: PlannedDrivers,
  flagRatio: number | null,
  reason: string,
  moving: readonly MovingStep[] | null,
): Plan {
  const ratio = flagRatio ?? 0;
  return {
    kind: 'emergency',
    from: {
      status: ratio === 0 ? 'idle' : ratio === 1 ? 'complete' : 'rolling',
      ratio,
      activeProvider: ratio === 1 ? 'target' : 'legacy',
    },
    to: { status: 'rollback', ratio: 0, activeProvider: 'legacy' },
    reason,
    forced: false,
    gates: [],
    steps: stepsFor(
      drivers,
      moving ? dnsBack(drivers.dns, wayBack(ledgerOf(moving), null)) : dnsByConfig(drivers.dns, 'legacy'),
    ),
    previous: null,
    restores: null,
    dns: [],
    supersedes: [],
    evidence: null,
  };
}
