import { describe, expect, it } from 'vitest';
import { clean, jsonText } from '../../../src/clean.ts';
import { count, days, moneyIn, ms, share } from '../../../src/report/assessment/numbers.ts';
import { linearScale, logScale } from '../../../src/report/assessment/svg.ts';
import { shorten } from '../../../src/report/assessment/words.ts';
import { grid } from '../../../src/report/grid.ts';
import { width, wrap } from '../../../src/report/text.ts';

describe('numbers', () => {
  it('have units and no more digits than mean something', () => {
    expect(count(1234567.4)).toBe('1,234,567');
    expect([ms(12345.6), ms(99.96), ms(0.5)]).toEqual(['12,346 ms', '100 ms', '0.5 ms']);
    expect([share(0.123456), share(0.00001), share(1)]).toEqual(['12.35 %', '< 0.01 %', '100 %']);
    expect([days(30), days(1), days(0.25)]).toEqual(['30 days', '1 day', '0.25 days']);
  });

  it('money keeps two digits below a cent', () => {
    const usd = moneyIn(undefined);
    expect([usd(1200), usd(-0.5), usd(0.00042), usd(0)]).toEqual([
      '$1,200.00',
      '-$0.50',
      '$0.00042',
      '$0.00',
    ]);
    expect(moneyIn({ code: 'EUR', perUsd: 0.5 })(10)).toBe('EUR 5.00');
  });
});

describe('text', () => {
  it('columns are aligned by what a terminal shows', () => {
    expect(width('漢字')).toBe(4);
    const lines = grid(
      [
        { title: 'Name', align: 'left' },
        { title: 'n', align: 'right' },
      ],
      [
        ['漢字', '1'],
        ['abcd', '22'],
      ],
    );
    expect(lines).toEqual(['Name   n', '漢字   1', 'abcd  22']);
  });

  it('wraps between words and never between a number and its unit', () => {
    expect(wrap('savings of 45 % are fine', 13)).toEqual(['savings of', '45 % are fine']);
    expect(wrap('took about 12 ms', 13)).toEqual(['took about', '12 ms']);
  });

  it('long names keep both ends', () =>
    expect(shorten('a-very-long-model-name-v2', 13)).toBe('a-very-l…e-v2'));

  it('control and direction characters become visible, in text and in JSON', () => {
    expect(clean('a\u001b[31m\u202eb\n')).toBe('a\\x1b[31m\\u{202e}b\\x0a');
    const text = jsonText({ 'k\u009b': 'v\u202e\u001b\n' });
    expect(text).not.toMatch(/[\u009b\u202e]/);
    expect(JSON.parse(text)).toEqual({ 'k\u009b': 'v\u202e\u001b\n' });
  });
});

describe('scales', () => {
  it('begin at 0 and end at a round number', () => {
    const scale = linearScale(0.83, 100, 0);
    expect(scale.ticks.at(-1)).toBeCloseTo(1);
    expect(scale(0)).toBe(100);
    expect(linearScale(0, 0, 10).ticks.length).toBeGreaterThan(1);
  });

  it('put decades at equal distances', () => {
    const scale = logScale(10, 1000, 0, 100);
    expect(scale(100) - scale(10)).toBeCloseTo(scale(1000) - scale(100));
    expect(scale.ticks).toEqual([10, 30, 100, 300, 1000]);
  });
});
