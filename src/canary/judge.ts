import { addRun, type ETest, lnEFail, lnEPass, newTest, pairsUntil, type Thresholds } from './e-test.ts';
import { deltaOf, differences, type Guardrail, type Metric } from './guardrails.ts';
import { type Baseline, failed, type Pair, type Side } from './pair.ts';
import { MIN_BASELINE } from './quantile.ts';

export const VERDICTS = ['PASS', 'FAIL', 'INCONCLUSIVE', 'ERROR'] as const;
export type VerdictWord = (typeof VERDICTS)[number];

/** Why a verdict is what it is. The code is for scripts; the text says it to people. */
export interface Reason {
  readonly code: ReasonCode;
  readonly text: string;
}

export type ReasonCode =
  | 'all_passed'
  | 'guardrail_failed'
  | 'no_stage'
  | 'no_data'
  | 'too_few_pairs'
  | 'no_baseline'
  | 'budget'
  | 'legacy_unhealthy'
  | 'both_failing'
  | 'concurrent_run'
  | 'settings_changed'
  | 'unreachable'
  | 'no_key';

export interface Judgement {
  readonly verdict: VerdictWord;
  readonly reasons: readonly Reason[];
}

export type Tests = Readonly<Partial<Record<Metric, ETest>>>;

/** Share of failed requests from which a side counts as unhealthy, and over how many requests at least. */
const UNHEALTHY_SHARE = 0.2;
const HEALTH_WINDOW = 10;

/** How the two sides fared in a run, as far as it decides what the run may prove. */
export interface Health {
  /** Legacy is unfit to be compared with: the run may prove nothing in target's favour. */
  readonly legacyUnhealthy: boolean;
  /** Both are unhealthy and target is not clearly the worse: going back to legacy would not help. */
  readonly bothFailing: boolean;
}

/**
 * @param run the pairs of the run.
 * @param earlier pairs of the stage before it, newest last: a run of fewer than ten pairs is looked at together with
 *   as many of them as make ten, so that a dead legacy is noticed whatever the size of a run.
 */
export function healthOf(run: readonly Pair[], earlier: readonly Pair[]): Health {
  const missing = Math.max(0, HEALTH_WINDOW - run.length);
  const seen = missing > 0 ? [...earlier.slice(-missing), ...run] : run;
  const enough = UNHEALTHY_SHARE * Math.max(HEALTH_WINDOW, seen.length);
  const errors = (side: Side) => seen.filter((pair) => failed(pair[side])).length;
  const [legacy, target] = [errors('legacy'), errors('target')];
  const legacyUnhealthy = legacy >= enough;
  return { legacyUnhealthy, bothFailing: legacyUnhealthy && target >= enough && target - legacy < enough };
}

export interface RunEvidence {
  readonly pairs: readonly Pair[];
  readonly baseline: Baseline;
  readonly health: Health;
}

/** The tests of every guardrail after a run; without pairs they stay untouched. */
export function updateTests(
  tests: Tests,
  guardrails: readonly Guardrail[],
  run: RunEvidence,
  limits: Thresholds,
): Tests {
  const after: Partial<Record<Metric, ETest>> = {};
  for (const guardrail of guardrails) {
    after[guardrail.metric] = addRun(tests[guardrail.metric] ?? newTest(), differences(guardrail, run), {
      delta: deltaOf(guardrail),
      passAt: limits.passAt,
      runCap: limits.runCap,
      freezePass: run.health.legacyUnhealthy,
    });
  }
  return after;
}

/**
 * The verdict that the tests give after a run.
 * - Both sides failing comes first: a rollback cannot help.
 * - FAIL when any guardrail's margin is proven exceeded.
 * - An unhealthy legacy must not pass anything.
 * - PASS when every guardrail has ever been proven kept.
 * - INCONCLUSIVE otherwise. No data is not success, and not failure.
 */
