import type { KeptLonger } from '../../rollback/kept-longer.ts';
import { isOf } from '../../rollback/moved.ts';
import type { DnsRecordSet } from '../../world.ts';

/** The sets with no TTL above `seconds`; all else stays. */
export function withLowerTtl(sets: readonly DnsRecordSet[], seconds: number): DnsRecordSet[] {
  return sets.map((set) => (set.ttl > seconds ? { ...set, ttl: seconds } : set));
}

/** How long resolvers may go on answering what a set says, once it is changed. */
interface Kept {
  set: DnsRecordSet;
  seconds: number;
  /** Where that is longer than its TTL, as that was longer a while ago. */
  longer?: KeptLonger;
}

/**
 * How long resolvers may go on answering what each of these sets says.
 * @param longer those whose TTL was longer, until when
 * @param now Unix milliseconds
 */
export function keptFor(sets: readonly DnsRecordSet[], longer: readonly KeptLonger[], now: number): Kept[] {
  return sets.map((set): Kept => {
    const was = longer.find(isOf(set));
    const left = was ? Math.ceil((was.until - now) / 1000 + was.ttl) : 0;
    return was && left > set.ttl ? { set, seconds: left, longer: was } : { set, seconds: set.ttl };
  });
}

/**
 * The longest of them, in words: `resolvers may keep what llm.example.test. CNAME says now for 300 s more`. Null where
 * there is nothing that they could keep.
 */
export function keptByResolvers(kept: readonly Kept[]): string | null {
  const [longest] = kept.filter(({ set }) => set.values.length > 0).toSorted((a, b) => b.seconds - a.seconds);
  if (longest === undefined) return null;
  const { set, seconds, longer } = longest;
  const text = `resolvers may keep what ${set.name} ${set.type} says now for ${seconds} s more`;
  if (!longer) return text;
  const was = `its TTL was ${longer.ttl} s until ${longer.ttl - seconds} s ago`;
  return `${text}: ${was}; the move comes early: ${seconds - set.ttl} s later they would keep it for ${set.ttl} s`;
}
