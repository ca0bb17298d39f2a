import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Gate, PlannedDrivers } from '../../../src/operation/plan.ts';
import { driftGate, freezeGate, stageGates } from '../../../src/shift/gates.ts';
import { nextRung, ratioArgument, rungsBetween } from '../../../src/shift/ladder.ts';
import { assertGates, planCanaryStart, planShift, type ShiftInput } from '../../../src/shift/plan.ts';
import type { World } from '../../../src/world.ts';

const LADDER = [0.01, 0.05, 0.1, 0.25, 0.5, 1];
const drivers: PlannedDrivers = {
  flag: { kind: 'flag', driver: 'file', label: 'file flags.json' },
  dns: [{ kind: 'dns', driver: 'exec', label: 'dns[0] exec' }],
  notify: [{ kind: 'notify', driver: 'webhook', label: 'notify[0] webhook' }],
};
const input = (world: World, change: Partial<ShiftInput> = {}): ShiftInput => ({
  world,
  gates: [],
  drivers,
  reason: '',
  force: false,
  evidence: null,
  ...change,
});
const at = (status: World['status'], ratio: number): World => ({
  status,
  ratio,
  activeProvider: status === 'complete' ? 'target' : 'legacy',
});
const no: Gate = { name: 'verdict', ok: false, detail: 'no verdict' };

describe('the ladder', () => {
  it('gives the next ratio above any ratio, and none above the top', () => {
    expect(nextRung(LADDER, 0.1)).toBe(0.25);
    expect(nextRung(LADDER, 0.12)).toBe(0.25);
    expect(nextRung(LADDER, 1)).toBeNull();
    expect(rungsBetween(LADDER, 0.1, 1)).toEqual([0.25, 0.5]);
  });

  it('never goes down or stands still, whatever the ladder', () => {
    const ladders = fc.uniqueArray(fc.double({ min: 0.001, max: 1, noNaN: true }), { minLength: 1 });
    fc.assert(
      fc.property(ladders, fc.double({ min: 0, max: 1, noNaN: true }), (rungs, ratio) => {
        const ladder = rungs.toSorted((a, b) => a - b);
        const next = nextRung(ladder, ratio);
        if (next === null) expect(ladder.every((rung) => rung <= ratio)).toBe(true);
        else expect(next).toBeGreaterThan(ratio);
      }),
    );
  });

  it('takes 25% and 0.25, and refuses what could mean two things', () => {
    expect(ratioArgument('25%')).toBe(0.25);
    expect(ratioArgument('0.25')).toBe(0.25);
    expect(ratioArgument('.5')).toBe(0.5);
    for (const text of ['25', '-5%', '101%', 'abc', '', '1e-1', '0x1', 'NaN', '٢٥%']) {
      expect(() => ratioArgument(text), text).toThrow(expect.objectContaining({ exitCode: 64 }));
    }
  });
});

describe('the gates of a stage', () => {
  const limits = { bake: 600_000, evidenceMaxAge: 1_800_000 };
  const stage = { ratio: 0.1, since: 0 };
  const oks = (gates: Gate[]) => gates.map(({ ok }) => ok);

  it('open with a fresh PASS and a bake time served', () => {
    const verdict = { verdict: 'PASS', at: 500_000, sameSettings: true } as const;
    expect(oks(stageGates({ ...stage, verdict }, limits, 600_000))).toEqual([true, true]);
    expect(oks(stageGates({ ...stage, verdict }, limits, 599_999))).toEqual([true, false]);
    expect(oks(stageGates({ ...stage, verdict }, limits, 500_000 + 1_800_001))).toEqual([false, true]);
    const other = { ...verdict, sameSettings: false };
    expect(oks(stageGates({ ...stage, verdict: other }, limits, 600_000))).toEqual([false, true]);
  });

  it.each(['FAIL', 'INCONCLUSIVE', 'ERROR'] as const)('stay shut on %s', (verdict) => {
    expect(
      oks(stageGates({ ...stage, verdict: { verdict, at: 0, sameSettings: true } }, limits, 600_000)),
    ).toEqual([false, true]);
  });

  it('stay shut without a verdict, with a drifted flag, and in a freeze', () => {
    expect(oks(stageGates({ ...stage, verdict: null }, limits, 600_000))).toEqual([false, true]);
    expect(driftGate({ ratio: 0.1, wasSet: true }, 0.4).ok).toBe(false);
    expect(driftGate({ ratio: 0.1, wasSet: true }, null).ok).toBe(false);
    expect(driftGate({ ratio: 0, wasSet: true }, null).ok).toBe(false);
    expect(driftGate({ ratio: 0, wasSet: false }, null).ok).toBe(true);
    expect(freezeGate({ reason: 'x', actor: 'a', until: null }).ok).toBe(false);
  });
});

