import { expect, it } from 'vitest';
import { knownAfter, markedSeen, restoreFor } from '../../../src/operation/run-records.ts';
import type { DnsRecordSet } from '../../../src/world.ts';

const set = (value: string, name = 'a.'): DnsRecordSet => ({ name, type: 'A', ttl: 60, values: [value] });
const [L, T, X] = [set('legacy'), set('target'), set('foreign')];
const MOVE = { before: [L], after: [T] };

it.each<[string, DnsRecordSet, DnsRecordSet, { before: DnsRecordSet[]; after: DnsRecordSet[] }]>([
  ['what it wrote, or found, as before', T, T, MOVE],
  ['what it found, which it writes over', L, T, MOVE],
  ['somebody else’s, left alone: what it may have written stays', X, X, MOVE],
  ['somebody else’s, written over: that is what it has found', X, T, { before: [X], after: [T] }],
])('a later run that reads %s', (_name, now, after, known) => {
  expect(knownAfter(MOVE, { before: [now], after: [after] })).toEqual(known);
});

it('a run about some records takes nothing from what is known of others', () => {
  const [l, t] = [set('legacy', 'b.'), set('target', 'b.')];
  expect(knownAfter(MOVE, { before: [l], after: [t] })).toEqual({ before: [l, L], after: [t, T] });
  expect(knownAfter(null, { before: [l], after: [t] })).toEqual({ before: [l], after: [t] });
});

it('what an earlier run was seen to have put back is not ours to overwrite any more', () => {
  const [plan, back] = [
    { kind: 'dns' as const, driver: 'rfc2136', label: 'dns' },
    { from: T, to: L, back: true },
  ];
  const restored = (earlier: Parameters<typeof restoreFor>[1], toLegacy = true) =>
    restoreFor({ ...plan, restore: [{ from: T, to: L }] }, earlier, toLegacy);
  expect(restored({ before: [T], after: markedSeen([L], [L], [{ from: T, to: L }]) })).toEqual([back]);
  expect(restored({ before: [L], after: [L] })).toEqual([back]);
  // It may not have been written; it was left alone; it leads to target.
  for (const after of [[L], markedSeen([L], [X], [{ from: T, to: L }])])
    expect(restored({ before: [T], after })).toEqual([{ from: T, to: L }]);
  expect(restored({ before: [X], after: [X] })).toEqual([{ from: T, to: L }]);
  expect(restored({ before: [L], after: [L] }, false)).toEqual([{ from: T, to: L }]);
  expect(restored(null)).toEqual([{ from: T, to: L }]);
});
