import { lnEFail, lnEPass, newTest, type Thresholds } from './e-test.ts';
import {
  differences,
  type Guardrail,
  intervalOf,
  METRICS,
  type MeasuredRun,
  type Metric,
  sideValue,
  unitOf,
} from './guardrails.ts';
import type { Interval } from './interval.ts';
import {
  type Judgement,
  type PairsNeeded,
  pairsNeeded,
  type ReasonCode,
  type Tests,
  type VerdictWord,
} from './judge.ts';
import { failed, type Pair, type Sample, type Side } from './pair.ts';
import { mean, percentile } from './quantile.ts';

/** One guardrail in the document. Values are shares, milliseconds or USD a request; margins and differences fractions. */
export interface GuardrailReport {
  metric: Metric;
  margin: number;
  /** `points`: margin, difference and interval are differences of shares; `relative`: parts of legacy's value. */
  unit: 'points' | 'relative';
  verdict: 'PASS' | 'FAIL' | 'INCONCLUSIVE';
  pairs: number;
  lnEFail: number;
  lnEPass: number;
  failAt: number;
  passAt: number;
  passed: boolean;
  legacy: number | null;
  target: number | null;
  difference: number | null;
  interval: Interval;
  pairsNeeded: PairsNeeded;
}

/** A metric that is shown and never judged. */
export interface MeasuredReport {
  metric: string;
  pairs: number;
  legacy: number | null;
  target: number | null;
}

export interface ErrorReport {
  class: string;
  requests: number;
  /** One of the messages. */
  example: string | null;
}

/** What `canary check`, `run` and `status` print with --json; the fields are only ever added to. */
export interface CanaryDocument {
  schemaVersion: 1;
  command: string;
  migration: string;
  verdict: VerdictWord;
  reasons: ReasonCode[];
  /** The reasons in words. */
  explanations: string[];
  stage: { ratio: number; since: string } | null;
  /** Pairs counted in the stage. */
  pairs: number;
  guardrails: GuardrailReport[];
  measured: MeasuredReport[];
  warnings: string[];
  run: { id: string; at: string; pairs: number; errors: Record<Side, ErrorReport[]> } | null;
  /** Of `canary status`, when no canary is running: the last run there was. */
  last?: CanaryDocument;
  /** Of `canary status`: the FAIL that nobody has answered, when it is not this document itself. */
  lastFail?: CanaryDocument;
  /** What came of an automatic rollback. */
  rollback?: { outcome: string; operation?: unknown; error?: string };
}

export interface Stage {
  readonly id: number;
  readonly ratio: number;
  /** Unix milliseconds. */
  readonly since: number;
}

export interface DocumentInput {
  readonly command: string;
  readonly migration: string;
  readonly stage: Stage | null;
  readonly judgement: Judgement;
  readonly guardrails: readonly Guardrail[];
  readonly tests: Tests;
  readonly limits: Thresholds;
  /** Every run of the stage whose pairs are kept, the last one included. */
  readonly runs: readonly (MeasuredRun & { readonly legacyUnhealthy: boolean })[];
  readonly pairs: number;
  readonly run: { readonly id: string; readonly at: number; readonly pairs: readonly Pair[] } | null;
  readonly warnings?: readonly string[];
}

export function buildDocument(input: DocumentInput): CanaryDocument {
  const { judgement, stage, run } = input;
  // With legacy ailing a comparison says nothing in target's favour, so it must not narrow an interval either.
  const comparable = input.runs.filter(({ legacyUnhealthy }) => !legacyUnhealthy);
  const all = input.runs.flatMap(({ pairs }) => pairs);
  const gating = new Set(input.guardrails.map(({ metric }) => metric));
  return {
    schemaVersion: 1,
    command: input.command,
    migration: input.migration,
    verdict: judgement.verdict,
    reasons: [...new Set(judgement.reasons.map(({ code }) => code))],
    explanations: judgement.reasons.map(({ text }) => text),
    stage: stage && { ratio: stage.ratio, since: new Date(stage.since).toISOString() },
    pairs: input.pairs,
    guardrails: input.guardrails.map((guardrail) => reportGuardrail(guardrail, input, comparable, all)),
    measured: METRICS.filter((metric) => !gating.has(metric))
      .map((metric) => measure(metric, all, (samples) => sideValue(metric, samples)))
      .concat(measure('latencyP99', all, p99)),
    warnings: [...(input.warnings ?? [])],
    run: run && {
      id: run.id,
      at: new Date(run.at).toISOString(),
      pairs: run.pairs.length,
      errors: { legacy: errorsOf(run.pairs, 'legacy'), target: errorsOf(run.pairs, 'target') },
    },
  };
}

