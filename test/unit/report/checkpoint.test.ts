import { describe, expect, it } from 'vitest';
import { type Difference, renderDiff } from '../../../src/report/checkpoint.ts';

const NAMES = { first: 'checkpoint 1', second: 'now' };
const DIFFERENCES: Difference[] = [
  { field: 'status', first: 'canary', second: 'complete' },
  { field: 'ratio', first: 0.1, second: 1 },
  {
    field: 'llm.example.test. A',
    first: '192.0.2.1 192.0.2.2 192.0.2.3 (TTL 300 s)',
    second: '198.51.100.1 198.51.100.2 198.51.100.3 (TTL 30 s)',
  },
];

describe('what differs between checkpoints', () => {
  it('is a table where there is room', () => {
    expect(renderDiff(NAMES, DIFFERENCES, 200).split('\n')).toHaveLength(4);
    expect(renderDiff(NAMES, DIFFERENCES, Number.POSITIVE_INFINITY)).toBe(
      renderDiff(NAMES, DIFFERENCES, 200),
    );
  });

  it.each([80, 48, 30])('keeps to %d columns, and leaves nothing out', (columns) => {
    const text = renderDiff(NAMES, DIFFERENCES, columns);
    for (const line of text.split('\n')) expect(line.length, line).toBeLessThanOrEqual(columns);
    const words = text.split(/\s+/);
    for (const { field, first, second } of DIFFERENCES.slice(2)) {
      for (const word of `${field} ${first} ${second}`.split(' ')) expect(words).toContain(word);
    }
  });

  it('is said at any width where there is none', () => {
    const text = renderDiff(NAMES, [], 20);
    for (const line of text.split('\n')) expect(line.length).toBeLessThanOrEqual(20);
    expect(text.replace(/\s+/g, ' ')).toBe('checkpoint 1 and now are the same');
  });
});
