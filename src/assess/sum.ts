/**
 * An exact sum of doubles: what rounding takes from one part is kept in the next (Shewchuk 1997), so neither order
 * nor the number of partial sums shows in the result. Plain data, so that a worker can send it.
 */
export interface Sum {
  high: number;
  /** What `high` lacks. */
  low: number;
  /** What `low` lacks; nearly always nothing. */
  rest: number[];
}

export function createSum(): Sum {
  return { high: 0, low: 0, rest: [] };
}

export function add(sum: Sum, value: number): void {
  const high = sum.high + value;
  // The rounding error of an addition is itself a double (Knuth's two-sum).
  let part = high - sum.high;
  const lost = sum.high - (high - part) + (value - part);
  const low = sum.low + lost;
  part = low - sum.low;
  const lostAgain = sum.low - (low - part) + (lost - part);
  sum.high = high;
  sum.low = low;
  if (lostAgain !== 0) grow(sum.rest, lostAgain);
}

export function mergeSum(into: Sum, other: Sum): void {
  add(into, other.high);
  add(into, other.low);
  for (const part of other.rest) add(into, part);
}

/** The double nearest to the sum. */
export function sumValue(sum: Sum): number {
  // An addition of two rounds to the nearest itself.
  if (sum.rest.length === 0) return sum.high + sum.low;
  const parts: number[] = [];
  for (const part of [sum.high, sum.low, ...sum.rest]) grow(parts, part);
  // No two parts overlap, the largest last: the first that changes nothing ends the sum, but for a tie.
  let value = parts.pop() ?? 0;
  while (parts.length > 0) {
    const part = parts.pop() as number;
    const total = value + part;
    const lost = part - (total - value);
    value = total;
    if (lost === 0) continue;
    const next = parts.pop() ?? 0;
    // Half way between two doubles, what is left decides (as in Python's math.fsum).
    if (Math.sign(next) === Math.sign(lost)) {
      const doubled = lost * 2;
      const up = value + doubled;
      if (up - value === doubled) value = up;
    }
    break;
  }
  return value;
}

/** Adds a value to parts that do not overlap, in ascending order. */
function grow(parts: number[], value: number): void {
  let rest = value;
  let kept = 0;
  for (const part of parts) {
    const [large, small] = Math.abs(rest) < Math.abs(part) ? [part, rest] : [rest, part];
    const total = large + small;
    const lost = small - (total - large);
    if (lost !== 0) parts[kept++] = lost;
    rest = total;
  }
  parts.length = kept;
  parts.push(rest);
}
