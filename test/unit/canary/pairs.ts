import type { Baseline, Pair, Sample } from '../../../src/canary/pair.ts';

/** Samples and pairs for tests: a good one, with what the test is about changed. */
export const sample = (change: Partial<Sample> = {}): Sample => ({
  status: 'ok',
  latencyMs: 1000,
  inputTokens: 20,
  cachedInputTokens: 0,
  outputTokens: 10,
  ...change,
});

export const broken = (change: Partial<Sample> = {}): Sample => ({
  status: 'server_error',
  latencyMs: 50,
  message: 'HTTP 500',
  ...change,
});

export const pair = (legacy: Partial<Sample> = {}, target: Partial<Sample> = {}): Pair => ({
  probe: 0,
  legacy: sample(legacy),
  target: sample(target),
});

export const times = <T>(n: number, make: (i: number) => T): T[] =>
  Array.from({ length: n }, (_, i) => make(i));

export const noBaseline: Baseline = { latencyP95Ms: null, ttftP95Ms: null, costCapUsd: null, samples: 0 };

/** A seeded source of numbers in [0, 1): mulberry32. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}