export function judge(
  tests: Tests,
  guardrails: readonly Guardrail[],
  run: RunEvidence,
  limits: Thresholds,
): Judgement {
  if (run.pairs.length === 0) return inconclusive('no_data', 'no new pairs');
  if (run.health.bothFailing) {
    return inconclusive('both_failing', 'both providers are failing; going back to legacy would not help');
  }
  const test = ({ metric }: Guardrail) => tests[metric] ?? newTest();
  const broken = guardrails.filter((guardrail) => lnEFail(test(guardrail)) >= limits.failAt);
  if (broken.length > 0) {
    return {
      verdict: 'FAIL',
      reasons: broken.map(({ metric }) => ({
        code: 'guardrail_failed',
        text: `${metric}: target is worse than its margin allows`,
      })),
    };
  }
  if (run.health.legacyUnhealthy) {
    return inconclusive('legacy_unhealthy', 'legacy itself is failing, so target cannot be compared with it');
  }
  const open = guardrails.filter((guardrail) => !test(guardrail).passed);
  if (open.length === 0) {
    return { verdict: 'PASS', reasons: [{ code: 'all_passed', text: 'every guardrail is proven kept' }] };
  }
  return {
    verdict: 'INCONCLUSIVE',
    reasons: open.map((guardrail) => waitingFor(guardrail, test(guardrail), run.baseline, limits)),
  };
}

/** Pairs that a guardrail still needs at the rate seen so far; null where it is not on its way there. */
export interface PairsNeeded {
  readonly pass: number | null;
  readonly fail: number | null;
}

export function pairsNeeded(test: ETest, guardrail: Guardrail, limits: Thresholds): PairsNeeded {
  if (test.passed) return { pass: 0, fail: pairsUntil(test.fail, test.n, limits.failAt) };
  if (test.n > 0) {
    return {
      pass: pairsUntil(test.pass, test.n, limits.passAt),
      fail: pairsUntil(test.fail, test.n, limits.failAt),
    };
  }
  // Before the first pair: what it takes when nothing goes wrong.
  const clean = addRun(newTest(), [guardrail.metric.endsWith('P50') ? -1 : 0], {
    delta: deltaOf(guardrail),
    passAt: Number.POSITIVE_INFINITY,
    runCap: Number.POSITIVE_INFINITY,
  });
  const more = pairsUntil(clean.pass, 1, limits.passAt);
  return { pass: more === null ? null : more + 1, fail: null };
}

function waitingFor(guardrail: Guardrail, test: ETest, baseline: Baseline, limits: Thresholds): Reason {
  const { metric } = guardrail;
  if (test.n === 0 && metric.endsWith('P95') && baseline.samples < MIN_BASELINE) {
    const text = `${metric}: legacy's p95 needs ${MIN_BASELINE} earlier legacy samples; there are ${baseline.samples}`;
    return { code: 'no_baseline', text };
  }
  if (test.n === 0) return { code: 'too_few_pairs', text: `${metric}: no pair could be measured yet` };
  const { pass, fail } = pairsNeeded(test, guardrail, limits);
  // One run may not go all the way: the last pair of a FAIL is another run's.
  const bad = fail === null ? '' : `; about ${Math.max(1, fail)} more pairs, in another run, to FAIL`;
  const far = `not on its way to PASS at the rate seen so far (${percentOf(lnEPass(test), limits.passAt)} of the evidence)`;
  return {
    code: 'too_few_pairs',
    text: `${metric}: ${pass === null ? far : `about ${pass} more pairs to PASS`}${bad}`,
  };
}

function inconclusive(code: ReasonCode, text: string): Judgement {
  return { verdict: 'INCONCLUSIVE', reasons: [{ code, text }] };
}

/** Evidence as a share of its threshold, 0 to 100 %. */
export function percentOf(lnE: number, threshold: number): string {
  return `${Math.round(Math.min(1, Math.max(0, lnE / threshold)) * 100)} %`;
}
