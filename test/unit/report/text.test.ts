import { describe, expect, it } from 'vitest';
import { renderHistory } from '../../../src/report/history.ts';
import { wrapHanging } from '../../../src/report/text.ts';
import type { HistoryEntry } from '../../../src/store/history.ts';

describe('lines of a page that is narrow', () => {
  it('go on below what a label is followed by, and below the first word else', () => {
    const text = 'chat: safe: the flag sends all to legacy\n  left to do  one, two, three, four, five';
    expect(wrapHanging(text, 30)).toEqual([
      'chat: safe: the flag sends all',
      '  to legacy',
      '  left to do  one, two, three,',
      '              four, five',
    ]);
  });

  it('leave no more than half of the width to a label', () => {
    expect(wrapHanging('  a label that is long  then what it says', 30)).toEqual([
      '  a label that is long  then',
      '    what it says',
    ]);
  });

  it.each([48, 30])('break a reason in the history that has no space in it, at %i columns', (columns) => {
    const reason = 'x'.repeat(70);
    const entry: HistoryEntry = {
      ...{ seq: 1, at: 0, actor: 'ann@ops1', operationId: null, event: 'frozen', detail: { reason } },
    };
    const style = { red: String, green: String, yellow: String, bold: String, dim: String };
    const lines = renderHistory([entry], true, style, columns).split('\n');
    for (const line of lines) expect(line.length, line).toBeLessThanOrEqual(columns);
    expect(lines.join('').replace(/\s/g, '')).toContain(`“${reason}”,byann@ops1`);
  });
});
