import type { Spread } from '../usage/summed.ts';
import { type Percentiles, percentiles } from './percentile.ts';
import type { Series, Tally } from './tally.ts';

/** Whose durations are asked for. */
export type Scope = { all: true } | { model: string } | { group: string };
export type DurationKind = 'latency' | 'ttft';

/** Quantiles that a source has taken itself, where there are no single durations to take them from. By `scopeKey`. */
export type Spreads = Record<DurationKind, Map<string, Spread>>;

/** The shares at which `percentiles` are. */
export const PERCENTILE_SHARES = [0.5, 0.95, 0.99] as const;

export function scopeKey(scope: Scope): string {
  if ('model' in scope) return `model\0${scope.model}`;
  return 'group' in scope ? `group\0${scope.group}` : 'all';
}

/** p50, p95 and p99 of the durations of some series; null where there are none. `scope` says which series they are. */
export function durationsOf(
  { spreads }: Tally,
  kind: DurationKind,
  scope: Scope,
  series: readonly Series[],
): Percentiles | null {
  if (!spreads) return percentiles(series.map((one) => one[kind]));
  const spread = spreads[kind].get(scopeKey(scope));
  if (!spread) return null;
  const [p50, p95, p99] = PERCENTILE_SHARES.map((share) => quantileAt(spread, share)) as [
    number,
    number,
    number,
  ];
  return { p50, p95, p99 };
}

/** The quantile at one of the shares that were asked of the source, milliseconds. */
export function quantileAt(spread: Spread, share: number): number {
  const value = spread.ms[spread.shares.indexOf(share)];
  if (value === undefined) throw new RangeError(`the source was not asked for the quantile at ${share}`);
  return value;
}
