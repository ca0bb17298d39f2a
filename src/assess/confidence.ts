import { formatNumber } from '../config/units.ts';
import type { DayPattern } from './day-pattern.ts';
import type { HeavyDay } from './heavy-days.ts';

/** Below these nothing is recommended. */
export const MIN_DAYS = 3;
export const MIN_REQUESTS = 1000;
/** A week is the shortest time that holds every day of the week. */
const WEEK_DAYS = 7;

/** Why the figures are to be taken with care. */
export type Doubt =
  | 'unknown_period'
  | 'too_few_days'
  | 'too_few_requests'
  | 'less_than_a_week'
  | 'trend'
  | 'memory'
  | 'heavy_days';

/** How far the log supports what is made of it. */
export interface Confidence {
  /** Whether there is enough to recommend anything. */
  enough: boolean;
  /** null when the records do not tell. */
  days: number | null;
  requests: number;
  /** How much a day's cost resembles that of the day before, −1 to 1; null where chance would do as well. */
  autocorrelation: number | null;
  doubts: Doubt[];
}

const INSUFFICIENT: readonly Doubt[] = ['unknown_period', 'too_few_days', 'too_few_requests'];

/**
 * @param days the length of the period, whole or not. It counts as it is shown, to a tenth: the last 3 days are never
 *   quite three.
 * @param requests 0 where the source does not count them.
 */
export function confidenceOf(
  days: number | null,
  requests: number,
  pattern: DayPattern,
  heavy: readonly HeavyDay[],
): Confidence {
  const doubts: Doubt[] = [];
  const shown = days === null ? null : Number(days.toFixed(1));
  if (shown === null) doubts.push('unknown_period');
  else if (shown < MIN_DAYS) doubts.push('too_few_days');
  else if (shown < WEEK_DAYS) doubts.push('less_than_a_week');
  if (requests > 0 && requests < MIN_REQUESTS) doubts.push('too_few_requests');
  if (pattern.percentPerDay !== undefined) doubts.push('trend');
  if (pattern.autocorrelation !== undefined) doubts.push('memory');
  if (heavy.length > 0) doubts.push('heavy_days');
  return {
    enough: !doubts.some((doubt) => INSUFFICIENT.includes(doubt)),
    days,
    requests,
    autocorrelation: pattern.autocorrelation ?? null,
    doubts,
  };
}

/** Why there is too little to say; undefined when there is enough. */
export function tooLittle({ enough, days, requests, doubts }: Confidence): string | undefined {
  if (enough) return undefined;
  const has: string[] = [];
  const takes: string[] = [];
  if (doubts.includes('unknown_period')) has.push('of a time that the records do not tell');
  if (doubts.includes('too_few_days')) has.push(`of ${length(days ?? 0)}`);
  if (has.length > 0) takes.push(`${MIN_DAYS} days`);
  if (doubts.includes('too_few_requests')) {
    has.push(`of ${requests} ${requests === 1 ? 'request' : 'requests'}`);
    takes.push(`${formatNumber(MIN_REQUESTS)} requests`);
  }
  return `too little to say: the log is ${has.join(' and ')}, and it takes ${takes.join(' and ')}`;
}

function length(days: number): string {
  if (days >= 1) return `${Number(days.toFixed(1))} days`;
  const minutes = Math.round(days * 1440);
  return minutes >= 60 ? `${Number((minutes / 60).toFixed(1))} hours` : `${minutes} minutes`;
}
