import { dayName } from '../usage/zone.ts';
import { kindsOf } from './day-kinds.ts';
import type { DayCost } from './days.ts';

/** A day that weighs so much that months depend on whether such days come again. */
export interface HeavyDay {
  /** `2026-08-20`, in the report's time zone. */
  day: string;
  /** Of the current cost of all days. */
  share: number;
}

/** A day with more of the cost than this, and more than so many times the mean of the others. */
const LARGE_SHARE = 0.3;
const TIMES_THE_OTHERS = 3;
/** Or with more than so many times the median of its kind, and this much of the cost. */
const TIMES_THE_USUAL = 5;
const NOTABLE_SHARE = 0.1;

/** The heavy days, the heaviest first. */
export function heavyDays(days: readonly DayCost[]): HeavyDay[] {
  const total = days.reduce((sum, { currentUsd }) => sum + currentUsd, 0);
  if (total === 0 || days.length < 3) return [];
  const found: HeavyDay[] = [];
  for (const kind of kindsOf(days)) {
    const sorted = kind.days.map(({ currentUsd }) => currentUsd).sort((a, b) => a - b);
    const median = sorted[Math.floor((sorted.length - 1) / 2)] as number;
    for (const { day, currentUsd } of kind.days) {
      const share = currentUsd / total;
      const others = (total - currentUsd) / (days.length - 1);
      const large = share > LARGE_SHARE && currentUsd > TIMES_THE_OTHERS * others;
      const unusual = share > NOTABLE_SHARE && currentUsd > TIMES_THE_USUAL * median;
      if (large || unusual) found.push({ day: dayName(day), share });
    }
  }
  return found.sort((a, b) => b.share - a.share);
}
