import { expect, it } from 'vitest';
import type { PlannedHook } from '../../../src/operation/plan.ts';
import { viewRecords } from '../../../src/rollback/dns-view.ts';
import { ledgerOf, type MovingStep } from '../../../src/rollback/moved.ts';
import type { DnsRecordSet, Side } from '../../../src/world.ts';

const set = (value: string, ttl = 60): DnsRecordSet => ({ name: 'llm.', type: 'A', ttl, values: [value] });
const hook: PlannedHook = {
  ...{ kind: 'dns', driver: 'rfc2136', label: 'dns[0] rfc2136 example.test', server: 'ns1' },
  sides: { legacy: [set('legacy')], target: [set('target')] },
};
const moved = (from: DnsRecordSet, to: DnsRecordSet, change: Partial<MovingStep> = {}): MovingStep => ({
  ...{ operation: 1, server: 'ns1', driver: 'rfc2136', label: '', provider: 'target', back: false },
  ...{ mends: false, done: true, before: [from], after: [to], ...change },
});

/** Whether a record is as it should be that says `says`. */
function ok(
  says: DnsRecordSet,
  at: { steps?: MovingStep[]; start?: DnsRecordSet; active?: Side } = {},
): boolean | null | undefined {
  const { steps = [], start, active = 'legacy' } = at;
  const known = { ledger: ledgerOf(steps), start: new Map(start ? [['ns1', [start]]] : []) };
  return viewRecords([hook], [{ label: hook.label, records: [says] }], known, active)[0]?.ok;
}

const OLD = set('old', 300);
const FORTH = moved(OLD, set('target'));
const LOW = moved(OLD, set('old', 30), { provider: 'legacy' });
const BACK = moved(set('target'), OLD, { provider: 'legacy', back: true });

it.each<[string, boolean, boolean | null | undefined]>([
  ['what the config has', true, ok(set('legacy'))],
  ['another TTL, before anything was read', true, ok(set('legacy', 300))],
  ['what target has, before anything was read', false, ok(set('target'))],
  ['what was found at the start', true, ok(OLD, { start: OLD })],
  ['what target has, as it did at the start', true, ok(set('target'), { start: set('target') })],
  ['something else than at the start', false, ok(set('other'), { start: OLD })],
  ['something else than at the start, which the config has', true, ok(set('legacy'), { start: OLD })],
  ['the new address of zone and config, of another TTL', true, ok(set('legacy', 300), { start: OLD })],
  ['that address, after we put back the former one', true, ok(set('legacy', 300), { steps: [FORTH, BACK] })],
  [
    'that address, where a way back that failed was to put back the former one',
    true,
    ok(set('legacy', 300), { steps: [FORTH, { ...BACK, done: false }] }),
  ],
  ['another TTL than at the start', false, ok(set('old', 900), { start: OLD })],
  [
    'another TTL than at the start, of what the config has',
    false,
    ok(set('legacy', 900), { start: set('legacy', 300) }),
  ],
  ['what we wrote', true, ok(set('target'), { steps: [FORTH], active: 'target' })],
  ['what we wrote, with another TTL', false, ok(set('target', 900), { steps: [FORTH], active: 'target' })],
  ['what we put back', true, ok(OLD, { steps: [FORTH, BACK] })],
  ['what the config has after we put back', true, ok(set('legacy'), { steps: [FORTH, BACK] })],
  [
    'what we wrote, after a way back that failed',
    false,
    ok(set('target'), { steps: [FORTH, { ...BACK, done: false }] }),
  ],
  ['the TTL that we lowered', true, ok(set('old', 30), { steps: [LOW] })],
  ['a new address of the config, after we lowered a TTL', true, ok(set('legacy', 30), { steps: [LOW] })],
  ['another address, after we lowered a TTL', false, ok(set('other', 30), { steps: [LOW] })],
])('judges a record that says %s: %s', (_says, wanted, is) => {
  expect(is).toBe(wanted);
});
