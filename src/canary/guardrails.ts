import type { GuardrailConfig } from '../config/schema.ts';
import type { Interval } from './interval.ts';
import { invert } from './interval.ts';
import { type Baseline, failed, type Pair, type Sample } from './pair.ts';
import { mean, percentile } from './quantile.ts';

/** The metrics that a guardrail can be set on, in the order in which they are shown. */
export const METRICS = [
  'errors',
  'invalid',
  'latencyP50',
  'latencyP95',
  'ttftP50',
  'ttftP95',
  'cost',
] as const;
export type Metric = (typeof METRICS)[number];

/** A metric with the margin that it is judged by: a fraction of requests, or of legacy's value. */
export interface Guardrail {
  readonly metric: Metric;
  readonly margin: number;
}

/** Pairs of one run, and what was known of legacy before it. */
export interface MeasuredRun {
  readonly pairs: readonly Pair[];
  readonly baseline: Baseline;
}

interface Definition {
  /** `points`: the margin is a difference of two shares; `relative`: a share of legacy's value. */
  readonly unit: 'points' | 'relative';
  /**
   * bad(target) − bad(legacy) in [-1, 1], or undefined when the pair says nothing about the metric.
   * Formulas: the bounded paired differences that the e-test takes.
   */
  d(pair: Pair, margin: number, baseline: Baseline): number | undefined;
  /** What the metric is on one side: a share, milliseconds or USD a request; null without data. */
  value(samples: readonly Sample[]): number | null;
}

const bothOk = (pair: Pair) => !failed(pair.legacy) && !failed(pair.target);

function latencyMedian(of: (sample: Sample) => number | undefined): Definition {
  return {
    unit: 'relative',
    d(pair, margin) {
      const [legacy, target] = [of(pair.legacy), of(pair.target)];
      if (!bothOk(pair) || legacy === undefined || target === undefined) return undefined;
      return target > (1 + margin) * legacy ? 1 : -1;
    },
    value: (samples) => percentile(okValues(samples, of), 0.5),
  };
}

function latencyTail(
  of: (sample: Sample) => number | undefined,
  quantile: (baseline: Baseline) => number | null,
): Definition {
  return {
    unit: 'relative',
    d(pair, margin, baseline) {
      const [legacy, target, q] = [of(pair.legacy), of(pair.target), quantile(baseline)];
      if (!bothOk(pair) || legacy === undefined || target === undefined || q === null) return undefined;
      return Number(target > (1 + margin) * q) - Number(legacy > q);
    },
    value: (samples) => percentile(okValues(samples, of), 0.95),
  };
}

const latency = (sample: Sample) => sample.latencyMs;
const ttft = (sample: Sample) => sample.ttftMs;

const DEFINITIONS: Record<Metric, Definition> = {
  errors: {
    unit: 'points',
    d: ({ legacy, target }) => Number(failed(target)) - Number(failed(legacy)),
    value: (samples) => mean(samples.map((sample) => Number(failed(sample)))),
  },
  // An answer that never came is an error, and neither valid nor invalid.
  invalid: {
    unit: 'points',
    d({ legacy, target }) {
      if (legacy.invalid === undefined || target.invalid === undefined) return undefined;
      return Number(target.invalid) - Number(legacy.invalid);
    },
    value: (samples) =>
      mean(samples.flatMap((sample) => (sample.invalid === undefined ? [] : [Number(sample.invalid)]))),
  },
  latencyP50: latencyMedian(latency),
  latencyP95: latencyTail(latency, (baseline) => baseline.latencyP95Ms),
  ttftP50: latencyMedian(ttft),
  ttftP95: latencyTail(ttft, (baseline) => baseline.ttftP95Ms),
  // A failed request costs nothing; counting it would make a failing provider cheap.
  cost: {
    unit: 'relative',
    d(pair, margin, { costCapUsd: cap }) {
      const [legacy, target] = [pair.legacy.costUsd, pair.target.costUsd];
      if (!bothOk(pair) || legacy === undefined || target === undefined || cap === null) return undefined;
      // An interval also looks at negative margins; this bound keeps d in [-1, 1] for them too.
      const bound = Math.max(1, 1 + margin) * cap;
      return (Math.min(target, cap) - (1 + margin) * Math.min(legacy, cap)) / bound;
    },
    value: (samples) => mean(okValues(samples, (sample) => sample.costUsd)),
  },
};

/** The guardrails that the config sets; each of them gates. */
export function guardrailsOf(config: GuardrailConfig): Guardrail[] {
  return METRICS.flatMap((metric) => {
    const set = config[metric];
    return set ? [{ metric, margin: set.margin }] : [];
  });
}

export const unitOf = (metric: Metric): Definition['unit'] => DEFINITIONS[metric].unit;

/** The margin that the e-test sees: of points the margin itself; relative margins are inside d. */
export function deltaOf({ metric, margin }: Guardrail): number {
  return unitOf(metric) === 'points' ? margin : 0;
}

/** The differences of a run's pairs, without the pairs that say nothing about the metric. */
export function differences({ metric, margin }: Guardrail, run: MeasuredRun): number[] {
  const { d } = DEFINITIONS[metric];
  const ds: number[] = [];
  for (const pair of run.pairs) {
    const value = d(pair, margin, run.baseline);
    if (value !== undefined) ds.push(value);
  }
  return ds;
}

/** The metric on one side, over all samples given. */
export function sideValue(metric: Metric, samples: readonly Sample[]): number | null {
  return DEFINITIONS[metric].value(samples);
}

/** Widest relative difference that an interval looks for: a hundredfold. */
const WIDEST = 99;

/** The interval for the difference, in the unit of the margin, over the runs of a stage. */
export function intervalOf(metric: Metric, runs: readonly MeasuredRun[]): Interval {
  const at = (margin: number) => runs.flatMap((run) => differences({ metric, margin }, run));
  const ds = at(0);
  if (ds.length === 0) return { low: null, high: null };
  return unitOf(metric) === 'points'
    ? invert((margin) => ({ ds, delta: margin }), { low: -1 + 1e-9, high: 1 - 1e-9 }, { low: -1, high: 1 })
    : invert((margin) => ({ ds: at(margin), delta: 0 }), { low: -1 + 1e-9, high: WIDEST });
}

function okValues(samples: readonly Sample[], of: (sample: Sample) => number | undefined): number[] {
  return samples.flatMap((sample) => (failed(sample) ? [] : (of(sample) ?? [])));
}
