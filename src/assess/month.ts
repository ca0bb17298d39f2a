import type { Assessment } from './assessment.ts';
import { percentInterval } from './bootstrap.ts';
import { confidenceOf } from './confidence.ts';
import { dayPattern } from './day-pattern.ts';
import type { DayCost } from './days.ts';
import { heavyDays } from './heavy-days.ts';
import { monthAhead } from './month-ahead.ts';
import { trendOf } from './trend.ts';

/** What the days of a log say of a month, and how far they can say it. */
export type Month = Pick<Assessment, 'confidence' | 'trend' | 'heavyDays'> &
  Pick<Assessment['savings'], 'interval95'>;

export interface MonthInput {
  /** The days of the log in their order, without gaps, over the models that can be compared. */
  costs: readonly DayCost[];
  /** Length of the period, days. */
  days: number | null;
  requests: number;
  /** Whether there is a target, and whether the savings are known. */
  projected: boolean;
  saves: boolean;
  /** Growth of the month, as was asked for. */
  growth: number;
  seed: number;
}

export function monthOf({ costs, days, requests, projected, saves, growth, seed }: MonthInput): Month {
  const pattern = dayPattern(costs);
  const heavy = heavyDays(costs);
  const ahead = saves ? monthAhead(costs) : undefined;
  const percent = ahead && percentInterval(costs, seed);
  return {
    interval95: percent
      ? {
          low: ahead.low * (1 + growth),
          high: ahead.high * (1 + growth),
          lowPercent: percent.low,
          highPercent: percent.high,
        }
      : null,
    confidence: confidenceOf(days, requests, pattern, heavy),
    trend: trendOf(costs, pattern, projected, growth) ?? null,
    heavyDays: heavy,
  };
}
