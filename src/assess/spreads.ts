import type { Spread } from '../usage/summed.ts';
import { PERCENTILE_SHARES, type Percentiles, percentiles } from './percentile.ts';
import type { Series, Tally } from './tally.ts';

/** Whose durations are asked for. */
export type Scope = { all: true } | { model: string } | { group: string };
export type DurationKind = 'latency' | 'ttft';

/** Quantiles that a source has taken itself, where there are no single durations to take them from. By `scopeKey`. */
export type Spreads = Record<DurationKind, Map<string, Spread>>;

export { PERCENTILE_SHARES };

export function scopeKey(scope: Scope): string {
  if ('model' in scope) return `model\0${scope.model}`;
  return 'group' in scope ? `group\0${scope.group}` : 'all';
}

/** Some series, and which they are. */
export interface Scoped {
  scope: Scope;
  series: readonly Series[];
}

/** p50, p95 and p99 of the durations of each; null where there are none. To ask for all at once takes less time. */
export function durationsOf(
  { spreads }: Tally,
  kind: DurationKind,
  asked: readonly Scoped[],
): (Percentiles | null)[] {
  if (!spreads) return percentiles(asked.map(({ series }) => series.map((one) => one[kind])));
  return asked.map(({ scope }) => {
    const spread = spreads[kind].get(scopeKey(scope));
    if (!spread) return null;
    const [p50, p95, p99] = PERCENTILE_SHARES.map((share) => quantileAt(spread, share)) as [
      number,
      number,
      number,
    ];
    return { p50, p95, p99 };
  });
}

/** The quantile at one of the shares that were asked of the source, milliseconds. */
export function quantileAt(spread: Spread, share: number): number {
  const value = spread.ms[spread.shares.indexOf(share)];
  if (value === undefined) throw new RangeError(`the source was not asked for the quantile at ${share}`);
  return value;
}
