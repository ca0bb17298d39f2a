import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addRun, lnEFail, lnEPass, newTest } from '../../../src/canary/e-test.ts';
import {
  deltaOf,
  differences,
  guardrailsOf,
  intervalOf,
  METRICS,
  sideValue,
} from '../../../src/canary/guardrails.ts';
import { baselineP95, percentile } from '../../../src/canary/quantile.ts';
import { broken, noBaseline, pair, sample, seeded, times } from './pairs.ts';

const legacyMs = [1200, 1500, 900, 4000, 1800, 1100, 2200, 1300, 5200, 1600];
const targetMs = [1250, 1700, 980, 4100, 2100, 1150, 2000, 1500, 7000, 1650];
const latencyPairs = legacyMs.map((ms, i) => pair({ latencyMs: ms }, { latencyMs: targetMs[i] as number }));
const free = { passAt: 3, runCap: Number.POSITIVE_INFINITY };

describe('differences', () => {
  it('the median test of the latency example sees 4 worse and 6 not (V11)', () => {
    const ds = differences(
      { metric: 'latencyP50', margin: 0.1 },
      { pairs: latencyPairs, baseline: noBaseline },
    );
    expect(ds.filter((d) => d === 1)).toHaveLength(4);
    expect(ds.filter((d) => d === -1)).toHaveLength(6);
    const test = addRun(newTest(), ds, { ...free, delta: 0 });
    expect(lnEFail(test)).toBeCloseTo(-0.989081, 6);
    expect(lnEPass(test)).toBeCloseTo(-0.344639, 6);
  });

  it('the p95 test of the same pairs with q = 4000 sees only ties', () => {
    const baseline = { ...noBaseline, latencyP95Ms: 4000 };
    const ds = differences({ metric: 'latencyP95', margin: 0.25 }, { pairs: latencyPairs, baseline });
    expect(ds).toEqual(times(10, () => 0));
  });

  it('the p95 test has nothing to say before legacy is known', () => {
    expect(
      differences({ metric: 'latencyP95', margin: 0.25 }, { pairs: latencyPairs, baseline: noBaseline }),
    ).toEqual([]);
  });

  it('cost compares with legacy plus the margin, as a share of the cap (V13)', () => {
    const costs = [
      [0.01, 0.012],
      [0.021, 0.02],
      [0.009, 0.011],
    ] as const;
    const pairs = costs.map(([legacy, target]) => pair({ costUsd: legacy }, { costUsd: target }));
    const baseline = { ...noBaseline, costCapUsd: 0.1 };
    const ds = differences({ metric: 'cost', margin: 0.1 }, { pairs, baseline });
    expect(ds.map((d) => Number(d.toFixed(6)))).toEqual([0.009091, -0.028182, 0.01]);
    const test = addRun(newTest(), ds, { ...free, delta: 0 });
    expect(lnEFail(test)).toBeCloseTo(-0.004051, 6);
    expect(lnEPass(test)).toBeCloseTo(0.003769, 6);
  });

  it('a failed side counts for errors only', () => {
    const pairs = [{ probe: 0, legacy: sample({ ttftMs: 5, invalid: false, costUsd: 1 }), target: broken() }];
    const baseline = { latencyP95Ms: 10, ttftP95Ms: 10, costCapUsd: 1, samples: 400 };
    for (const metric of METRICS) {
      expect(differences({ metric, margin: 0.1 }, { pairs, baseline })).toEqual(
        metric === 'errors' ? [1] : [],
      );
    }
  });

  it('a probe without an expectation says nothing about validity', () => {
    const pairs = [
      pair(),
      pair({ invalid: true }, { invalid: false }),
      pair({ invalid: false }, { invalid: true }),
    ];
    expect(differences({ metric: 'invalid', margin: 0.01 }, { pairs, baseline: noBaseline })).toEqual([
      -1, 1,
    ]);
  });

  it('stay in [-1, 1] and never grow with the margin, whatever the pair', () => {
    const ms = fc.double({ min: 0, max: 1e5, noNaN: true });
    const usd = fc.double({ min: 0, max: 10, noNaN: true });
    const side = fc.record({ latencyMs: ms, ttftMs: ms, costUsd: usd, invalid: fc.boolean() });
    const margin = fc.double({ min: -0.99, max: 5, noNaN: true });
    fc.assert(
      fc.property(side, side, margin, margin, fc.constantFrom(...METRICS), (legacy, target, a, b, metric) => {
        const baseline = { latencyP95Ms: 900, ttftP95Ms: 300, costCapUsd: 2, samples: 400 };
        const run = { pairs: [pair(legacy, target)], baseline };
        const [tight, loose] = [Math.min(a, b), Math.max(a, b)];
        const dTight = differences({ metric, margin: tight }, run)[0] as number;
        const dLoose = differences({ metric, margin: loose }, run)[0] as number;
        expect(Math.abs(dTight)).toBeLessThanOrEqual(1 + 1e-12);
        expect(dLoose).toBeLessThanOrEqual(dTight + 1e-12);
      }),
    );
  });
});

