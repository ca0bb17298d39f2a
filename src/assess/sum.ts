/**
 * A sum of doubles that carries its rounding error along (Neumaier's variant of Kahan's summation), so that
 * neither order nor the number of partial sums shows in the result. Plain data, so that a worker can send it.
 */
export interface Sum {
  high: number;
  low: number;
}

export function createSum(): Sum {
  return { high: 0, low: 0 };
}

export function add(sum: Sum, value: number): void {
  const total = sum.high + value;
  sum.low += Math.abs(sum.high) >= Math.abs(value) ? sum.high - total + value : value - total + sum.high;
  sum.high = total;
}

export function mergeSum(into: Sum, other: Sum): void {
  add(into, other.high);
  add(into, other.low);
}

export function sumValue(sum: Sum): number {
  return sum.high + sum.low;
}
