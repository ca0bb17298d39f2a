import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseTimestamp } from '../../../src/usage/time.ts';

const AT = Date.UTC(2026, 7, 20, 10, 0, 0, 120);

describe('parseTimestamp', () => {
  it.each([
    ['2026-08-20T10:00:00.120Z'],
    ['2026-08-20T10:00:00.12Z'],
    ['2026-08-20T12:00:00.120+02:00'],
    ['2026-08-20T04:30:00.120-0530'],
    ['2026-08-20 10:00:00.120'],
    ['2026-08-20 10:00:00.120 UTC'],
    [AT],
    [String(AT)],
    [AT / 1000],
    [String(AT / 1000)],
    [AT * 1000],
  ])('%s', (text) => expect(parseTimestamp(text)).toBe(AT));

  it('a time without a zone is UTC wherever it is read', () => {
    expect(parseTimestamp('2026-08-20T10:00:00')).toBe(Date.UTC(2026, 7, 20, 10));
    expect(parseTimestamp('2026-08-20')).toBe(Date.UTC(2026, 7, 20));
  });

  it('keeps fractions of a millisecond, and reads nanoseconds', () => {
    expect(parseTimestamp('2026-08-20T10:00:00.120456Z')).toBeCloseTo(AT + 0.456, 3);
    expect(parseTimestamp('1787220000120000000')).toBe(Date.UTC(2026, 7, 20, 10, 0, 0, 120));
  });

  it.each([
    'yesterday',
    '',
    '2026-13-01',
    '2026-02-30',
    '2026-08-20T25:00:00Z',
    '12345',
    0,
    -1,
    Number.NaN,
    1e30,
    true,
    {},
    '1999-01-01T00:00:00Z',
  ])('%s is not a time', (value) => expect(parseTimestamp(value)).toBeUndefined());

  it('reads back every ISO time', () => {
    const range = { min: new Date('2001-01-01'), max: new Date('2100-12-31'), noInvalidDate: true };
    fc.assert(fc.property(fc.date(range), (date) => parseTimestamp(date.toISOString()) === date.getTime()));
  });
});
