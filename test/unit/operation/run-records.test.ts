import { expect, it } from 'vitest';
import { knownAfter } from '../../../src/operation/run-records.ts';
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
