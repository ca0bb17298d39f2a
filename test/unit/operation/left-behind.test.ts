import { expect, it } from 'vitest';
import type { Hook } from '../../../src/hooks/hook.ts';
import { leftBehind } from '../../../src/operation/left-behind.ts';
import type { Plan } from '../../../src/operation/plan.ts';
import type { DnsRecordSet, RecordMove } from '../../../src/world.ts';

const set = (value: string): DnsRecordSet => ({ name: 'llm.', type: 'A', ttl: 30, values: [value] });
const [LEGACY, TARGET, OTHER] = [set('192.0.2.1'), set('198.51.100.9'), set('203.0.113.7')];
const label = 'dns[0] rfc2136 example.test';
const hook: Hook = {
  ...{ driver: 'rfc2136', label, timeoutMs: 1, retries: 0 },
  run: () => Promise.reject(new Error('not run')),
  expected: (side) => [side === 'legacy' ? LEGACY : TARGET],
};

function left(says: DnsRecordSet, restore: RecordMove[], more: Partial<Plan> = {}): string {
  const plan = {
    kind: 'rollback' as const,
    to: { status: 'rollback' as const, ratio: 0, activeProvider: 'legacy' as const },
    steps: [{ kind: 'dns' as const, driver: 'rfc2136', label, restore }],
    ...more,
  };
  return leftBehind(plan, [hook], [{ label, records: [says] }]).join();
}

it('names what stands on target and is not moved by the plan', () => {
  expect(left(TARGET, [])).toContain('198.51.100.9 (TTL 30 s): left alone, and the step fails (exit 4)');
  expect(left(TARGET, [], { overwriteDns: true })).toMatch(
    /198\.51\.100\.9.*: overwritten with .*192\.0\.2\.1/,
  );
});

it('names nothing that the plan moves, that is on legacy, or that is named as somebody else’s already', () => {
  expect(left(TARGET, [{ from: TARGET, to: LEGACY }])).toBe('');
  expect(left(LEGACY, [])).toBe('');
  expect(left(TARGET, [{ from: OTHER, to: LEGACY }])).toBe('');
  expect(left(TARGET, [], { kind: 'shift' })).toBe('');
});

it('names what was put back, and somebody else has led to target since', () => {
  const again = [{ from: OTHER, to: LEGACY, back: true as const }];
  expect(left(TARGET, again)).toContain('left alone, and the step fails (exit 4)');
  expect(left(TARGET, again, { overwriteDns: true })).toContain('overwritten with');
});
