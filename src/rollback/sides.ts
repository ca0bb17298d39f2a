import type { DnsRecordSet, Side } from '../world.ts';
import { isOf, sameValues } from './moved.ts';

/** What the config has for each provider. */
export type Sides = Readonly<Record<Side, readonly DnsRecordSet[]>>;

export const otherSide = (side: Side): Side => (side === 'legacy' ? 'target' : 'legacy');

/** Whether a record says exactly what the config has for `side`, whatever its TTL, and not what it has for the other. */
export function saysOnly(side: Side, set: DnsRecordSet, sides: Sides): boolean {
  const says = (of: Side) => sides[of].some((one) => isOf(set)(one) && sameValues(one, set));
  return says(side) && !says(otherSide(side));
}
