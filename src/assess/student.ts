/** Two-sided levels, with the quantile of the normal law at half of each. */
const LEVELS = { 0.05: -1.959963984540054, 0.01: -2.5758293035489 } as const;

/**
 * How many standard errors an estimate with `df` degrees of freedom, whole or not and at least 2, lies from the truth
 * at most, but for the share `level` of cases: Student's t (G. W. Hill, CACM algorithm 396; to three digits or more).
 */
export function studentT(df: number, level: keyof typeof LEVELS): number {
  const a = 1 / (df - 0.5);
  const b = 48 / a ** 2;
  let c = ((20_700 * a) / b - 98) * a * a - 16 * a + 96.36;
  const d = ((94.5 / (b + c) - 3) / b + 1) * Math.sqrt((a * Math.PI) / 2) * df;
  let y = (d * level) ** (2 / df);
  if (y > 0.05 + a) {
    const x = LEVELS[level];
    if (df < 5) c += 0.3 * (df - 4.5) * (x + 0.6);
    c += (((0.05 * d * x - 5) * x - 7) * x - 2) * x + b;
    y = x * x;
    y = (((((0.4 * y + 6.3) * y + 36) * y + 94.5) / c - y - 3) / b + 1) * x;
    y = Math.expm1(a * y * y);
  } else {
    y =
      ((1 / (((df + 6) / (df * y) - 0.089 * d - 0.822) * (df + 2) * 3) + 0.5 / (df + 4)) * y - 1) *
        ((df + 1) / (df + 2)) +
      1 / y;
  }
  return Math.sqrt(df * y);
}
