import { expect, it } from 'vitest';
import type { MovingStep } from '../../../src/rollback/moved.ts';
import { planRollback, type RollbackPoint } from '../../../src/rollback/plan.ts';
import type { DnsRecordSet, Side } from '../../../src/world.ts';

/** What a person has put right with `dns apply` is the value of today, whichever checkpoint is gone back to. */

const set = (value: string): DnsRecordSet => ({ name: 'llm.', type: 'A', ttl: 30, values: [value] });
const [LEGACY, TARGET, NEWER, FOREIGN] = ['legacy', 'target', 'newer', 'foreign'].map(set) as [
  ...[DnsRecordSet, DnsRecordSet, DnsRecordSet, DnsRecordSet],
];
const label = 'dns[0] rfc2136 example.test';
const step = (
  operation: number,
  from: DnsRecordSet,
  to: DnsRecordSet,
  more: Partial<MovingStep>,
): MovingStep => ({
  ...{ operation, server: 'ns1', driver: 'rfc2136', label, provider: 'target' },
  ...{ back: false, mends: false, done: true, before: [from], after: [to], ...more },
});

/** What a rollback writes to a checkpoint that was made when two operations had begun. */
function restored(activeProvider: Side, moving: MovingStep[]) {
  const point: RollbackPoint = {
    ...{ id: 7, status: 'complete', ratio: activeProvider === 'target' ? 1 : 0, activeProvider },
    ...{ reason: '', previous: null, since: 3 },
  };
  const plan = planRollback(
    {
      world: { status: 'complete', ratio: 1, activeProvider: 'target' },
      ...{ previous: 7, open: [], findCheckpoint: () => point, moving, last: null, gates: [], reason: '' },
      ...{ force: false, evidence: null },
      drivers: {
        flag: { kind: 'flag', driver: 'file', label: 'file flags.json' },
        dns: [
          {
            ...{ kind: 'dns', driver: 'rfc2136', label, server: 'ns1' },
            sides: { legacy: [LEGACY], target: [TARGET] },
          },
        ],
        notify: [],
      },
    },
    7,
  );
  return plan.steps.find(({ kind }) => kind === 'dns')?.restore;
}

const forth = step(2, LEGACY, TARGET, {});

it.each<[string, Side, MovingStep[], unknown]>([
  ['on legacy', 'legacy', [step(3, FOREIGN, LEGACY, { provider: 'legacy', mends: true })], []],
  ['on target', 'target', [forth, step(3, NEWER, NEWER, { mends: true })], []],
  [
    'on target, gone back since',
    'target',
    [
      forth,
      step(3, NEWER, NEWER, { mends: true }),
      step(4, NEWER, LEGACY, { provider: 'legacy', back: true }),
    ],
    [{ from: LEGACY, to: NEWER }],
  ],
  [
    'on target, but not by a step that did not end,',
    'target',
    [forth, step(3, TARGET, NEWER, { mends: true, done: false })],
    [{ from: NEWER, to: TARGET }],
  ],
])('what was mended %s stays', (_where, side, moving, wanted) => {
  expect(restored(side, moving)).toEqual(wanted);
});
