import { kindsOf, sizeOf } from './day-kinds.ts';
import type { DayCost } from './days.ts';
import { studentT } from './student.ts';

/** How the days of a log follow each other; each undefined where chance would do as well. */
export interface DayPattern {
  /** Growth of the cost a day, in percent; negative where it shrinks. */
  percentPerDay: number | undefined;
  /** How much a day resembles the one before (−1 to 1), where it does more than chance allows. */
  autocorrelation: number | undefined;
}

/** Less than a week shows neither, and less than two no memory. */
const MIN_DAYS = 7;
const MIN_DAYS_FOR_MEMORY = 14;
/** A day counts as so many times the usual one of its kind at most, or the inverse: one day is no trend. */
const MAX_FACTOR = Math.log(5);
/** One side of the normal law at 3.6 %: in short logs of uneven days that is less than 5 %. */
const BEYOND_CHANCE = 1.8;

/**
 * Looks for a trend and for memory in what days cost, each at the ratio to the usual day of its kind (weekdays and
 * weekends apart), on a logarithmic scale: a steady growth is a straight line there.
 * A trend is said where a line through the days has a slope that a two-sided t test finds at 1 %, its error widened
 * for the resemblance of neighbours. Memory is said where what the line leaves is correlated from day to day beyond
 * what 3.6 % of independent days show (the moments of the correlation are exact: Durbin & Watson 1950).
 * @param days in their order, without gaps.
 */
export function dayPattern(days: readonly DayCost[]): DayPattern {
  const none = { percentPerDay: undefined, autocorrelation: undefined };
  if (sizeOf(days) < MIN_DAYS - 0.05) return none;
  const kinds = kindsOf(days).map((kind) => new Set(kind.days.map(({ day }) => day)));
  const indexes = kinds.map((kind) => [...days.keys()].filter((i) => kind.has((days[i] as DayCost).day)));
  const values = centred(logRatios(days, indexes), indexes);
  const times = centred([...days.keys()], indexes);
  const slope = product(values, times) / product(times, times);
  const left = values.map((value, i) => value - slope * (times[i] as number));
  const squares = product(left, left);
  // Rounding leaves something of days that are all alike, or all on the line.
  if (squares < 1e-18 * days.length) {
    return { ...none, percentPerDay: Math.abs(slope) > 1e-9 ? Math.expm1(slope) * 100 : undefined };
  }

  const size = days.length;
  const freedom = size - indexes.length - 1;
  const found = lagged(left, left) / squares;
  const restored = found + (indexes.length + 1 + 3 * Math.max(found, 0)) / size;
  const memory = Math.min(0.95, Math.max(0, restored));
  const inflation = (1 + memory) / (1 - memory);
  const error = Math.sqrt((squares / freedom / product(times, times)) * inflation);
  const isTrend = Math.abs(slope) > studentT(Math.max(2, freedom / inflation), 0.01) * error;

  const { mean, variance } = momentsOfChance([...indexes.map((kind) => indicator(kind, size)), times]);
  const isMemory =
    sizeOf(days) >= MIN_DAYS_FOR_MEMORY - 0.05 && found - mean > BEYOND_CHANCE * Math.sqrt(variance);
  return {
    percentPerDay: isTrend ? Math.expm1(slope) * 100 : undefined,
    autocorrelation: isMemory ? Math.min(1, restored) : undefined,
  };
}

/** The logarithm of each day's cost to the median of its kind; 0 for all of a kind that costs nothing. */
function logRatios(days: readonly DayCost[], kinds: readonly (readonly number[])[]): number[] {
  const ratios = days.map(() => 0);
  const costs = days.map(({ currentUsd, share }) => currentUsd / share);
  for (const kind of kinds) {
    const sorted = kind.map((i) => costs[i] as number).sort((a, b) => a - b);
    const half = (sorted.length - 1) / 2;
    const median = ((sorted[Math.floor(half)] as number) + (sorted[Math.ceil(half)] as number)) / 2;
    if (median === 0) continue;
    for (const i of kind) {
      const ratio = Math.log((costs[i] as number) / median);
      ratios[i] = Math.max(-MAX_FACTOR, Math.min(MAX_FACTOR, ratio));
    }
  }
  return ratios;
}

/** Each value less the mean of its kind. */
function centred(values: readonly number[], kinds: readonly (readonly number[])[]): number[] {
  const result = [...values];
  for (const kind of kinds) {
    const mean = kind.reduce((sum, i) => sum + (values[i] as number), 0) / kind.length;
    for (const i of kind) result[i] = (values[i] as number) - mean;
  }
  return result;
}

function indicator(members: readonly number[], size: number): number[] {
  const inside = new Set(members);
  return Array.from({ length: size }, (_, i) => (inside.has(i) ? 1 : 0));
}

function product(a: readonly number[], b: readonly number[]): number {
  return a.reduce((sum, value, i) => sum + value * (b[i] as number), 0);
}

/** The symmetric form of lag 1: a' A b, where a' A a is the sum of the products of neighbours. */
function lagged(a: readonly number[], b: readonly number[]): number {
  const at = (i: number) => ((b[i - 1] ?? 0) + (b[i + 1] ?? 0)) / 2;
  return a.reduce((sum, value, i) => sum + value * at(i), 0);
}

/**
 * Mean and variance of the lag-1 correlation of what is left of independent days when their projection on regressors
 * that are orthogonal to each other has been taken away: traces of M A and of (M A)², with M = 1 − Q Q'.
 */
function momentsOfChance(regressors: readonly (readonly number[])[]): { mean: number; variance: number } {
  const unit = regressors.map((each) => {
    const norm = Math.sqrt(product(each, each));
    return each.map((value) => value / norm);
  });
  const size = unit[0]?.length ?? 0;
  const freedom = size - unit.length;
  let trace = 0;
  let traceOfSquare = (size - 1) / 2;
  for (const q of unit) {
    trace -= lagged(q, q);
    const moved = q.map((_, i) => ((q[i - 1] ?? 0) + (q[i + 1] ?? 0)) / 2);
    traceOfSquare -= 2 * product(moved, moved);
    for (const other of unit) traceOfSquare += lagged(q, other) ** 2;
  }
  const mean = trace / freedom;
  return { mean, variance: (2 * (traceOfSquare - freedom * mean * mean)) / (freedom * (freedom + 2)) };
}
