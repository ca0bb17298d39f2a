import type { DnsRecordSet, Side } from '../world.ts';
import { isOf, sameValues } from './moved.ts';

/** What the config has for each provider. */
export type Sides = Readonly<Record<Side, readonly DnsRecordSet[]>>;

export const otherSide = (side: Side): Side => (side === 'legacy' ? 'target' : 'legacy');

/**
 * Whether a record leads requests to `side`: it says exactly what the config has for it, whatever its TTL, and not what
 * it has for the other; or, where that is target, one value of it that legacy has not is enough. A text leads nowhere.
 */
export function leadsTo(side: Side, set: DnsRecordSet, sides: Sides): boolean {
  const [own, other] = [sides[side], sides[otherSide(side)]].map((all) => all.filter(isOf(set)));
  const says = (all: readonly DnsRecordSet[] = []) => all.some((one) => sameValues(one, set));
  if (says(own) && !says(other)) return true;
  if (side === 'legacy' || set.type === 'TXT') return false;
  const has = (all: readonly DnsRecordSet[] = [], value: string) =>
    all.some(({ values }) => values.includes(value));
  return set.values.some((value) => has(own, value) && !has(other, value));
}
