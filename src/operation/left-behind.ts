import { describeSets } from '../hooks/dns/records.ts';
import { wayBack } from '../hooks/dns/wanted.ts';
import type { Hook } from '../hooks/hook.ts';
import { isOf, sameRecord } from '../rollback/moved.ts';
import type { DnsReading } from '../world.ts';
import { astray, leftAstray } from './astray.ts';
import type { Plan, PlannedStep } from './plan.ts';
import { isBackward } from './record.ts';

/**
 * The records that the plan of a way back leaves on the other provider, or overwrites there as it is told to: a line
 * for each hook that has some, as far as its server was read. Pure.
 * @param readings what the servers say now
 */
export function leftBehind(
  plan: Pick<Plan, 'kind' | 'steps' | 'to' | 'overwriteDns'>,
  hooks: readonly Hook[],
  readings: readonly DnsReading[],
): string[] {
  if (!isBackward(plan.kind)) return [];
  const { activeProvider: side } = plan.to;
  return plan.steps.flatMap((step): string[] => {
    const hook = hooks.find((one) => step.kind === 'dns' && one.label === step.label);
    const says = readings.find((one) => one.label === step.label)?.records;
    if (!hook || !says || !step.restore) return [];
    const left = leftOn(hook, step.restore, says, plan);
    if (left.length === 0) return [];
    if (!plan.overwriteDns)
      return [`${hook.label}: ${leftAstray(left, side).message}, and the step fails (exit 4)`];
    const [from, to] = [left.map((move) => move.from), left.map((move) => move.to)].map(describeSets);
    return [`${hook.label}: not moved there by this migration: ${from}: overwritten with ${to}`];
  });
}

function leftOn(
  hook: Hook,
  restore: NonNullable<PlannedStep['restore']>,
  says: NonNullable<DnsReading['records']>,
  { to: { activeProvider }, overwriteDns }: Pick<Plan, 'to' | 'overwriteDns'>,
) {
  const there = restore.filter(({ to }) => says.some(isOf(to)));
  const now = there.map(({ to }) => says.find(isOf(to)) ?? to);
  // What another step of ours may have left there is ours to move, too.
  const moves = there.map(({ from, to, or = [], back }, i) => ({
    from: or.find((one) => sameRecord(one, now[i] ?? to)) ?? from,
    to,
    ...(back ? { back } : {}),
  }));
  const { changes, foreign } = wayBack(moves, now, { overwrite: overwriteDns === true });
  const after = says.map((set) => changes.find(({ to }) => isOf(set)(to))?.to ?? set);
  // Of somebody else's record the plan tells already that it is left alone, unless that was put back before.
  const told = foreign.filter((set) => !moves.find(({ to }) => isOf(set)(to))?.back);
  return astray(hook, activeProvider, after).filter(({ from }) => !told.some(isOf(from)));
}
