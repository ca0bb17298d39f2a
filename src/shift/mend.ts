import { formatRatio } from '../config/units.ts';
import { CutoverError, EXIT } from '../errors.ts';
import { type Gate, type Plan, type PlannedDrivers, stepsFor } from '../operation/plan.ts';
import type { World } from '../world.ts';

/** What the planner of `resume --flag` knows. */
export interface MendInput {
  /** What the state says, and the flag is to say. */
  world: World;
  /** What the flag says; null when it is gone. */
  found: number | null;
  /** The fencing token that the flag holds. */
  foundToken?: number;
  /** The checkpoint that `rollback` leads to, before and after. */
  previous: number | null;
  /** Operations with something left to do, which this one replaces. */
  open: readonly { id: string }[];
  drivers: PlannedDrivers;
  gates: Gate[];
  reason: string;
  force: boolean;
  /** The canary run whose FAIL nobody has answered. */
  fail: string | null;
  evidence: unknown;
}

/** Whether bringing the flag to what the state says sends more requests to target than now. */
export function raisesFlag(world: World, found: number | null): boolean {
  return world.ratio > (found ?? 0);
}

/**
 * The plan of `resume --flag`: from the world as the flag has it to the one that the state says. Towards target it is
 * a shift, which a failed step stops; towards legacy a rollback, which nothing stops.
 * @throws CutoverError FLAG_RAISES (64) without force and a reason.
 */
export function planMend(input: MendInput): Plan {
  const { world, found } = input;
  const raises = raisesFlag(world, found);
  if (raises && !(input.force && input.reason !== '')) throw flagRaises(world, found);
  return {
    kind: raises ? 'shift' : 'rollback',
    from: worldAsFlagSays(world, found ?? 0),
    to: { status: world.status, ratio: world.ratio, activeProvider: world.activeProvider },
    reason: input.reason,
    forced: raises,
    gates: raises ? input.gates : [],
    steps: stepsFor(raises ? { ...input.drivers, otherFlags: [] } : input.drivers, []),
    previous: input.previous,
    restores: null,
    dns: [],
    supersedes: input.open.map(({ id }) => id),
    evidence: input.evidence,
    found,
    ...(input.foundToken === undefined ? {} : { foundToken: input.foundToken }),
    mends: 'flag',
    ...(raises && input.fail !== null ? { answers: input.fail } : {}),
  };
}

export function flagRaises(world: World, found: number | null): CutoverError {
  return new CutoverError(
    'FLAG_RAISES',
    EXIT.usage,
    `this sends more to target: ${formatRatio(found ?? 0)} → ${formatRatio(world.ratio)}`,
    { hint: 'if that is meant: --force --reason "…"; back instead: `cutover rollback`' },
  );
}

/** The world that a checkpoint keeps for the way back: its status has to fit the ratio. */
function worldAsFlagSays({ status, activeProvider }: World, ratio: number): World {
  const fits = ratio === 0 ? 'idle' : ratio === 1 ? 'complete' : status === 'canary' ? 'canary' : 'rolling';
  return { status: fits, ratio, activeProvider };
}
