import { type DayKind, isWeekend, kindsOf, sizeOf } from './day-kinds.ts';
import type { DayCost } from './days.ts';
import { MONTH_DAYS } from './period.ts';
import { studentT } from './student.ts';

/** What the 30 days after the log will save, USD, if traffic stays as it is. */
export interface MonthAhead {
  expected: number;
  low: number;
  high: number;
}

/** Fewer days say nothing of how much days differ. */
const MIN_DAYS = 3;
/** A correlation nearer to 1 than this makes of a month a single day. */
const MAX_CORRELATION = 0.9;

/**
 * A 95 % prediction interval: the 30 days that follow are weekdays and weekends like those of the log. It is as wide
 * as a Student's t makes it for the spread of single days around the mean of their kind, both in the log (the means
 * are estimates) and in the month. Days that resemble the day before are fewer independent ones than they look: both
 * parts grow by the variance inflation of a first-order autoregression, and the degrees of freedom shrink.
 * The spread is taken in proportion to what a kind of day costs now: weekends vary less than weekdays where they cost less.
 * @param days in their order, without gaps.
 * @returns undefined for less than 3 days, and without any cost.
 */
export function monthAhead(days: readonly DayCost[]): MonthAhead | undefined {
  const size = sizeOf(days);
  const last = days[days.length - 1];
  if (!last || days.length < MIN_DAYS || size < MIN_DAYS - 0.05) return undefined;
  const kinds = kindsOf(days).map(meansOf);
  if (kinds.every(({ current }) => current === 0)) return undefined;

  const residuals = residualsOf(days, kinds);
  const freedom = size - kinds.length;
  const squares = days.reduce((sum, { share }, i) => sum + share * (residuals[i] as number) ** 2, 0);
  const correlation = correlationOf(residuals, kinds.length);
  const inflation = (count: number) => inflationOf(correlation, count);
  // The more days resemble their neighbours, the less of their spread shows within a short log.
  const hidden = Math.max(size - kinds.length * inflation(Math.round(size)), 0.3 * size);
  const variance = (squares / freedom) * (correlation > 0 ? freedom / hidden : 1);
  const independent = (1 + correlation ** 2) / (1 - correlation ** 2);

  let expected = 0;
  let spread = 0;
  for (const kind of kinds) {
    const ahead = daysAhead(kind, last.day);
    expected += ahead * kind.saved;
    const known = (ahead ** 2 / kind.size) * inflation(Math.round(size));
    spread += variance * kind.current ** 2 * (known + ahead * inflation(MONTH_DAYS));
  }
  const reach = studentT(Math.max(2, freedom / independent), 0.05) * Math.sqrt(spread);
  return { expected, low: expected - reach, high: expected + reach };
}

interface KindMeans extends DayKind {
  /** A day, USD. */
  current: number;
  saved: number;
}

function meansOf(kind: DayKind): KindMeans {
  const mean = (of: (day: DayCost) => number) => kind.days.reduce((sum, day) => sum + of(day), 0) / kind.size;
  return { ...kind, current: mean((day) => day.currentUsd), saved: mean(savedUsd) };
}

/** What each day saved more than its kind does, as a part of what its kind costs. */
function residualsOf(days: readonly DayCost[], kinds: readonly KindMeans[]): number[] {
  const kindOf = new Map(kinds.flatMap((kind) => kind.days.map((day) => [day, kind])));
  return days.map((day) => {
    const { saved, current } = kindOf.get(day) as KindMeans;
    return current === 0 ? 0 : (savedUsd(day) / day.share - saved) / current;
  });
}

function savedUsd({ currentUsd, projectedUsd }: DayCost): number {
  return currentUsd - projectedUsd;
}

/** How many of the 30 days after one are of a kind. */
function daysAhead({ isWeekend: weekend }: DayKind, last: number): number {
  const ahead = Array.from({ length: MONTH_DAYS }, (_, i) => isWeekend(last + 1 + i));
  return weekend === undefined ? MONTH_DAYS : ahead.filter((each) => each === weekend).length;
}

/** From one day to the next; what the means take of it in a short log (Marriott & Pope 1954) is put back. 0 if negative. */
function correlationOf(residuals: readonly number[], means: number): number {
  const squares = residuals.reduce((sum, each) => sum + each * each, 0);
  if (squares === 0) return 0;
  const products = residuals.reduce((sum, each, i) => sum + each * (residuals[i + 1] ?? 0), 0);
  const found = products / squares;
  const restored = found + (means + 3 * Math.max(found, 0)) / residuals.length;
  return Math.min(MAX_CORRELATION, Math.max(0, restored));
}

/** The variance of a mean of so many days in a row, in parts of what it would be of independent ones. */
function inflationOf(correlation: number, count: number): number {
  let sum = 1;
  for (let lag = 1; lag < count; lag++) sum += 2 * (1 - lag / count) * correlation ** lag;
  return sum;
}
