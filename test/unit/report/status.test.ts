import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { renderLadder } from '../../../src/report/ladder.ts';
import { foldText, renderRows } from '../../../src/report/rows.ts';

const LADDER = [0.01, 0.05, 0.1, 0.25, 0.5, 1];

describe('the ladder', () => {
  it.each([
    [0, '[0]─ 1 ─ 5 ─ 10 ─ 25 ─ 50 ─ 100 %'],
    [0.1, '1 ─ 5 ─[10]─ 25 ─ 50 ─ 100 %'],
    [0.12, '1 ─ 5 ─ 10 ─[12]─ 25 ─ 50 ─ 100 %'],
    [1, '1 ─ 5 ─ 10 ─ 25 ─ 50 ─[100] %'],
  ])('shows where %d stands', (ratio, text) => {
    expect(renderLadder(LADDER, ratio)).toBe(text);
  });

  it('of one rung', () => {
    expect(renderLadder([1], 1)).toBe('[100] %');
  });
});

describe('rows', () => {
  it('are aligned and wrapped, and a figure stays with its sign', () => {
    const rows = [
      { label: 'flag', text: 'sends 10 % to target' },
      { label: '', text: 'x'.repeat(12), paint: (text: string) => `<${text}>` },
    ];
    expect(renderRows(rows, 16)).toBe('flag  sends 10 %\n      to target\n      <xxxxxxxxxx>\n      <xx>');
  });

  it('lose nothing at any width', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1 }), fc.integer({ min: 4, max: 60 }), (text, columns) => {
        const lines = foldText(text, columns);
        expect(lines.join('').replaceAll(' ', '')).toBe(text.replaceAll(' ', ''));
        for (const line of lines) expect([...line].length).toBeLessThanOrEqual(columns);
      }),
    );
  });
});
