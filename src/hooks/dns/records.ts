import type { RecordType } from '../../config/dns-values.ts';
import type { DnsRecordConfig } from '../../config/hooks-schema.ts';
import type { DnsRecordSet, Side } from '../../world.ts';

/** Which records a set is about. */
export interface RecordKey {
  name: string;
  type: RecordType;
}

/** What a record set is to become, and what it was when that was decided. */
export interface RecordChange {
  from: DnsRecordSet;
  to: DnsRecordSet;
  /** On a way back: what our own step had written, which is what `from` says. */
  wrote?: DnsRecordSet;
}

/** What the records of a hook say when `side` is the active provider. */
export function setsFor(records: readonly DnsRecordConfig[], side: Side): DnsRecordSet[] {
  return records.map(({ name, type, ttl, [side]: values }) => recordSet({ name, type }, ttl, values));
}

/** A record set in the one form in which two are compared. */
export function recordSet({ name, type }: RecordKey, ttl: number, values: readonly string[]): DnsRecordSet {
  const sorted = [...new Set(values)].sort();
  return { name, type, ttl: sorted.length === 0 ? 0 : ttl, values: sorted };
}

export function sameSet(a: DnsRecordSet, b: DnsRecordSet): boolean {
  return (
    a.ttl === b.ttl && a.values.length === b.values.length && a.values.every((v, i) => v === b.values[i])
  );
}

/** The sets that have to change, pairwise in the order of `wanted`; both lists are about the same records. */
export function changesBetween(
  now: readonly DnsRecordSet[],
  wanted: readonly DnsRecordSet[],
): RecordChange[] {
  return wanted.flatMap((to, index) => {
    const from = now[index];
    return from && !sameSet(from, to) ? [{ from, to }] : [];
  });
}

/** `llm.example.test. CNAME target.example.net. (TTL 30 s)`, for messages. */
export function describeSet({ name, type, ttl, values }: DnsRecordSet): string {
  return values.length === 0
    ? `${name} ${type} nothing`
    : `${name} ${type} ${values.join(', ')} (TTL ${ttl} s)`;
}

export const describeSets = (sets: readonly DnsRecordSet[]) => sets.map(describeSet).join('; ');
