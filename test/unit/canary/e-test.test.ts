import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  addRun,
  type ETest,
  lnEFail,
  lnEPass,
  logMeanExp,
  newTest,
  pairsUntil,
  thresholds,
} from '../../../src/canary/e-test.ts';

const of = (...groups: [d: number, count: number][]) =>
  groups.flatMap(([d, count]) => Array<number>(count).fill(d));
const uncapped = { passAt: Math.log(20), runCap: Number.POSITIVE_INFINITY };
const testOf = (ds: number[], delta: number): ETest => addRun(newTest(), ds, { ...uncapped, delta });

describe('the e-test', () => {
  it.each([
    ['V1', 0.005, of([1, 12], [-1, 3], [0, 985]), -0.013948, -1.247787],
    ['V2', 0.005, of([0, 906]), -1.105329, 3.000437],
    ['V3', 0, of([1, 60], [-1, 40]), 0.760681, -2.292422],
    ['V4', 0, of([1, 41], [-1, 12], [0, 947]), 6.707866, -2.588433],
    ['V5', 0.005, of([1, 3], [18 / 19, 1], [-1 / 19, 4], [0, 92]), 1.226108, -1.051704],
    ['V11', 0, of([1, 4], [-1, 6]), -0.989081, -0.344639],
    ['V13', 0, [0.1 / 11, -0.31 / 11, 0.01], -0.004051, 0.003769],
  ])('%s', (_id, delta, ds, fail, pass) => {
    const test = testOf(ds, delta);
    expect(lnEFail(test)).toBeCloseTo(fail, 6);
    expect(lnEPass(test)).toBeCloseTo(pass, 6);
  });

  it('V6: the cap lets FAIL happen at run 2, not at run 1', () => {
    const { failAt, passAt, runCap } = thresholds(5);
    expect(failAt).toBeCloseTo(4.60517, 6);
    expect(passAt).toBeCloseTo(2.995732, 6);
    const bad = of([1, 50]);
    const one = addRun(newTest(), bad, { delta: 0.005, passAt, runCap });
    expect(lnEFail(one)).toBeCloseTo(2.763102, 6);
    const two = addRun(one, bad, { delta: 0.005, passAt, runCap });
    expect(lnEFail(two)).toBeCloseTo(5.526204, 6);
    expect(lnEFail(two)).toBeGreaterThanOrEqual(failAt);
  });

  it.each([
    [0.005, 905],
    [0.01, 452],
    [0.02, 225],
    [0.05, 89],
  ])('with nothing bad, delta %d passes at pair %d and not before', (delta, n) => {
    expect(testOf(of([0, n]), delta).passed).toBe(true);
    expect(testOf(of([0, n - 1]), delta).passed).toBe(false);
  });

  it('estimates the same number from a few clean pairs', () => {
    const test = testOf(of([0, 20]), 0.005);
    expect(pairsUntil(test.pass, 20, Math.log(20))).toBe(885);
    expect(pairsUntil(test.fail, 20, thresholds(5).failAt)).toBeNull();
  });

  it('remembers that it passed', () => {
    const passed = testOf(of([0, 905]), 0.005);
    const worse = addRun(passed, of([1, 20]), { ...uncapped, delta: 0.005 });
    expect(lnEPass(worse)).toBeLessThan(Math.log(20));
    expect(worse.passed).toBe(true);
  });

  it('leaves the pass side alone when it is frozen, and counts on the fail side', () => {
    const before = testOf(of([0, 10], [1, 1]), 0.005);
    const frozen = addRun(before, of([-1, 20]), { ...uncapped, delta: 0.005, freezePass: true });
    expect(frozen.pass).toEqual(before.pass);
    expect(lnEFail(frozen)).toBeLessThan(lnEFail(before));
  });

  it('is untouched by a run without pairs', () => {
    const before = testOf(of([1, 2]), 0);
    expect(addRun(before, [], { ...uncapped, delta: 0 })).toBe(before);
  });

  it('does not overflow', () => {
    expect(logMeanExp([5000, 4000])).toBeCloseTo(5000 - Math.log(2), 9);
    expect(logMeanExp([-5000, -5000])).toBeCloseTo(-5000, 9);
  });
});

describe('whatever the data', () => {
  const d = fc.double({ min: -1, max: 1, noNaN: true });
  const delta = fc.double({ min: 0, max: 0.5, noNaN: true });
  const close = (a: readonly number[], b: readonly number[]) => {
    for (const [j, x] of a.entries()) expect(x).toBeCloseTo(b[j] as number, 6);
  };

  it('cutting the pairs into runs changes nothing without a cap', () => {
    fc.assert(
      fc.property(fc.array(d, { maxLength: 60 }), fc.nat(60), delta, (ds, cut, margin) => {
        const whole = testOf(ds, margin);
        const parts = addRun(testOf(ds.slice(0, cut), margin), ds.slice(cut), { ...uncapped, delta: margin });
        close(parts.fail, whole.fail);
        close(parts.pass, whole.pass);
        expect(parts.n).toBe(whole.n);
      }),
    );
  });

  it('one run never adds more than the cap, and the cap never adds anything', () => {
    fc.assert(
      fc.property(fc.array(fc.array(d, { maxLength: 30 }), { maxLength: 6 }), delta, (runs, margin) => {
        const { passAt, runCap } = thresholds(5);
        let capped = newTest();
        let free = newTest();
        for (const ds of runs) {
          const next = addRun(capped, ds, { delta: margin, passAt, runCap });
          expect(lnEFail(next) - lnEFail(capped)).toBeLessThanOrEqual(runCap + 1e-9);
          capped = next;
          free = addRun(free, ds, { ...uncapped, delta: margin });
        }
        for (const [j, f] of capped.fail.entries())
          expect(f).toBeLessThanOrEqual((free.fail[j] as number) + 1e-9);
      }),
    );
  });

  it('a bet at the margin gains nothing on average: the promise that Ville needs', () => {
    fc.assert(
      fc.property(d, d, delta, (a, b, margin) => {
        const [low, high] = [Math.min(a, b), Math.max(a, b)];
        fc.pre(low < margin && margin < high);
        // Two values with mean exactly delta: expected capital must be 1 for every bet on both sides.
        const p = (margin - low) / (high - low);
        const up = testOf([high], margin);
        const down = testOf([low], margin);
        for (const side of ['fail', 'pass'] as const) {
          up[side].forEach((gain, j) => {
            const expected = p * Math.exp(gain) + (1 - p) * Math.exp(down[side][j] as number);
            expect(expected).toBeCloseTo(1, 9);
          });
        }
      }),
    );
  });
});
