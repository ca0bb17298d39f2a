import { describe, expect, it } from 'vitest';
import { progressLine } from '../../../src/cli/assess-progress.ts';

const progress = { source: '/logs/usage.jsonl', bytes: 120e6, totalBytes: 480e6, records: 400_000 };

describe('the progress of an assessment', () => {
  it('tells bytes, records, rate and time left', () => {
    expect(progressLine(progress, 2000, 79)).toBe(
      'usage.jsonl  120 of 480 MB, 400,000 records, 60 MB/s, 6 s left',
    );
    expect(progressLine({ ...progress, totalBytes: undefined }, 2000, 79)).toBe(
      'usage.jsonl  120 MB, 400,000 records, 60 MB/s',
    );
  });

  it('shortens the name rather than the figures, and never is wider than the terminal', () => {
    const long = { ...progress, source: `/logs/${'usage-'.repeat(20)}.jsonl` };
    expect(progressLine(long, 2000, 79)).toMatch(/^usage-\S+… {2}120 of .* 6 s left$/);
    expect(progressLine(long, 2000, 60)).toMatch(/^usage-us… {2}120 of /);
    for (const width of [20, 40, 60, 79])
      expect(progressLine(long, 2000, width).length).toBeLessThanOrEqual(width);
  });
});