describe('a forward plan', () => {
  it('moves DNS and the active provider at 100 % only', () => {
    const half = planShift(input(at('rolling', 0.25)), LADDER, 0.5);
    expect(half?.to).toEqual(at('rolling', 0.5));
    expect(half?.steps.map(({ kind }) => kind)).toEqual(['flag', 'notify']);
    const whole = planShift(input(at('rolling', 0.5)), LADDER, null);
    expect(whole?.to).toEqual(at('complete', 1));
    expect(whole?.steps.map(({ kind }) => kind)).toEqual(['flag', 'dns', 'notify']);
  });

  it('leaves the active provider where a gradual rollback from 100 % has left it', () => {
    const world = { ...at('rolling', 0.5), activeProvider: 'target' as const };
    expect(planShift(input(world), LADDER, 0.25)?.to.activeProvider).toBe('target');
  });

  it('begins from idle or rollback only, and goes on from canary or rolling only', () => {
    for (const status of ['idle', 'rollback'] as const) {
      expect(planCanaryStart(input(at(status, 0)), 0.1).to).toEqual(at('canary', 0.1));
      expect(() => planShift(input(at(status, 0)), LADDER, 0.5)).toThrow(/nothing to shift/);
    }
    for (const status of ['canary', 'rolling', 'complete'] as const) {
      expect(() => planCanaryStart(input(at(status, 0.5)), 0.1)).toThrow(/past its start/);
    }
    expect(() => planShift(input(at('complete', 1)), LADDER, 0.5)).toThrow(/nothing to shift/);
    expect(() => planShift(input(at('rolling', 0.5)), LADDER, 0)).toThrow(/rollback/);
    expect(planShift(input(at('rolling', 0.5)), LADDER, 0.5)).toBeNull();
  });

  it('is refused by a shut gate; --force needs a reason and never opens a freeze', () => {
    const plan = planShift(input(at('canary', 0.1), { gates: [no] }), LADDER, null);
    expect(() => assertGates(plan as never, null)).toThrow(
      expect.objectContaining({ code: 'GATE', exitCode: 3 }),
    );
    expect(() => assertGates(plan as never, 'FAIL')).toThrow(expect.objectContaining({ exitCode: 2 }));
    expect(() => planShift(input(at('canary', 0.1), { gates: [no], force: true }), LADDER, null)).toThrow(
      /--reason/,
    );
    const forced = planShift(
      input(at('canary', 0.1), { gates: [no], force: true, reason: 'x' }),
      LADDER,
      null,
    );
    expect(forced?.forced).toBe(true);
    assertGates(forced as never, null);
    const frozen: Gate = { name: 'freeze', ok: false, detail: 'frozen' };
    const stopped = planShift(
      input(at('canary', 0.1), { gates: [frozen], force: true, reason: 'x' }),
      LADDER,
      null,
    );
    expect(() => assertGates(stopped as never, null)).toThrow(
      expect.objectContaining({ code: 'FROZEN', exitCode: 75 }),
    );
  });

  it('asks for no evidence on the way down', () => {
    const plan = planShift(input(at('rolling', 0.5), { gates: [no] }), LADDER, 0.1);
    expect(plan?.gates).toEqual([]);
    assertGates(plan as never, null);
  });
});
