import type { DayCost } from './days.ts';
import { quantile } from './percentile.ts';

/** Savings in percent of the current cost. */
export interface PercentInterval {
  low: number;
  high: number;
}

const REPLICATES = 2000;
/** With fewer days there is nothing to resample. */
const MIN_DAYS = 2;

/**
 * A 95 % interval of the percentage saved by a block bootstrap: whole days are drawn with replacement, as many as there
 * are, so that what belongs together within a day stays together (Künsch 1989, with blocks of one day); the interval
 * lies between the 2.5 % and 97.5 % quantiles of the draws (Efron's percentile interval).
 * @param seed the same seed gives the same interval.
 * @returns undefined with fewer than two days or without any cost.
 */
export function percentInterval(days: readonly DayCost[], seed: number): PercentInterval | undefined {
  if (days.length < MIN_DAYS || days.every((day) => day.currentUsd === 0)) return undefined;
  const random = generator(seed);
  const percent: number[] = [];
  for (let replicate = 0; replicate < REPLICATES; replicate++) {
    let current = 0;
    let saved = 0;
    for (let i = 0; i < days.length; i++) {
      const day = days[Math.floor(random() * days.length)] as DayCost;
      current += day.currentUsd;
      saved += day.currentUsd - day.projectedUsd;
    }
    if (current > 0) percent.push((saved / current) * 100);
  }
  percent.sort((a, b) => a - b);
  return { low: quantile(percent, 0.025) as number, high: quantile(percent, 0.975) as number };
}

/** mulberry32: a small generator, the same everywhere; numbers in [0, 1). */
function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}
