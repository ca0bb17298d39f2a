import { expect, it } from 'vitest';
import type { Hook, HookEvent, HookResult } from '../../../src/hooks/hook.ts';
import { undoRecordHook } from '../../../src/operation/record-step.ts';
import type { StepContext } from '../../../src/operation/step-run.ts';
import type { DnsRecordSet } from '../../../src/world.ts';

const set = (value: string): DnsRecordSet => ({ name: 'a.', type: 'A', ttl: 60, values: [value] });
const [LEGACY, TARGET, OTHER] = [set('192.0.2.1'), set('198.51.100.1'), set('203.0.113.1')];
const WORLD = { status: 'complete', ratio: 1, activeProvider: 'target' } as const;
const STEP = { kind: 'dns', driver: 'rfc2136', label: 'dns' } as const;
const CONTEXT = {
  migration: 'test',
  operation: { id: 'op-1', token: 1 },
  actor: 'a',
  plan: { kind: 'shift', from: WORLD, to: WORLD, steps: [STEP] },
  earlier: [],
  undo: '',
  redact: (text: string) => text,
} as unknown as StepContext;

/** A stand-in for a DNS hook whose server comes to this. */
const undo = async (result: HookResult) => {
  let told: HookEvent | undefined;
  const hook = {
    label: 'dns',
    timeoutMs: 1000,
    run: async (event: HookEvent) => {
      told = event;
      return result;
    },
  } as unknown as Hook;
  const end = {
    outcome: 'done',
    attempts: 1,
    ms: 1,
    before: [LEGACY],
    after: [TARGET],
    error: null,
  } as const;
  await undoRecordHook(hook, STEP, 0, CONTEXT, end);
  return told?.restore;
};

it('an overtaken step puts back what it found', async () => {
  expect(await undo({})).toEqual([{ from: TARGET, to: LEGACY }]);
});

it('leaves what somebody else has written since', async () => {
  expect(await undo({ foreign: [OTHER] })).toHaveLength(1);
});

it('says so when what it wrote itself cannot go back beside another record', async () => {
  await expect(undo({ foreign: [TARGET] })).rejects.toMatchObject({
    code: 'DNS_OVERTAKEN',
    message: expect.stringContaining('198.51.100.1'),
  });
});
