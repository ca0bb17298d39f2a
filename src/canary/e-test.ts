/**
 * A bounded paired-difference e-test: the evidence that a mean of d in [-1, 1] lies above a margin delta (fail) or
 * below it (pass), as the capital of six bets on each side. By Ville's inequality either capital may be looked at
 * after every run, for ever. Sources: arXiv 2010.09686 (betting), 2110.00115 (comparing forecasters).
 */

/** Shares of the capital that the six bets stake; a mixture needs no tuning to the size of the effect. */
export const LAMBDAS: readonly number[] = [0.03, 0.1, 0.25, 0.5, 0.75, 0.95];

/** The chance of a false PASS, and of a false FAIL over all guardrails together. */
export const ALPHA = 0.05;

/** The largest part of the way to FAIL that one run may go: FAIL takes two runs at least. */
const RUN_CAP_SHARE = 0.6;

/** Log capital of each bet, natural logarithms; that is all the memory the test has. */
export interface ETest {
  readonly fail: readonly number[];
  readonly pass: readonly number[];
  /** Whether lnEPass has ever reached the threshold. */
  readonly passed: boolean;
  /** Pairs counted. */
  readonly n: number;
}

export interface Thresholds {
  /** lnEFail at which a guardrail fails: ln(K / alpha). */
  readonly failAt: number;
  /** lnEPass at which it passes: ln(1 / alpha). */
  readonly passAt: number;
  /** The most that one run may add to lnEFail. */
  readonly runCap: number;
}

/** Thresholds for K gating metrics. FAIL is any of K tests, so alpha is split; PASS needs all, so it is not. */
export function thresholds(gating: number, alpha = ALPHA): Thresholds {
  const failAt = Math.log(gating / alpha);
  return { failAt, passAt: Math.log(1 / alpha), runCap: RUN_CAP_SHARE * failAt };
}

export function newTest(): ETest {
  return { fail: LAMBDAS.map(() => 0), pass: LAMBDAS.map(() => 0), passed: false, n: 0 };
}

export interface RunOptions {
  /** The margin that the mean of d is tested against, in (-1, 1). */
  readonly delta: number;
  /** Where `passed` is set, as in {@link Thresholds}. */
  readonly passAt: number;
  /** The most that this run may add to lnEFail; Infinity for no cap. */
  readonly runCap: number;
  /** Leaves the pass side as it is: legacy was not fit to be compared with. */
  readonly freezePass?: boolean;
}

/** The test after one run with differences `ds`, each in [-1, 1]. A run without pairs changes nothing. */
export function addRun(test: ETest, ds: readonly number[], options: RunOptions): ETest {
  if (ds.length === 0) return test;
  const bets = logGrowth(ds, options.delta);
  const fail = test.fail.map((f, j) => f + at(bets.fail, j));
  const excess = Math.max(0, logMeanExp(fail) - logMeanExp(test.fail) - options.runCap);
  const pass = options.freezePass ? test.pass : test.pass.map((p, j) => p + at(bets.pass, j));
  return {
    // Discarding capital is always valid.
    fail: fail.map((f) => f - excess),
    pass,
    passed: test.passed || logMeanExp(pass) >= options.passAt,
    n: test.n + ds.length,
  };
}

/** Evidence that the margin is exceeded: ln of the mean capital. */
export const lnEFail = (test: ETest): number => logMeanExp(test.fail);
/** Evidence that the margin is kept. */
export const lnEPass = (test: ETest): number => logMeanExp(test.pass);

/** What each bet gains, in logs, from the differences `ds` at margin `delta`. */
export function logGrowth(
  ds: readonly number[],
  delta: number,
  sides: { fail: boolean; pass: boolean } = { fail: true, pass: true },
): { fail: number[]; pass: number[] } {
  // Most metrics know three values of d only: counting them saves nearly every logarithm.
  const counts = new Map<number, number>();
  for (const d of ds) counts.set(d, (counts.get(d) ?? 0) + 1);
  const fail = LAMBDAS.map(() => 0);
  const pass = LAMBDAS.map(() => 0);
  for (const [d, count] of counts) {
    LAMBDAS.forEach((lambda, j) => {
      const gain = lambda * (d - delta);
      if (sides.fail) fail[j] = at(fail, j) + count * Math.log1p(gain / (1 + delta));
      if (sides.pass) pass[j] = at(pass, j) + count * Math.log1p(-gain / (1 - delta));
    });
  }
  return { fail, pass };
}

/** ln of the mean of exp(x), without overflow. */
export function logMeanExp(xs: readonly number[]): number {
  const max = Math.max(...xs);
  if (!Number.isFinite(max)) return max;
  return max + Math.log(xs.reduce((sum, x) => sum + Math.exp(x - max), 0) / xs.length);
}

/** Pairs that nobody would wait for; an estimate beyond it is no estimate. */
const MAX_ESTIMATE = 1_000_000;

/**
 * How many more pairs a capital needs to reach `threshold` when it goes on growing as it has; null when it is not
 * growing towards it. `n` is the number of pairs behind `capital`.
 */
export function pairsUntil(capital: readonly number[], n: number, threshold: number): number | null {
  if (logMeanExp(capital) >= threshold) return 0;
  if (n === 0) return null;
  const reaches = (more: number) => logMeanExp(capital.map((c) => (c * (n + more)) / n)) >= threshold;
  if (!reaches(MAX_ESTIMATE)) return null;
  let [low, high] = [0, MAX_ESTIMATE];
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (reaches(middle)) high = middle;
    else low = middle;
  }
  return high;
}

function at(xs: readonly number[], j: number): number {
  return xs[j] ?? 0;
}
