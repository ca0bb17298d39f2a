import { describe, expect, it } from 'vitest';
import type { CanaryDocument } from '../../../src/canary/document.ts';
import { watch } from '../../../src/canary/watch.ts';
import { STAGE } from './world.ts';

const document = (change: Partial<CanaryDocument>): CanaryDocument => ({
  schemaVersion: 1,
  command: 'canary run',
  migration: 'm',
  verdict: 'INCONCLUSIVE',
  reasons: ['too_few_pairs'],
  explanations: ['errors: about 10 more pairs to PASS'],
  stage: null,
  pairs: 0,
  guardrails: [],
  measured: [],
  warnings: [],
  run: null,
  ...change,
});

/** Plays a canary whose runs take `runMs` each on a clock that only moves by them and by sleeping. */
async function play(verdicts: Partial<CanaryDocument>[], runMs: number) {
  let clock = 0;
  const ids: string[] = [];
  const starts: number[] = [];
  const left: number[] = [];
  const result = await watch({
    canary: {
      async check(_stage, runId) {
        ids.push(runId);
        starts.push(clock);
        clock += runMs;
        return document(verdicts[Math.min(ids.length, verdicts.length) - 1] ?? {});
      },
      close: async () => {},
    },
    stage: () => STAGE,
    runId: 'r',
    durationMs: 60_000,
    intervalMs: 5000,
    now: () => clock,
    sleep: async (ms) => {
      clock += ms;
    },
    onRun: (_document, ms) => left.push(ms),
  });
  return { result, ids, starts, left };
}

describe('watching a canary', () => {
  it('stops at PASS', async () => {
    const { result, ids, starts, left } = await play(
      [{}, {}, { verdict: 'PASS', reasons: ['all_passed'] }],
      1000,
    );
    expect(result).toMatchObject({ verdict: 'PASS', reasons: ['all_passed'] });
    expect(ids).toEqual(['r-1', 'r-2', 'r-3']);
    expect(starts).toEqual([0, 5000, 10_000]);
    expect(left).toEqual([59_000, 54_000, 49_000]);
  });

  it('stops at FAIL', async () => {
    expect((await play([{}, { verdict: 'FAIL' }], 1000)).ids).toHaveLength(2);
  });

  it('is INCONCLUSIVE when the time is over, whatever the guardrails were near to', async () => {
    const { result, ids } = await play([{}], 1000);
    expect(ids).toHaveLength(12);
    expect(result.verdict).toBe('INCONCLUSIVE');
    expect(result.reasons).toEqual(['budget', 'too_few_pairs']);
  });

  it('begins the next run at once when one takes longer than the interval, and none after the end', async () => {
    const { starts } = await play([{}], 25_000);
    expect(starts).toEqual([0, 25_000, 50_000]);
  });

  it('goes on when the network is away, and ends in ERROR when it stays away', async () => {
    const away: Partial<CanaryDocument> = { verdict: 'ERROR', reasons: ['unreachable'] };
    expect((await play([away, {}, { verdict: 'PASS' }], 1000)).result.verdict).toBe('PASS');
    expect((await play([away], 1000)).result).toMatchObject({ verdict: 'ERROR', reasons: ['unreachable'] });
  });

  it('does not wait for what will not come: no stage, no key', async () => {
    expect((await play([{ reasons: ['no_stage'] }], 1000)).ids).toHaveLength(1);
    expect((await play([{ verdict: 'ERROR', reasons: ['no_key'] }], 1000)).ids).toHaveLength(1);
  });
});
