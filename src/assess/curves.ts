import type { Spread } from '../usage/summed.ts';
import { quantiles } from './percentile.ts';
import { quantileAt, scopeKey } from './spreads.ts';
import type { Tally } from './tally.ts';

/** How the latencies of a model are spread: points of its cumulative distribution. */
export interface LatencyCurve {
  model: string;
  requests: number;
  /** Ascending; `share` of the successful requests took at most `ms`. */
  points: { ms: number; share: number }[];
}

/** Dense towards the end, where the slow requests are. */
export const CURVE_SHARES = [
  ...Array.from({ length: 20 }, (_, i) => i * 0.05),
  0.96,
  0.97,
  0.98,
  0.99,
  0.995,
  0.999,
  1,
];

/** The latency distribution of each of some models, in their order; models without latencies are left out. */
export function latencyCurves(tally: Tally, models: readonly string[]): LatencyCurve[] {
  const { spreads } = tally;
  if (spreads) return models.flatMap((model) => curveOf(model, spreads.latency.get(scopeKey({ model }))));
  const all = [...tally.series.values()];
  const columns = models.map((model) =>
    all.filter((series) => series.model === model).map((series) => series.latency),
  );
  const found = quantiles(columns, CURVE_SHARES);
  return models.flatMap((model, i) => {
    const values = found[i];
    if (!values) return [];
    const points = CURVE_SHARES.map((share, at) => ({ ms: values[at] as number, share }));
    const requests = (columns[i] ?? []).reduce((sum, column) => sum + column.length, 0);
    return [{ model, requests, points }];
  });
}

function curveOf(model: string, spread: Spread | undefined): LatencyCurve[] {
  if (!spread) return [];
  const points = CURVE_SHARES.map((share) => ({ ms: quantileAt(spread, share), share }));
  return [{ model, requests: spread.count, points }];
}
