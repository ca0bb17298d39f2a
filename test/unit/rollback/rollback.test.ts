import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { whoChangedFlag } from '../../../src/operation/gradual.ts';
import type { Plan, PlannedDrivers } from '../../../src/operation/plan.ts';
import type { OperationRecord } from '../../../src/operation/record.ts';
import { gradualPlans, rungsDown } from '../../../src/rollback/gradual.ts';
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
  since: id,
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
  moving: [],
  last: null,
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
  const LADDER = [0.01, 0.1, 0.25, 0.5, 1];
  const down = (to: number, flag = 0.5) =>
    gradualPlans(planRollback(input(), to), LADDER, flag).map((plan) => plan.to.ratio);

  it('goes down rung by rung, moves the flag only, and leaves the end as the way back', () => {
    expect(rungsDown(LADDER, 1, 0.1)).toEqual([0.5, 0.25]);
    expect(rungsDown([0.1, 1], 0.1, 0)).toEqual([]);
    const whole = planRollback(input({ open: [unfinished({ id: 'op-9' })] }), 2);
    const [first, last] = gradualPlans(whole, LADDER, 0.5) as [Plan, Plan];
    expect(first).toMatchObject({
      from: whole.from,
      to: { status: 'rolling', ratio: 0.25 },
      previous: 2,
      supersedes: ['op-9'],
    });
    expect(first.steps.map(({ kind }) => kind)).toEqual(['flag']);
    const { after: _after, ...unbound } = whole;
    expect(last).toEqual({ ...unbound, from: first.to, supersedes: [] });
  });

  it('takes no rung that would lift the flag, and is refused when its end would', () => {
    expect(down(1)).toEqual([0.25, 0.1, 0.01, 0]);
    expect(down(1, 0.1)).toEqual([0.01, 0]);
    expect(down(1, 0)).toEqual([0]);
    expect(down(2, 0.8)).toEqual([0.25, 0.1]);
    expect(() => down(2, 0.05)).toThrow(expect.objectContaining({ code: 'FLAG_LOWER', exitCode: 75 }));
    const raise = planRollback(input({ world: { ...world, ratio: 0.05 }, force: true, reason: 'x' }), 3);
    expect(() => gradualPlans(raise, LADDER, 0.5)).toThrow(expect.objectContaining({ exitCode: 64 }));
  });

  it('falls strictly from the world and the flag to its end, whatever the ladder', () => {
    const ratio = fc.double({ min: 0, max: 1, noNaN: true });
    const ladder = fc
      .uniqueArray(ratio, { minLength: 1, maxLength: 12 })
      .map((rungs) => rungs.toSorted((a, b) => a - b));
    fc.assert(
      fc.property(ladder, ratio, ratio, ratio, (rungs, state, flag, end) => {
        fc.pre(end <= state && end <= flag);
        const whole = { ...planRollback(input({ world: { ...world, ratio: state } }), 1) };
        const plans = gradualPlans({ ...whole, to: { ...whole.to, ratio: end } }, rungs, flag);
        let before: World = whole.from;
        for (const [i, { from, to }] of plans.entries()) {
          expect(from).toEqual(before);
          const last = i === plans.length - 1;
          if (!last) expect(to.ratio).toBeLessThan(Math.min(before.ratio, flag));
          expect(to.ratio).toBeLessThanOrEqual(Math.min(before.ratio, flag));
          before = to;
        }
        expect(plans.at(-1)?.to).toEqual({ ...whole.to, ratio: end });
        for (const rung of rungs) {
          const between = rung > end && rung < Math.min(state, flag);
          expect(plans.some(({ to }) => to.ratio === rung)).toBe(between || rung === end);
        }
      }),
    );
  });

  it.each([
    ['as it was left', { ratio: 0.25, token: 7, operation: 'op-7', kind: 'rollback' }, null],
    [
      'as it was left, in a store that keeps no writer',
      { ratio: 0.250001, token: 0, operation: null, kind: null },
      null,
    ],
    ['lower', { ratio: 0.1, token: 7, operation: 'op-7', kind: 'rollback' }, /by hand.* 10 %/],
    ['higher', { ratio: 0.3, token: 0, operation: null, kind: null }, /by somebody else.* 30 %/],
    [
      'the same by somebody else',
      { ratio: 0.25, token: 9, operation: 'op-9', kind: 'shift' },
      /the shift op-9/,
    ],
    [
      'the same under another token',
      { ratio: 0.25, token: 9, operation: null, kind: null },
      /another operation/,
    ],
    ['nothing', null, /removed/],
  ])('knows who changed the flag: %s', (_name, now, who) => {
    const said = whoChangedFlag({ ratio: 0.25, token: 7, operation: 'op-7' }, now);
    if (who === null) expect(said).toBeNull();
    else expect(said).toMatch(who);
  });
});

describe('an emergency', () => {
  it.each([null, 0, 0.3, 1])('leads to 0 %% on legacy from a flag at %s', (ratio) => {
    expect(planEmergency(drivers, ratio, 'x', null)).toMatchObject({
      to: { status: 'rollback', ratio: 0, activeProvider: 'legacy' },
      previous: null,
      gates: [],
    });
  });
});
