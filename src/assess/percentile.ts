import { type Column, sortedUnits } from './column.ts';

/**
 * The quantile of sorted values at p (0 to 1) with linear interpolation between neighbours: type 7 of
 * Hyndman & Fan (1996), the default of NumPy, pandas, R, and Excel's PERCENTILE.INC.
 * @param unit what one of the values is divided by, before anything else.
 * @returns undefined without values.
 */
export function quantile(ascending: ArrayLike<number>, p: number, unit = 1): number | undefined {
  if (ascending.length === 0) return undefined;
  const position = (ascending.length - 1) * p;
  const below = Math.floor(position);
  const low = (ascending[below] as number) / unit;
  const high = (ascending[Math.min(below + 1, ascending.length - 1)] as number) / unit;
  return low + (high - low) * (position - below);
}

export interface Percentiles {
  p50: number;
  p95: number;
  p99: number;
}

/** p50, p95 and p99 over all values of some columns, milliseconds; null without values. */
export function percentiles(columns: readonly Column[]): Percentiles | null {
  const { values, unitsPerMs } = sortedUnits(columns);
  if (values.length === 0) return null;
  const at = (p: number) => quantile(values, p, unitsPerMs) as number;
  return { p50: at(0.5), p95: at(0.95), p99: at(0.99) };
}
