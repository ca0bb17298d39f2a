import { formatRatio } from '../config/units.ts';
import { CutoverError, EXIT } from '../errors.ts';
import type { Plan } from '../operation/plan.ts';
import { exceeds } from '../world.ts';

/** The ratios of the ladder on the way down, highest first; neither end is among them. */
export function rungsDown(ladder: readonly number[], from: number, to: number): number[] {
  return ladder.filter((rung) => rung < from && rung > to).toReversed();
}

/**
 * A rollback as a row of operations, the last of which ends where `plan` does. Each expects the world that the one
 * before it leaves and is strictly lower than that, and than what the flag says now. On the way only the flag moves,
 * and nobody is told before the end; what leads back from there is the end itself, so that a rollback that was
 * broken off can be gone on with.
 * @param flagRatio what the flag says now; no flag is 0
 * @throws CutoverError ROLLBACK_RAISES (64), FLAG_LOWER (75): nothing is ever lifted.
 */
export function gradualPlans(plan: Plan, ladder: readonly number[], flagRatio: number): Plan[] {
  const { from, to } = plan;
  if (to.ratio > from.ratio) {
    throw new CutoverError('ROLLBACK_RAISES', EXIT.usage, '--over only goes down', {
      hint: 'leave --over away to go to a checkpoint that sends more to target',
    });
  }
  if (exceeds(to.ratio, flagRatio)) {
    const lower = `the flag says ${formatRatio(flagRatio)}, less than the ${formatRatio(to.ratio)} to go to`;
    throw new CutoverError('FLAG_LOWER', EXIT.notNow, `${lower}; --over lifts nothing`, {
      hint: 'see `cutover status`; a rollback without --over makes the flag say what its checkpoint says',
    });
  }
  // Each but the first begins after the one before it, as whoever runs them sees to.
  const { after, ...later } = plan;
  const first = after === undefined ? {} : { after };
  const plans: Plan[] = [];
  const last = () => plans.at(-1)?.to ?? from;
  const flag = plan.steps.filter(({ kind }) => kind === 'flag');
  for (const ratio of rungsDown(ladder, Math.min(from.ratio, flagRatio), to.ratio)) {
    const { activeProvider } = from;
    plans.push({
      ...later,
      ...(plans.length === 0 ? first : {}),
      from: last(),
      to: { status: 'rolling', ratio, activeProvider },
      leadsTo: to,
      steps: flag,
      dns: [],
      previous: plan.restores,
      supersedes: plans.length === 0 ? plan.supersedes : [],
    });
  }
  return [...plans, plans.length === 0 ? plan : { ...later, from: last(), supersedes: [] }];
}