function reportGuardrail(
  guardrail: Guardrail,
  { tests, limits }: DocumentInput,
  comparable: readonly MeasuredRun[],
  all: readonly Pair[],
): GuardrailReport {
  const { metric, margin } = guardrail;
  const test = tests[metric] ?? newTest();
  const exceeded = lnEFail(test) >= limits.failAt;
  const { legacy, target } = sides(all, (samples) => sideValue(metric, samples));
  return {
    metric,
    margin,
    unit: unitOf(metric),
    verdict: exceeded ? 'FAIL' : test.passed ? 'PASS' : 'INCONCLUSIVE',
    pairs: test.n,
    lnEFail: lnEFail(test),
    lnEPass: lnEPass(test),
    failAt: limits.failAt,
    passAt: limits.passAt,
    passed: test.passed,
    legacy,
    target,
    difference: difference(guardrail, comparable, legacy, target),
    interval: intervalOf(metric, comparable),
    pairsNeeded: pairsNeeded(test, guardrail, limits),
  };
}

/**
 * How target differs from legacy, in the unit of the margin and over the pairs that the interval is about.
 * The median is that of the pairs' own ratios: it is what the test of the median bets on.
 */
function difference(
  guardrail: Guardrail,
  runs: readonly MeasuredRun[],
  legacy: number | null,
  target: number | null,
): number | null {
  const { metric } = guardrail;
  if (unitOf(metric) === 'points') {
    return mean(runs.flatMap((run) => differences(guardrail, run)));
  }
  if (metric === 'latencyP50' || metric === 'ttftP50') {
    const of = (sample: Sample) => (metric === 'latencyP50' ? sample.latencyMs : sample.ttftMs);
    const ratios = runs.flatMap(({ pairs }) =>
      pairs.flatMap((pair) => {
        const [l, t] = [of(pair.legacy), of(pair.target)];
        const usable =
          !failed(pair.legacy) && !failed(pair.target) && l !== undefined && t !== undefined && l > 0;
        return usable ? [t / l - 1] : [];
      }),
    );
    return percentile(ratios, 0.5);
  }
  return legacy === null || target === null || legacy === 0 ? null : target / legacy - 1;
}

function measure(
  metric: string,
  pairs: readonly Pair[],
  value: (samples: readonly Sample[]) => number | null,
): MeasuredReport {
  return { metric, pairs: pairs.length, ...sides(pairs, value) };
}

function sides(pairs: readonly Pair[], value: (samples: readonly Sample[]) => number | null) {
  return {
    legacy: value(pairs.map(({ legacy }) => legacy)),
    target: value(pairs.map(({ target }) => target)),
  };
}

function p99(samples: readonly Sample[]): number | null {
  return percentile(
    samples.filter((sample) => !failed(sample)).map(({ latencyMs }) => latencyMs),
    0.99,
  );
}

function errorsOf(pairs: readonly Pair[], side: Side): ErrorReport[] {
  const classes = new Map<string, ErrorReport>();
  for (const pair of pairs) {
    const sample = pair[side];
    if (!failed(sample)) continue;
    const report = classes.get(sample.status) ?? { class: sample.status, requests: 0, example: null };
    classes.set(sample.status, {
      ...report,
      requests: report.requests + 1,
      example: report.example ?? sample.message ?? null,
    });
  }
  return [...classes.values()].sort((a, b) => b.requests - a.requests);
}
