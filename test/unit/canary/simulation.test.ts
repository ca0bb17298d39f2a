import { describe, expect, it } from 'vitest';
import { thresholds } from '../../../src/canary/e-test.ts';
import type { Guardrail } from '../../../src/canary/guardrails.ts';
import { healthOf, judge, type Tests, updateTests } from '../../../src/canary/judge.ts';
import type { Baseline, Pair, Sample } from '../../../src/canary/pair.ts';
import { baselineP95 } from '../../../src/canary/quantile.ts';
import { seeded, times } from './pairs.ts';

/** The default margins of the five guardrails that the published operating characteristics are about. */
const guardrails: Guardrail[] = [
  { metric: 'errors', margin: 0.005 },
  { metric: 'invalid', margin: 0.01 },
  { metric: 'latencyP50', margin: 0.1 },
  { metric: 'latencyP95', margin: 0.25 },
  { metric: 'cost', margin: 0.1 },
];
const limits = thresholds(guardrails.length);
const PAIRS_PER_RUN = 50;

interface Provider {
  slower?: number;
  errors?: number;
  invalid?: number;
  dearer?: number;
}

/** A provider with a heavy tail: log-normal latency, one request in fifty hit by a Pareto delay. */
function simulate(random: () => number) {
  const normal = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  const sample = (provider: Provider, prompt: number, drift: number): Sample => {
    const failed = random() < (provider.errors ?? 0.005);
    const tail = random() < 0.02 ? (1 - random()) ** (-1 / 1.5) : 1;
    const latencyMs = 800 * prompt * drift * Math.exp(0.35 * normal()) * tail * (provider.slower ?? 1);
    if (failed) return { status: 'server_error', latencyMs };
    const costUsd = 0.001 * prompt * Math.exp(0.3 * normal()) * (provider.dearer ?? 1);
    return { status: 'ok', latencyMs, costUsd, invalid: random() < (provider.invalid ?? 0.01) };
  };
  let drift = 1;
  return (target: Provider): Pair => {
    // A busy hour slows both sides alike, and a long prompt is long for both.
    drift = Math.min(3, Math.max(0.4, drift * Math.exp(0.02 * normal())));
    const prompt = Math.exp(0.4 * normal());
    return { probe: 0, legacy: sample({}, prompt, drift), target: sample(target, prompt, drift) };
  };
}

/** Pairs until FAIL, or null when `looks` runs bring none. */
function pairsToFail(target: Provider, looks: number, seed: number): number | null {
  const next = simulate(seeded(seed));
  let history = times(500, () => next({}).legacy.latencyMs);
  let tests: Tests = {};
  let earlier: Pair[] = [];
  for (let look = 1; look <= looks; look++) {
    const pairs = times(PAIRS_PER_RUN, () => next(target));
    const baseline: Baseline = {
      latencyP95Ms: baselineP95(history),
      ttftP95Ms: null,
      costCapUsd: 0.0115,
      samples: history.length,
    };
    const run = { pairs, baseline, health: healthOf(pairs, earlier) };
    tests = updateTests(tests, guardrails, run, limits);
    if (judge(tests, guardrails, run, limits).verdict === 'FAIL') return look * PAIRS_PER_RUN;
    history = [...history, ...pairs.map((pair) => pair.legacy.latencyMs)].slice(-2000);
    earlier = pairs;
  }
  return null;
}

function quantiles(target: Provider, looks: number, replicates: number) {
  const pairs = times(replicates, (i) => pairsToFail(target, looks, 1000 + i) ?? Number.POSITIVE_INFINITY);
  pairs.sort((a, b) => a - b);
  return {
    median: pairs[Math.floor(replicates / 2)] as number,
    p90: pairs[Math.floor(replicates * 0.9)] as number,
  };
}

describe('simulated canaries', () => {
  it('the same heavy-tailed provider on both sides does not fail in 500 looks', () => {
    expect(times(12, (i) => pairsToFail({}, 500, i)).filter((pairs) => pairs !== null)).toEqual([]);
  }, 30_000);

  it.each<[string, Provider, medianMax: number, p90Max: number]>([
    ['latency × 2', { slower: 2 }, 150, 150],
    ['latency × 1.5', { slower: 1.5 }, 200, 300],
    ['errors .5 → 30 %', { errors: 0.3 }, 100, 150],
    ['errors .5 → 5 %', { errors: 0.05 }, 450, 750],
    ['invalid 1 → 5 %', { invalid: 0.05 }, 850, 1700],
    ['cost × 1.5', { dearer: 1.5 }, 300, 400],
  ])('%s is found in time', (_name, target, medianMax, p90Max) => {
    const { median, p90 } = quantiles(target, 60, 25);
    expect(median).toBeGreaterThanOrEqual(2 * PAIRS_PER_RUN);
    expect(median).toBeLessThanOrEqual(medianMax);
    expect(p90).toBeLessThanOrEqual(p90Max);
  });
});
