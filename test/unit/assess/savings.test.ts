import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { percentInterval } from '../../../src/assess/bootstrap.ts';
import { dayCosts, daysOf } from '../../../src/assess/days.ts';
import { recommend } from '../../../src/assess/recommend.ts';
import { migrationWindow, pairsToPass } from '../../../src/assess/window.ts';
import { createZone, dayName } from '../../../src/usage/zone.ts';

const day = (currentUsd: number, projectedUsd: number, share = 1, at = 0) => ({
  day: 20_000 + at,
  currentUsd,
  projectedUsd,
  share,
});

describe('the interval of the percentage', () => {
  it('of days that are all alike has no width', () => {
    const interval = percentInterval(
      Array.from({ length: 14 }, () => day(10, 4)),
      1,
    );
    expect(interval?.low).toBeCloseTo(60, 10);
    expect(interval?.high).toBeCloseTo(60, 10);
  });

  it('needs two days and a cost', () => {
    expect(percentInterval([day(1, 0)], 1)).toBeUndefined();
    expect(percentInterval([day(0, 0), day(0, 0)], 1)).toBeUndefined();
  });

  it('is that of the normal law for many days, and the same for the same seed', () => {
    // Savings of 25 or 75 %, 200 days alike: standard error 25/√200, so ±3.46 at 95 %.
    const days = Array.from({ length: 200 }, (_, i) => day(4, i % 2 === 0 ? 3 : 1));
    const interval = percentInterval(days, 7);
    expect(interval?.low).toBeCloseTo(50 - 3.46, 0);
    expect(interval?.high).toBeCloseTo(50 + 3.46, 0);
    expect(percentInterval(days, 7)).toEqual(interval);
  });

  it('holds the estimate, whatever the days', () => {
    const some = fc.record({
      day: fc.constant(0),
      currentUsd: fc.double({ min: 1, max: 100, noNaN: true }),
      projectedUsd: fc.double({ min: 0, max: 100, noNaN: true }),
      share: fc.constant(1),
    });
    fc.assert(
      fc.property(fc.array(some, { minLength: 5, maxLength: 20 }), (days) => {
        const total = (of: 'currentUsd' | 'projectedUsd') => days.reduce((sum, d) => sum + d[of], 0);
        const percent = (1 - total('projectedUsd') / total('currentUsd')) * 100;
        const interval = percentInterval(days, 3);
        expect(interval?.low).toBeLessThanOrEqual(percent + 1e-9);
        expect(interval?.high).toBeGreaterThanOrEqual(percent - 1e-9);
      }),
      { numRuns: 25 },
    );
  });
});

describe('the recommendation by the interval', () => {
  it('rests on its low end', () => {
    expect(recommend(40, 31)).toMatchObject({ level: 'HIGH' });
    expect(recommend(40, 20)).toMatchObject({ level: 'MEDIUM' });
    expect(recommend(40, 5)).toEqual({
      level: 'LOW',
      reason: 'savings of 40 % may be as low as 5 %, which is not above 15 %',
    });
    expect(recommend(-12, -20)).toEqual({ level: 'LOW', reason: 'the target costs 12 % more' });
  });
});

describe('the probes of a migration', () => {
  it.each([
    [0.005, 905],
    [0.01, 452],
    [0.02, 225],
    [0.05, 89],
  ])('a margin of %f takes %i pairs to PASS', (margin, pairs) => expect(pairsToPass(margin)).toBe(pairs));

  it('cost both sides at every stage', () => {
    expect(migrationWindow(6, 0.05, 0.01, 0.002).probesUsd).toBeCloseTo(6 * 89 * 0.012, 12);
  });
});

describe('days in a time zone', () => {
  const HOUR = 3_600_000;
  const zone = createZone('Europe/Berlin');

  it('begin at local midnight, also when the clock changes', () => {
    // 2026-03-29 has 23 hours in Berlin, 2026-10-25 has 25.
    const spring = zone.dayOf(Date.UTC(2026, 2, 29, 12));
    expect(dayName(spring)).toBe('2026-03-29');
    expect(zone.startOf(spring + 1) - zone.startOf(spring)).toBe(23 * HOUR);
    const autumn = zone.dayOf(Date.UTC(2026, 9, 25, 12));
    expect(zone.startOf(autumn + 1) - zone.startOf(autumn)).toBe(25 * HOUR);
    expect(zone.hourOf(Date.UTC(2026, 6, 1, 22, 30))).toBe(0);
    expect(zone.hourOf(Date.UTC(2026, 0, 1, 22, 30))).toBe(23);
  });

  it('every moment is in the day that its beginning says, in any zone', () => {
    const zones = ['UTC', 'Asia/Kathmandu', 'America/St_Johns', 'Pacific/Apia', 'Europe/Berlin'].map(
      createZone,
    );
    fc.assert(
      fc.property(fc.constantFrom(...zones), fc.integer({ min: 1.5e12, max: 1.9e12 }), (z, at) => {
        const today = z.dayOf(at);
        expect(z.startOf(today)).toBeLessThanOrEqual(at);
        expect(z.startOf(today + 1)).toBeGreaterThan(at);
      }),
    );
  });

  it('of a period: the first and the last count for the part that is covered', () => {
    const utc = createZone('UTC');
    const from = Date.UTC(2026, 5, 1, 18);
    const period = { from, to: from + 60 * HOUR, days: 2.5 };
    const days = daysOf(period, utc);
    expect(days.map(dayName)).toEqual(['2026-06-01', '2026-06-02', '2026-06-03', '2026-06-04']);
    expect(dayCosts(days, period, utc, []).map((each) => each.share)).toEqual([0.25, 1, 1, 0.25]);
  });

  it('of a log end with its last record: the gap that is expected after it makes no day', () => {
    const utc = createZone('UTC');
    // A record each 5 hours until 22:00: the period ends at 3:00 of the next day.
    const from = Date.UTC(2026, 5, 1, 1);
    const period = { from, to: from + 45 * HOUR, days: 50 / 24 };
    const days = daysOf(period, utc);
    expect(days.map(dayName)).toEqual(['2026-06-01', '2026-06-02']);
    expect(dayCosts(days, period, utc, []).map((each) => each.share)).toEqual([23 / 24, 1]);
    // Where a cut says that it goes on, a day without records is one.
    expect(daysOf({ from, to: from + 70 * HOUR, days: 70 / 24 }, utc).map(dayName)).toContain('2026-06-03');
  });
});
