import { isDeepStrictEqual } from 'node:util';
import type { RecordType } from '../../config/dns-values.ts';
import type { DnsRecordConfig } from '../../config/hooks-schema.ts';
import { CutoverError, EXIT } from '../../errors.ts';
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

/** Whether two sets are the same with all that their server keeps of them. */
export function identicalSet(a: DnsRecordSet, b: DnsRecordSet): boolean {
  return sameSet(a, b) && isDeepStrictEqual(a.raw, b.raw);
}

/**
 * For services that do not compare before they swap.
 * @param now what was read just before the write
 * @throws CutoverError DNS_CHANGED (69) when a set is no longer what it was when the change was decided
 */
export function assertUnchanged(
  service: string,
  changes: readonly RecordChange[],
  now: readonly DnsRecordSet[],
): void {
  changes.forEach(({ from }, index) => {
    const is = now[index] as DnsRecordSet;
    if (identicalSet(from, is)) return;
    throw new CutoverError(
      'DNS_CHANGED',
      EXIT.unreachable,
      `${service}: something else has changed ${describeSet(from)} to ${describeSet(is)}`,
      { hint: 'look at what else writes to this zone' },
    );
  });
}

/** The sets that have to change, pairwise in the order of `wanted`; both lists are about the same records. */
export function changesBetween(
  now: readonly DnsRecordSet[],
  wanted: readonly DnsRecordSet[],
  same = sameSet,
): RecordChange[] {
  return wanted.flatMap((to, index) => {
    const from = now[index];
    return from && !same(from, to) ? [{ from, to }] : [];
  });
}

/** `llm.example.test. CNAME target.example.net. (TTL 30 s)`, for messages. */
export function describeSet({ name, type, ttl, values }: DnsRecordSet): string {
  return values.length === 0
    ? `${name} ${type} nothing`
    : `${name} ${type} ${values.join(', ')} (TTL ${ttl} s)`;
}

export const describeSets = (sets: readonly DnsRecordSet[]) => sets.map(describeSet).join('; ');
