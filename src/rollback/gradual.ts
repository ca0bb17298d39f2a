import { type Plan, stepsFor } from '../operation/plan.ts';

/** The ratios of the ladder on the way down, highest first; neither end is among them. */
export function rungsDown(ladder: readonly number[], from: number, to: number): number[] {
  return ladder.filter((rung) => rung < from && rung > to).toReversed();
}

/**
 * One step on the way down to where `plan` leads: only the flag moves, and nobody is told before the end. What
 * leads back from here is the end itself, so that a rollback that was broken off can be gone on with.
 */
export function intermediatePlan(plan: Plan, ratio: number): Plan {
  const flag = plan.steps.find(({ kind }) => kind === 'flag');
  return {
    ...plan,
    to: { status: 'rolling', ratio, activeProvider: plan.from.activeProvider },
    steps: flag ? stepsFor({ flag, dns: [], notify: [] }, { dns: false }) : [],
    previous: plan.restores,
  };
}
