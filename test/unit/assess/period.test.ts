import { describe, expect, it } from 'vitest';
import { periodOf } from '../../../src/assess/period.ts';
import { recommend } from '../../../src/assess/recommend.ts';

const HOUR = 3_600_000;
const START = Date.UTC(2026, 5, 1);
const of = (from: number | undefined, to: number | undefined, timed: number, until?: number) =>
  periodOf({ from, to, until, timed });

describe('the period', () => {
  it('a record a day for 30 days is 30 days, not 29', () => {
    expect(of(START, START + 29 * 24 * HOUR, 30).days).toBe(30);
  });

  it('a partly covered day counts for its part', () => {
    // Every hour from noon of the first day to noon of the third: two days.
    expect(of(START + 12 * HOUR, START + 59 * HOUR, 48).days).toBe(2);
  });

  it('of aggregates ends where the last one ends', () => {
    expect(of(START, START + 29 * 24 * HOUR, 90, START + 30 * 24 * HOUR).days).toBe(30);
  });

  it('is unknown without timestamps, and without length for a single moment', () => {
    expect(of(undefined, undefined, 0)).toEqual({ from: null, to: null, days: null });
    expect(of(START, START, 5).days).toBeNull();
  });
});

describe('the recommendation', () => {
  it.each([
    [30.1, 'HIGH'],
    [30, 'MEDIUM'],
    [15.1, 'MEDIUM'],
    [15, 'LOW'],
    [0, 'LOW'],
    [-20, 'LOW'],
  ])('%f %% is %s', (percent, level) => expect(recommend(percent, undefined).level).toBe(level));
});
