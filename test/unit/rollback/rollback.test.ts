import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { PlannedDrivers } from '../../../src/operation/plan.ts';
import type { OperationRecord } from '../../../src/operation/record.ts';
import { intermediatePlan, rungsDown } from '../../../src/rollback/gradual.ts';
import {
  eligibility,
  planEmergency,
  planRollback,
  type RollbackInput,
  type RollbackPoint,
  wayToLegacy,
} from '../../../src/rollback/plan.ts';
import type { World } from '../../../src/world.ts';

const drivers: PlannedDrivers = {
  flag: { kind: 'flag', driver: 'file', label: 'file flags.json' },
  dns: [{ kind: 'dns', driver: 'exec', label: 'dns[0] exec' }],
  notify: [{ kind: 'notify', driver: 'webhook', label: 'notify[0] webhook' }],
};
const point = (id: number, ratio: number, previous: number | null): RollbackPoint => ({
  id,
  ratio,
  previous,
  status: ratio === 0 ? 'idle' : 'rolling',
  activeProvider: 'legacy',
  reason: '',
  dns: [],
});
const POINTS = [point(1, 0, null), point(2, 0.1, 1), point(3, 0.25, 2)];
const findCheckpoint = (id: number) => POINTS.find((one) => one.id === id) as RollbackPoint;
const world: World = { status: 'rolling', ratio: 0.5, activeProvider: 'legacy' };
const input = (change: Partial<RollbackInput> = {}): RollbackInput => ({
  world,
  previous: 3,
  open: [],
  findCheckpoint,
  drivers,
  gates: [],
  reason: '',
  force: false,
  evidence: null,
  ...change,
});
const unfinished = (change: Partial<OperationRecord>): OperationRecord => ({
  id: 'op-1',
  kind: 'shift',
  token: 1,
  actor: 'a',
  plan: { restores: null } as OperationRecord['plan'],
  checkpointId: 3,
  startedAt: 0,
  finishedAt: null,
  outcome: null,
  applied: false,
  open: true,
  steps: [],
  ...change,
});

describe('where a rollback leads', () => {
  it('is the checkpoint before the last change, then the one before that', () => {
    const plan = planRollback(input(), null);
    expect(plan).toMatchObject({ restores: 3, previous: 2, to: { ratio: 0.25, status: 'rolling' } });
    expect(plan.steps.map(({ kind }) => kind)).toEqual(['flag', 'dns', 'notify']);
  });

  it('is nowhere from idle, and after an emergency', () => {
    expect(
      eligibility({ world: { ...world, status: 'idle', ratio: 0 }, previous: 1, open: [] }).eligible,
    ).toBe(false);
    expect(() => planRollback(input({ previous: null }), null)).toThrow(/nothing to roll back/);
  });

  it('undoes an unfinished shift, goes on with an unfinished rollback, and leaves an emergency to resume', () => {
    expect(eligibility(input({ open: [unfinished({ checkpointId: 2 })] })).to).toBe(2);
    const rollback = unfinished({ kind: 'rollback', plan: { restores: 1 } as OperationRecord['plan'] });
    expect(eligibility(input({ open: [rollback] })).to).toBe(1);
    expect(eligibility(input({ open: [unfinished({ kind: 'emergency' })] })).eligible).toBe(false);
    const told = unfinished({ outcome: 'partial', applied: true, checkpointId: 2 });
    expect(eligibility(input({ open: [told] })).to).toBe(3);
  });

  it('sends more to target only when it is forced and told why', () => {
    const low = input({ world: { ...world, ratio: 0.05 } });
    expect(() => planRollback(low, 3)).toThrow(expect.objectContaining({ code: 'ROLLBACK_RAISES' }));
    expect(() => planRollback({ ...low, force: true }, 3)).toThrow(
      expect.objectContaining({ code: 'ROLLBACK_RAISES' }),
    );
    expect(planRollback({ ...low, force: true, reason: 'x' }, 3).forced).toBe(true);
  });

  it('is the last point without traffic on target, for an automatic one', () => {
    expect(wayToLegacy(3, findCheckpoint)).toBe(1);
    expect(wayToLegacy(null, findCheckpoint)).toBeNull();
  });

  it('never raises the ratio without force, from any state to any checkpoint', () => {
    const ratios = fc.double({ min: 0, max: 1, noNaN: true });
    fc.assert(
      fc.property(ratios, fc.constantFrom(1, 2, 3), (ratio, to) => {
        try {
          expect(planRollback(input({ world: { ...world, ratio } }), to).to.ratio).toBeLessThanOrEqual(ratio);
        } catch (error) {
          expect(error).toMatchObject({ code: 'ROLLBACK_RAISES' });
        }
      }),
    );
  });
});

describe('a gradual rollback', () => {
  it('goes down rung by rung, moves the flag only, and leaves the end as the way back', () => {
    expect(rungsDown([0.01, 0.1, 0.25, 0.5, 1], 1, 0.1)).toEqual([0.5, 0.25]);
    expect(rungsDown([0.1, 1], 0.1, 0)).toEqual([]);
    const step = intermediatePlan(planRollback(input(), 1), 0.25);
    expect(step).toMatchObject({ to: { status: 'rolling', ratio: 0.25 }, previous: 1 });
    expect(step.steps.map(({ kind }) => kind)).toEqual(['flag']);
  });
});

describe('an emergency', () => {
  it.each([null, 0, 0.3, 1])('leads to 0 %% on legacy from a flag at %s', (ratio) => {
    expect(planEmergency(drivers, ratio, 'x')).toMatchObject({
      to: { status: 'rollback', ratio: 0, activeProvider: 'legacy' },
      previous: null,
      gates: [],
    });
  });
});
