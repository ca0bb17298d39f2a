import type { Column } from './column.ts';
import { valuesAt } from './rank.ts';

/**
 * The quantile of sorted values at p (0 to 1) with linear interpolation between neighbours: type 7 of
 * Hyndman & Fan (1996), the default of NumPy, pandas, R, and Excel's PERCENTILE.INC.
 * @returns undefined without values.
 */
export function quantile(ascending: ArrayLike<number>, p: number): number | undefined {
  if (ascending.length === 0) return undefined;
  const { below, above, share } = between(ascending.length, p);
  return interpolate(ascending[below] as number, ascending[above] as number, share);
}

/** The same at several p of all values of some columns, milliseconds. @returns undefined without values. */
export function quantiles(columns: readonly Column[], shares: readonly number[]): number[] | undefined {
  const length = columns.reduce((sum, column) => sum + column.length, 0);
  if (length === 0) return undefined;
  const places = shares.map((p) => between(length, p));
  const values = valuesAt(
    columns,
    places.flatMap(({ below, above }) => [below, above]),
  );
  return places.map(({ share }, i) =>
    interpolate(values[2 * i] as number, values[2 * i + 1] as number, share),
  );
}

function between(length: number, p: number): { below: number; above: number; share: number } {
  const position = (length - 1) * p;
  const below = Math.floor(position);
  return { below, above: Math.min(below + 1, length - 1), share: position - below };
}

function interpolate(low: number, high: number, share: number): number {
  return low + (high - low) * share;
}

export interface Percentiles {
  p50: number;
  p95: number;
  p99: number;
}

/** p50, p95 and p99 over all values of some columns, milliseconds; null without values. */
export function percentiles(columns: readonly Column[]): Percentiles | null {
  const found = quantiles(columns, [0.5, 0.95, 0.99]);
  if (!found) return null;
  const [p50, p95, p99] = found as [number, number, number];
  return { p50, p95, p99 };
}
