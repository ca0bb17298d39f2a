import type { FlagReading } from '../flag/driver.ts';
import { canBeExceeded, TOKEN_LEAP } from '../flag/token.ts';
import type { MovingStep } from '../rollback/moved.ts';
import { unseenStep } from '../rollback/unseen.ts';
import type { Db } from '../store/open.ts';
import type { Execution } from './execute.ts';
import { movingSteps } from './moving.ts';
import { hasOperation, lastOperation } from './operations.ts';
import type { Plan } from './plan.ts';
import { readQuietly } from './read-quietly.ts';
import { flagsOf, plannedDrivers } from './steps.ts';

/**
 * The plan of an emergency for what the flags say; `flagRatio` is null when none can be read.
 * @param moving the DNS steps that have begun; null while the journal was not read
 */
export type PlanEmergency = (flagRatio: number | null, moving: readonly MovingStep[] | null) => Plan;

/** What an emergency puts DNS back by: what the journal knows of it, or the config alone. */
export type DnsSource = 'journal' | 'config';

/** A look at other operations; null when they cannot be seen. */
export type Look = <T>(see: (db: Db) => T) => T | null;

/** The plan without the journal, and what it becomes by it. Only its DNS steps differ, which come after the flags. */
export interface Plans {
  plan: Plan;
  planWith(moving: readonly MovingStep[]): Plan;
  /** Whether a journal knows of what the flags said. */
  isKnownIn(db: Db): boolean;
  /** Whether another emergency has set the flags that a journal does not know. */
  unseenIn(db: Db): boolean;
}

/** The plan that an emergency would run now. */
export async function emergencyPlan(execution: Execution, plan: PlanEmergency, look: Look): Promise<Plan> {
  const plans = await readEmergencyPlan(execution, plan);
  return planBy(plans, look, execution).plan;
}

/** The same before the journal was read, and the token that it would run under. */
export async function readEmergencyPlan(
  execution: Execution,
  plan: PlanEmergency,
): Promise<Plans & { token: number }> {
  const readings = await Promise.all(flagsOf(execution.drivers).map((flag) => readQuietly(flag)));
  const known = readings.filter((reading) => reading !== undefined);
  const tokens = known.map((reading) => reading?.token ?? 0);
  // What cannot be read or exceeded is overwritten; the clock gives a token above all others.
  const inOrder = known.length === readings.length && tokens.every(canBeExceeded);
  const least = inOrder ? 0 : execution.clock.now();
  const ratios = known.flatMap((reading) => (reading ? [reading.ratio] : []));
  const ratio = known.length === 0 ? null : Math.max(0, ...ratios);
  return {
    plan: plan(ratio, null),
    planWith: (moving) => plan(ratio, moving),
    isKnownIn: (db) => knowsOf(db, known, ratio),
    unseenIn: (db) => marksOf(known, true).some((mark) => !hasOperation(db, mark)),
    token: Math.max(least, ...tokens.filter(canBeExceeded).map((token) => token + TOKEN_LEAP)),
  };
}

/**
 * The plan by the journal where that can be read, else by the config.
 * @returns `stranger` where there is a journal that can be read, but does not know what was moved
 */
export function planBy(
  { plan, planWith, isKnownIn, unseenIn }: Plans,
  look: Look,
  { drivers }: Execution,
): { plan: Plan; dns: DnsSource; stranger: boolean } {
  try {
    const { dns: hooks } = plannedDrivers(drivers);
    const read = look((db): { known: Plan | null } => {
      if (!isKnownIn(db)) return { known: null };
      const known = planWith(movingSteps(db, hooks));
      if (!unseenIn(db)) return { known };
      return { known: { ...known, steps: known.steps.map((step) => unseenStep(step, hooks).step) } };
    });
    if (read?.known) return { plan: read.known, dns: 'journal', stranger: false };
    if (read) return { plan, dns: 'config', stranger: true };
  } catch (error) {
    // What keeps the journal from being read must not keep anything from being set: the config tells then.
    void error;
  }
  return { plan, dns: 'config', stranger: false };
}

/**
 * Whether a journal tells what was moved. One that is empty though requests go to target, or that does not know the
 * operation whose mark a flag carries, is that of another folder, or an old copy: what it does not tell of may stand
 * on target. An emergency moves nothing there, so one that is missing is no matter.
 */
function knowsOf(db: Db, readings: readonly (FlagReading | null)[], ratio: number | null): boolean {
  if (marksOf(readings, false).some((mark) => !hasOperation(db, mark))) return false;
  return (ratio ?? 0) === 0 || lastOperation(db) !== null;
}

/** The operations whose marks the flags carry: emergencies, or all others. */
function marksOf(readings: readonly (FlagReading | null)[], emergencies: boolean): string[] {
  return readings.flatMap((reading) =>
    reading?.operation?.startsWith('op-') && (reading.kind === 'emergency') === emergencies
      ? [reading.operation]
      : [],
  );
}
