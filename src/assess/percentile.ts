import type { Column } from './column.ts';
import { fewSorted, valuesAt } from './rank.ts';

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

/**
 * The same at several p of all values of some columns, milliseconds, for each of some questions at once.
 * @returns undefined where there are no values.
 */
export function quantiles(
  questions: readonly (readonly Column[])[],
  shares: readonly number[],
): (number[] | undefined)[] {
  const asked = questions.map((columns) => {
    const length = columns.reduce((sum, column) => sum + column.length, 0);
    const places = length === 0 ? [] : shares.map((p) => between(length, p));
    return { columns, places, ranks: places.flatMap(({ below, above }) => [below, above]) };
  });
  const found = valuesAt(asked);
  return asked.map(({ places }, question) => {
    if (places.length === 0) return undefined;
    const values = found[question] as number[];
    return places.map(({ share }, i) =>
      interpolate(values[2 * i] as number, values[2 * i + 1] as number, share),
    );
  });
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

/** p50, p95 and p99 over all values of some columns, milliseconds, for each of some questions; null without values. */
export function percentiles(questions: readonly (readonly Column[])[]): (Percentiles | null)[] {
  return quantiles(questions, PERCENTILE_SHARES).map((found) => {
    if (!found) return null;
    const [p50, p95, p99] = found as [number, number, number];
    return { p50, p95, p99 };
  });
}

/** The same for one question; of the few values that most groups have, and there may be a million, with no detour. */
export function percentilesOf(columns: readonly Column[]): Percentiles | null {
  const values = fewSorted(columns);
  if (values === undefined) return percentiles([columns])[0] ?? null;
  if (values.length === 0) return null;
  const at = (share: number) => quantile(values, share) as number;
  const [p50, p95, p99] = PERCENTILE_SHARES;
  return { p50: at(p50), p95: at(p95), p99: at(p99) };
}

/** The shares at which `percentiles` are. */
export const PERCENTILE_SHARES = [0.5, 0.95, 0.99] as const;
