import type { Side } from '../world.ts';

/** Which sides may stand in for the other: `legacy` lets only legacy stand in for target. */
export type FallbackPolicy = 'both' | 'legacy' | 'off';

/** What the flag says now. */
export interface RatioNow {
  ratio: number;
  /** Kind of the operation that wrote the flag last, where it is known. */
  kind: string | null;
}

export interface Choice {
  /** The sides to ask, in order. */
  sides: Side[];
  /** The only side has an open circuit and is to be asked all the same. */
  pastBreaker: boolean;
}

/**
 * The sides that a request may go to. A side whose circuit is open is left out, unless nothing else is left: to fail
 * at once would then turn a hiccup of a side into an outage as long as its circuit stays open.
 */
export function chooseSides(
  preferred: Side,
  now: RatioNow,
  policy: FallbackPolicy,
  admits: (side: Side) => boolean,
): Choice {
  const other: Side = preferred === 'legacy' ? 'target' : 'legacy';
  const sides = mayFallBack(other, now, policy) ? [preferred, other] : [preferred];
  const open = sides.filter(admits);
  return open.length > 0 ? { sides: open, pastBreaker: false } : { sides: [preferred], pastBreaker: true };
}

function mayFallBack(to: Side, { ratio, kind }: RatioNow, policy: FallbackPolicy): boolean {
  if (policy === 'off') return false;
  if (to === 'legacy') return true;
  // Whoever rolled back to 0 wants nothing from target, not even when legacy fails.
  const rolledBack = ratio === 0 && (kind === 'emergency' || kind === 'rollback');
  return policy === 'both' && !rolledBack;
}
