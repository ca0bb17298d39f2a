import { describe, expect, it } from 'vitest';
import { confidenceOf, tooLittle } from '../../../src/assess/confidence.ts';
import { dayPattern } from '../../../src/assess/day-pattern.ts';
import { heavyDays } from '../../../src/assess/heavy-days.ts';
import { monthAhead } from '../../../src/assess/month-ahead.ts';
import { studentT } from '../../../src/assess/student.ts';
import { judgeThreshold } from '../../../src/assess/threshold.ts';
import { trendOf } from '../../../src/assess/trend.ts';

/** 2026-06-01, a Monday. */
const MONDAY = 20_605;
const days = (costs: readonly number[], { first = MONDAY, share = 1, target = 0.4 } = {}) =>
  costs.map((cost, i) => ({ day: first + i, currentUsd: cost, projectedUsd: cost * target, share }));
const NONE = { percentPerDay: undefined, autocorrelation: undefined };

describe("Student's t", () => {
  // Two-sided 5 % and 1 %, from the tables.
  it.each([
    [2, 4.303, 9.925],
    [3, 3.182, 5.841],
    [5, 2.571, 4.032],
    [10, 2.228, 3.169],
    [28, 2.048, 2.763],
    [120, 1.98, 2.617],
  ])('%i degrees of freedom: %f and %f', (df, five, one) => {
    expect(studentT(df, 0.05) / five).toBeCloseTo(1, 3);
    expect(studentT(df, 0.01) / one).toBeCloseTo(1, 3);
  });
});

describe('the 30 days ahead', () => {
  it('by hand: four days alike in kind', () => {
    // Savings of 60 % of 8, 12, 8, 12: mean 6 a day, deviation of single days 1.2 · 2/√3; neighbours differ: no memory.
    const found = monthAhead(days([8, 12, 8, 12]));
    expect(found?.expected).toBeCloseTo(180, 9);
    const deviation = 1.2 * Math.sqrt(4 / 3);
    const reach = 3.182 * deviation * Math.sqrt(30 ** 2 / 4 + 30);
    expect(found?.high).toBeCloseTo(180 + reach, 1);
    expect(found?.low).toBeCloseTo(180 - reach, 1);
  });

  it('weekdays and weekends are counted as the calendar has them', () => {
    const week = (i: number) => (i % 7 >= 5 ? 2 : 10);
    const log = days(Array.from({ length: 14 }, (_, i) => week(i)));
    // From Monday 15 June on, 30 days hold 22 weekdays and 8 days of weekends.
    expect(monthAhead(log)).toEqual({
      expected: expect.closeTo(0.6 * (22 * 10 + 8 * 2), 9),
      low: expect.closeTo(0.6 * (22 * 10 + 8 * 2), 9),
      high: expect.closeTo(0.6 * (22 * 10 + 8 * 2), 9),
    });
  });

  it('a day that is covered in part counts for the part', () => {
    const [first, ...rest] = days([5, 10, 10, 10, 10, 10]);
    const found = monthAhead([{ ...first, share: 0.5 } as (typeof rest)[0], ...rest]);
    expect(found?.low).toBeCloseTo(180, 9);
    expect(found?.high).toBeCloseTo(180, 9);
  });

  it('days that resemble their neighbours say less', () => {
    const costs = Array.from({ length: 30 }, (_, i) => 10 + 4 * Math.sin(i / 4));
    const shuffled = costs.map((_, i) => costs[(i * 7) % 30] as number);
    const width = (log: readonly number[]) => {
      const found = monthAhead(days(log));
      return found ? found.high - found.low : Number.NaN;
    };
    expect(width(costs)).toBeGreaterThan(2.5 * width(shuffled));
  });

  it('needs three days and a cost', () => {
    expect(monthAhead(days([1, 2]))).toBeUndefined();
    expect(monthAhead(days([0, 0, 0, 0]))).toBeUndefined();
    expect(monthAhead(days([1, 2, 3], { share: 0.3 }))).toBeUndefined();
    expect(monthAhead([])).toBeUndefined();
  });
});

