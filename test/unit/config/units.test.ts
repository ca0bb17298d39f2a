import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { didYouMean, suggest } from '../../../src/config/suggest.ts';
import {
  formatDuration,
  formatNumber,
  formatRatio,
  parseDuration,
  parsePoints,
  parseRatio,
} from '../../../src/config/units.ts';

describe('units', () => {
  it.each([
    ['10s', 10_000],
    ['250ms', 250],
    ['1.5m', 90_000],
    ['2h30m', 9_000_000],
    ['1d', 86_400_000],
    ['36525d', 36_525 * 86_400_000],
  ])('%s', (text, ms) => expect(parseDuration(text)).toBe(ms));

  it.each(['', '10', 's', '10 s', '-5s', '10x', '1h 30m', '10s!'])('refuses the duration %j', (text) => {
    expect(parseDuration(text)).toBeUndefined();
  });

  it.each(['36525d1ms', `${'9'.repeat(400)}d`])('refuses what no date may follow from: %j', (text) => {
    expect(parseDuration(text)).toBeUndefined();
  });

  it('writes durations that it reads back, to the second', () => {
    fc.assert(
      fc.property(fc.integer({ min: 60, max: 10_000_000 }), (seconds) => {
        expect(parseDuration(formatDuration(seconds * 1000))).toBe(seconds * 1000);
      }),
    );
  });

  it('reads a percentage as the nearest double', () => {
    expect(parseRatio('0.1%')).toBe(0.001);
    expect(parseRatio('33.3%')).toBe(33.3 / 100);
    expect(parsePoints('0.5pp')).toBe(0.005);
    expect(parsePoints('0.5%')).toBeUndefined();
    expect(formatRatio(0.001)).toBe('0.1 %');
    expect(formatRatio(1 / 3)).toBe('33.333 %');
    expect(formatRatio(1e-9)).toBe('less than 0.001 %');
    expect(formatRatio(1 - 1e-9)).toBe('more than 99.999 %');
    expect([formatRatio(0), formatRatio(1)]).toEqual(['0 %', '100 %']);
  });

  it('groups the thousands of a number as the locale en-US does', () => {
    const asLocale = (value: number, digits: number) =>
      value.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits });
    fc.assert(
      fc.property(fc.maxSafeInteger(), (value) => {
        expect(formatNumber(value)).toBe(asLocale(value, 0));
      }),
    );
    for (const value of [0, 0.5, 12.344, 999.99, 1234.5, -1234.56, 1e6])
      expect(formatNumber(value, 2)).toBe(asLocale(value, 2));
  });
});

describe('suggestions', () => {
  it('finds the name that was meant, and lists the known ones when none is near', () => {
    expect(suggest('laddr', ['ladder', 'stage'])).toBe('ladder');
    expect(suggest('Fiel', ['file', 'exec'])).toBe('file');
    expect(suggest('zzzzzz', ['file', 'exec'])).toBeUndefined();
    expect(didYouMean('zzzzzz', ['file', 'exec'])).toBe('known: file, exec');
  });
});
