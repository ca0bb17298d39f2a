import { logGrowth, logMeanExp } from './e-test.ts';

/** An interval for the difference between target and legacy; null where the data set no bound. */
export interface Interval {
  readonly low: number | null;
  readonly high: number | null;
}

/** How a metric looks when its margin is `margin`: what is tested against what. */
export interface Tested {
  readonly ds: readonly number[];
  readonly delta: number;
}

/** Error probability of each end of the interval. */
const SIDE = 0.05;
/** Finer than any reader of an interval can see. */
const PRECISION = 1e-7;

/**
 * A confidence interval by inverting the test: the margins that the data neither prove exceeded nor prove kept,
 * at .05 a side. It has the unit of the margin and, like the test, holds at any number of looks.
 * @param testAt the test at a margin; evidence for FAIL must fall, and for PASS rise, as the margin grows.
 * @param range margins to look at; an end that is not found inside is `open` there.
 */
export function invert(
  testAt: (margin: number) => Tested,
  range: { low: number; high: number },
  open: Interval = { low: null, high: null },
): Interval {
  const proof = Math.log(1 / SIDE);
  const exceeds = (margin: number) => {
    const { ds, delta } = testAt(margin);
    return logMeanExp(logGrowth(ds, delta, { fail: true, pass: false }).fail) >= proof;
  };
  const keeps = (margin: number) => {
    const { ds, delta } = testAt(margin);
    return logMeanExp(logGrowth(ds, delta, { fail: false, pass: true }).pass) >= proof;
  };
  return {
    low: exceeds(range.low) ? bisect(range, exceeds) : open.low,
    high: keeps(range.high) ? bisect(range, (margin) => !keeps(margin)) : open.high,
  };
}

/** Where `holds`, true at the low end of the range, stops being true. */
function bisect(range: { low: number; high: number }, holds: (x: number) => boolean): number {
  let { low, high } = range;
  while (high - low > PRECISION) {
    const middle = (low + high) / 2;
    if (holds(middle)) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}
