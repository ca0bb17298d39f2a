import type { DayPattern } from './day-pattern.ts';
import type { DayCost } from './days.ts';
import { MONTH_DAYS } from './period.ts';

/** A steady change of the cost within the log, and what a month is at the rate of its end, USD. */
export interface Trend {
  /** Growth of the cost a day; negative where it shrinks. */
  percentPerDay: number;
  lastWeek: {
    /** How many days are taken, from the end on: 7, but for days that are covered in part. */
    days: number;
    monthlyCurrentUsd: number;
    /** null without a target. */
    monthlyProjectedUsd: number | null;
    monthlySavedUsd: number | null;
  };
}

/** From the end on days are taken until they cover so much. */
const LAST_WEEK = 6.5;

/**
 * @param days in their order. @param projected whether there is a target. @param growth of the month, as was asked for.
 * @returns undefined where no trend was found.
 */
export function trendOf(
  days: readonly DayCost[],
  { percentPerDay }: DayPattern,
  projected: boolean,
  growth: number,
): Trend | undefined {
  if (percentPerDay === undefined) return undefined;
  let [covered, current, target] = [0, 0, 0];
  for (let i = days.length - 1; i >= 0 && covered < LAST_WEEK; i--) {
    const day = days[i] as DayCost;
    covered += day.share;
    current += day.currentUsd;
    target += day.projectedUsd;
  }
  const month = (MONTH_DAYS / covered) * (1 + growth);
  return {
    percentPerDay,
    lastWeek: {
      days: covered,
      monthlyCurrentUsd: current * month,
      monthlyProjectedUsd: projected ? target * month : null,
      monthlySavedUsd: projected ? (current - target) * month : null,
    },
  };
}
