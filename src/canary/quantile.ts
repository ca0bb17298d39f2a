/** Arithmetic mean; null of nothing. */
export function mean(xs: readonly number[]): number | null {
  return xs.length === 0 ? null : xs.reduce((sum, x) => sum + x, 0) / xs.length;
}

/** Exact percentile, `p` in 0 to 1, with linear interpolation (type 7); null of nothing. */
export function percentile(xs: readonly number[], p: number): number | null {
  if (xs.length === 0) return null;
  const sorted = Float64Array.from(xs).sort();
  const position = p * (sorted.length - 1);
  const below = Math.floor(position);
  const low = sorted[below] as number;
  const high = sorted[Math.min(below + 1, sorted.length - 1)] as number;
  return low + (high - low) * (position - below);
}

/** Fewer legacy samples than this say too little about its p95. */
export const MIN_BASELINE = 400;

/** The q of the p95 tests: `sorted[floor(.95 n)]` of earlier legacy values; null below {@link MIN_BASELINE}. */
export function baselineP95(xs: readonly number[]): number | null {
  if (xs.length < MIN_BASELINE) return null;
  return Float64Array.from(xs).sort()[Math.floor(0.95 * xs.length)] as number;
}
