import type { DnsRecordSet } from '../../world.ts';

/** The sets with no TTL above `seconds`; all else stays. */
export function withLowerTtl(sets: readonly DnsRecordSet[], seconds: number): DnsRecordSet[] {
  return sets.map((set) => (set.ttl > seconds ? { ...set, ttl: seconds } : set));
}

/**
 * How long resolvers may go on answering what these sets say, once they are changed: `resolvers may keep what
 * llm.example.test. CNAME says for 300 s more`. Null where there is nothing that they could keep.
 */
export function keptByResolvers(sets: readonly DnsRecordSet[]): string | null {
  const [longest] = sets.filter(({ values }) => values.length > 0).toSorted((a, b) => b.ttl - a.ttl);
  if (longest === undefined) return null;
  return `resolvers may keep what ${longest.name} ${longest.type} says now for ${longest.ttl} s more`;
}