describe('the interval', () => {
  it('V1: errors 12 worse, 3 better of 1000', () => {
    const pairs = times(1000, (i) => ({
      probe: 0,
      legacy: i >= 12 && i < 15 ? broken() : sample(),
      target: i < 12 ? broken() : sample(),
    }));
    const { low, high } = intervalOf('errors', [{ pairs, baseline: noBaseline }]);
    expect(low).toBeCloseTo(-0.002017, 6);
    expect(high).toBeCloseTo(0.022932, 6);
  });

  it('is as wide as can be without data, and for errors never wider than all', () => {
    expect(intervalOf('latencyP50', [])).toEqual({ low: null, high: null });
    expect(intervalOf('latencyP50', [{ pairs: [pair()], baseline: noBaseline }])).toEqual({
      low: null,
      high: null,
    });
    const { low, high } = intervalOf('errors', [{ pairs: [pair()], baseline: noBaseline }]);
    expect(low).toBeGreaterThanOrEqual(-1);
    expect(low).toBeLessThan(-0.9);
    expect(high).toBeCloseTo(-(low as number), 6);
  });

  it('of a latency is relative to legacy and finds the true ratio', () => {
    const random = seeded(7);
    const pairs = times(2000, () => {
      const base = 500 * Math.exp(random());
      return pair(
        { latencyMs: base * (0.8 + 0.4 * random()) },
        { latencyMs: 1.3 * base * (0.8 + 0.4 * random()) },
      );
    });
    const { low, high } = intervalOf('latencyP50', [{ pairs, baseline: noBaseline }]);
    expect(low).toBeGreaterThan(0.2);
    expect(low).toBeLessThan(0.3);
    expect(high).toBeGreaterThan(0.3);
    expect(high).toBeLessThan(0.4);
  });

  it('of a cost finds a target at half the price', () => {
    const pairs = times(400, (i) =>
      pair({ costUsd: 0.01 + (i % 5) / 1000 }, { costUsd: (0.01 + (i % 5) / 1000) / 2 }),
    );
    const { low, high } = intervalOf('cost', [{ pairs, baseline: { ...noBaseline, costCapUsd: 0.05 } }]);
    expect(low).toBeLessThan(-0.5);
    expect(low).toBeGreaterThan(-0.7);
    expect(high).toBeGreaterThan(-0.5);
    expect(high).toBeLessThan(-0.2);
  });
});

describe('definitions', () => {
  it('reads the gating guardrails from the config in a fixed order', () => {
    expect(guardrailsOf({ cost: { margin: 0.1 }, errors: { margin: 0.005 } })).toEqual([
      { metric: 'errors', margin: 0.005 },
      { metric: 'cost', margin: 0.1 },
    ]);
  });

  it('puts point margins into delta and relative ones into d', () => {
    expect(deltaOf({ metric: 'errors', margin: 0.005 })).toBe(0.005);
    expect(deltaOf({ metric: 'latencyP50', margin: 0.1 })).toBe(0);
  });

  it('measures one side over successful requests, errors over all', () => {
    const side = [sample({ latencyMs: 100 }), sample({ latencyMs: 300 }), broken({ latencyMs: 9000 })];
    expect(sideValue('latencyP50', side)).toBe(200);
    expect(sideValue('errors', side)).toBeCloseTo(1 / 3, 12);
    expect(sideValue('invalid', side)).toBeNull();
  });

  it('takes p95 of legacy as sorted[floor(.95 n)] of at least 400 samples', () => {
    const xs = times(400, (i) => 400 - i);
    expect(baselineP95(xs)).toBe(381);
    expect(baselineP95(xs.slice(1))).toBeNull();
    expect(percentile([1, 2, 3, 4], 0.5)).toBe(2.5);
  });
});
