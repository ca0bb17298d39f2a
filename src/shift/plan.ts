import { formatRatio } from '../config/units.ts';
import { CutoverError, EXIT } from '../errors.ts';
import { type Gate, type Plan, type PlannedDrivers, stepsFor } from '../operation/plan.ts';
import { dnsByConfig, dnsLowering } from '../rollback/dns-steps.ts';
import type { World } from '../world.ts';
import { gateRefusal } from './gates.ts';
import { nextRung } from './ladder.ts';

/** What the planner knows; nothing here is read while planning. */
export interface ShiftInput {
  world: World;
  gates: Gate[];
  drivers: PlannedDrivers;
  /** Why, for the journal; required with `force`. */
  reason: string;
  force: boolean;
  /** The operation that began last, or null. */
  last?: string | null;
  /** The verdict that the gates were judged by. */
  evidence: unknown;
  /** The ratio that the flag says; null when there is no flag. */
  found?: number | null;
  /** The fencing token that the flag holds. */
  foundToken?: number;
  /** The canary run whose FAIL nobody has answered. */
  fail?: string | null;
}

/**
 * The plan of `canary start`: from idle or rollback to the canary ratio.
 * @throws CutoverError WRONG_STATUS (64).
 */
export function planCanaryStart(input: ShiftInput, ratio: number): Plan {
  const wrong = cannotStart(input.world);
  if (wrong) throw wrong;
  if (ratio === 0 || ratio === 1) {
    throw new CutoverError('RATIO_INVALID', EXIT.usage, `a canary cannot start at ${formatRatio(ratio)}`, {
      hint: 'begin with a small share, e.g. --ratio 1%',
    });
  }
  return forward(input, 'canary start', { status: 'canary', ratio, activeProvider: 'legacy' }, false);
}

/**
 * The plan of `shift`: to `ratio`, or to the next rung of the ladder when it is null. At 100 % the migration is
 * complete: DNS and the active provider move to target. Going down within the ladder asks for no evidence.
 * @throws CutoverError WRONG_STATUS, SHIFT_TO_ZERO, LADDER_TOP (64); null when already there.
 */
export function planShift(input: ShiftInput, ladder: readonly number[], ratio: number | null): Plan | null {
  const { world } = input;
  const wrong = cannotShift(world, input.gates);
  if (wrong) throw wrong;
  const to = ratio ?? nextRung(ladder, world.ratio);
  if (to === null) {
    throw new CutoverError('LADDER_TOP', EXIT.usage, `the ladder ends at ${formatRatio(world.ratio)}`, {
      hint: 'to complete the migration: `cutover shift 100%`',
    });
  }
  if (to === world.ratio) return null;
  if (to === 0) {
    throw new CutoverError('SHIFT_TO_ZERO', EXIT.usage, 'a shift to 0 % is a rollback', {
      hint: '`cutover rollback`, or `cutover rollback --emergency` for all traffic at once',
    });
  }
  const complete = to === 1;
  const down = to < world.ratio;
  return forward(
    down ? { ...input, gates: [] } : input,
    'shift',
    {
      status: complete ? 'complete' : 'rolling',
      ratio: to,
      activeProvider: complete ? 'target' : world.activeProvider,
    },
    complete,
  );
}

function forward(input: ShiftInput, kind: 'canary start' | 'shift', to: World, dns: boolean): Plan {
  const { world, gates, force } = input;
  if (force && input.reason === '') {
    throw new CutoverError('REASON_MISSING', EXIT.usage, '--force needs --reason "…"', {
      hint: 'the journal keeps it for those who ask why a gate was overridden',
    });
  }
  const forced = force && gates.some(({ ok }) => !ok);
  return {
    kind,
    from: { status: world.status, ratio: world.ratio, activeProvider: world.activeProvider },
    to,
    reason: input.reason,
    forced,
    gates,
    steps: stepsFor(
      { ...input.drivers, otherFlags: [] },
      dns ? dnsByConfig(input.drivers.dns, 'target') : dnsLowering(input.drivers.dns),
    ),
    previous: 'own checkpoint',
    restores: null,
    dns: [],
    supersedes: [],
    evidence: input.evidence,
    ...(input.found === undefined ? {} : { found: input.found }),
    ...(input.foundToken === undefined ? {} : { foundToken: input.foundToken }),
    ...(forced && input.fail ? { answers: input.fail } : {}),
    ...(input.last === undefined ? {} : { after: input.last }),
  };
}

/**
 * Refuses a plan whose gates are not met and were not overridden.
 * @throws CutoverError FROZEN (75), FAIL_UNANSWERED (2), GATE (2 or 3): see {@link gateRefusal}
 */
export function assertGates(plan: Plan, verdict: string | null): void {
  const refusal = gateRefusal(plan.gates, plan.to.ratio, { forced: plan.forced, verdict });
  if (refusal) throw refusal;
}

/** Why no canary can start in this state; null when one can. */
export function cannotStart({ status }: World): CutoverError | null {
  if (status === 'idle' || status === 'rollback') return null;
  const hint =
    status === 'complete'
      ? 'to go back: `cutover rollback`'
      : 'next: `cutover canary check`, `cutover shift --next`';
  return new CutoverError(
    'WRONG_STATUS',
    EXIT.usage,
    `a canary is already past its start: the status is ${status}`,
    { hint },
  );
}

/**
 * Why nothing can be shifted in this state; null when it can.
 * @param gates those of the state: a canary is advised only when none of them is shut
 */
export function cannotShift({ status }: World, gates: readonly Gate[]): CutoverError | null {
  if (status === 'canary' || status === 'rolling') return null;
  const begin = gates.every(({ ok }) => ok)
    ? 'begin with `cutover canary start`'
    : 'what comes next: `cutover status`';
  const hint = status === 'complete' ? 'to go back: `cutover rollback`' : begin;
  return new CutoverError('WRONG_STATUS', EXIT.usage, `nothing to shift: the status is ${status}`, { hint });
}