describe('the pattern of the days', () => {
  const noise = (i: number) => 1 + 0.1 * Math.sin(i * i * 12.9898);

  it('a trend is found through weekends, and is none of days that vary', () => {
    const weekly = (i: number) => (i % 7 >= 5 ? 0.3 : 1) * noise(i);
    const growing = Array.from({ length: 30 }, (_, i) => weekly(i) * 1.03 ** i);
    expect(dayPattern(days(growing)).percentPerDay).toBeCloseTo(3, 0);
    const shrinking = Array.from({ length: 30 }, (_, i) => weekly(i) * 0.97 ** i);
    expect(dayPattern(days(shrinking)).percentPerDay).toBeCloseTo(-3, 0);
    expect(dayPattern(days(Array.from({ length: 30 }, (_, i) => weekly(i))))).toEqual(NONE);
  });

  it('one heavy day is no trend and no memory', () => {
    const costs = Array.from({ length: 20 }, (_, i) => noise(i) * (i === 19 ? 40 : 1));
    expect(dayPattern(days(costs))).toEqual(NONE);
  });

  it('days without any cost, and days all alike, have none', () => {
    expect(dayPattern(days(Array(30).fill(0)))).toEqual(NONE);
    expect(dayPattern(days(Array(30).fill(7)))).toEqual(NONE);
    expect(dayPattern(days([1, 2, 4, 8, 16, 32]))).toEqual(NONE);
    expect(dayPattern(days(Array.from({ length: 10 }, (_, i) => 2 ** i))).percentPerDay).toBeGreaterThan(20);
  });

  it('the month at the rate of the last 7 days stands beside a trend', () => {
    const costs = Array.from({ length: 21 }, (_, i) => (i < 14 ? 10 : 20));
    const trend = trendOf(days(costs), { percentPerDay: 4, autocorrelation: undefined }, true, 0.5);
    expect(trend).toEqual({
      percentPerDay: 4,
      lastWeek: {
        days: 7,
        monthlyCurrentUsd: 900,
        monthlyProjectedUsd: 360,
        monthlySavedUsd: 540,
      },
    });
    expect(trendOf(days(costs), NONE, true, 0)).toBeUndefined();
    expect(trendOf(days(costs), { ...NONE, percentPerDay: 1 }, false, 0)?.lastWeek).toMatchObject({
      monthlyProjectedUsd: null,
      monthlySavedUsd: null,
    });
  });
});

describe('heavy days', () => {
  it('more than 30 % of the cost, or far more than the usual day and a tenth', () => {
    const usual = Array(29).fill(1);
    expect(heavyDays(days([...usual, 13]))).toEqual([{ day: '2026-06-30', share: 13 / 42 }]);
    expect(heavyDays(days([...usual, 6]))).toHaveLength(1);
    expect(heavyDays(days([...usual, 4]))).toEqual([]);
    expect(heavyDays(days([...usual.slice(1), 20, 20])).map(({ day }) => day)).toHaveLength(2);
  });

  it('the days of a short log carry much each, and are not heavy', () => {
    expect(heavyDays(days([1, 1, 1]))).toEqual([]);
    expect(heavyDays(days([1, 1.2, 1.5, 0.9]))).toEqual([]);
    expect(heavyDays(days([10, 10, 10, 10, 10, 0.1, 0.6]))).toEqual([]);
    expect(heavyDays(days([0, 0, 0]))).toEqual([]);
  });
});

describe('what there is too little of', () => {
  it.each([
    [2 / 24, 5000, 'too little to say: the log is of 2 hours, and it takes 3 days'],
    [2.94, 5000, 'too little to say: the log is of 2.9 days, and it takes 3 days'],
    [30, 40, 'too little to say: the log is of 40 requests, and it takes 1,000 requests'],
    [
      1.5,
      1,
      'too little to say: the log is of 1.5 days and of 1 request, and it takes 3 days and 1,000 requests',
    ],
    [null, 5000, 'too little to say: the log is of a time that the records do not tell, and it takes 3 days'],
    [2.96, 1000, undefined],
    // A source that does not count requests.
    [30, 0, undefined],
  ])('%s days and %i requests: %s', (period, requests, reason) => {
    const confidence = confidenceOf(period, requests, NONE, []);
    expect(tooLittle(confidence)).toBe(reason);
    expect(confidence.enough).toBe(reason === undefined);
    const { verdict } = judgeThreshold(10, 50, 45, confidence, false);
    expect(verdict).toBe(reason === undefined ? 'PASS' : 'INCONCLUSIVE');
  });

  it('a threshold is judged by the low end', () => {
    const enough = confidenceOf(30, 5000, NONE, []);
    expect(judgeThreshold(15, 20, 12, enough, false)).toMatchObject({ verdict: 'FAIL', judged: 12 });
    expect(judgeThreshold(15, 20, undefined, enough, false).verdict).toBe('PASS');
    expect(judgeThreshold(15, null, undefined, enough, false).verdict).toBe('INCONCLUSIVE');
    expect(judgeThreshold(15, 20, 12, enough, true).verdict).toBe('INCONCLUSIVE');
  });
});
