import { expect, it } from 'vitest';
import { importable } from '../../../src/rollback/imported.ts';
import type { DnsRecordSet, Side } from '../../../src/world.ts';

const set = (values: string[], type: 'A' | 'TXT' = 'A'): DnsRecordSet => ({
  ...{ name: 'llm.', type, ttl: 30, values },
});
const [LEGACY, ONE, TWO, OTHER] = ['192.0.2.1', '198.51.100.9', '198.51.100.10', '203.0.113.7'] as const;
const named = {
  legacy: [set([LEGACY]), set(['legacy'], 'TXT')],
  target: [set([TWO, ONE]), set(['target', 'more'], 'TXT')],
};
const leftOut = (activeProvider: Side, record: DnsRecordSet) =>
  importable({ activeProvider, dns: [{ label: 'dns[0]', records: [record] }] }, named).leftOut.length;

it.each<[string, Side, DnsRecordSet, number]>([
  ['says all that target has', 'legacy', set([ONE, TWO]), 1],
  ['says one address of target', 'legacy', set([ONE]), 1],
  ['says one beside what legacy has', 'legacy', set([LEGACY, TWO]), 1],
  ['says one value of target, which is a text and leads nowhere', 'legacy', set(['target'], 'TXT'), 0],
  ['says what legacy has', 'legacy', set([LEGACY]), 0],
  ['says what the config does not know', 'legacy', set([OTHER]), 0],
  ['says one address of target, in a checkpoint of target', 'target', set([ONE]), 0],
])('a record that %s', (_says, side, record, wanted) => {
  expect(leftOut(side, record)).toBe(wanted);
});
