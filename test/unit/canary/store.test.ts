import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import {
  latestRun,
  legacySamples,
  loadEvidence,
  type NewEvidence,
  type RunRecord,
  recordRun,
  stageRuns,
} from '../../../src/store/canary.ts';
import { pair, times } from './pairs.ts';
import { openDatabase } from './world.ts';

const run = (change: Partial<RunRecord> = {}): RunRecord => ({
  runId: 'r-1',
  actor: 'tester@here',
  stageId: 1,
  settings: 'a',
  at: 1000,
  verdict: 'INCONCLUSIVE',
  document: '{}',
  latencyP95Ms: 900,
  ttftP95Ms: null,
  legacyUnhealthy: false,
  pairs: [
    pair({ ttftMs: 12.5, costUsd: 0.01, invalid: false }, { latencyMs: 7.25, invalid: true }),
    { ...pair(), target: { status: 'timeout', latencyMs: 3000 } },
  ],
  ...change,
});
const tests = {
  errors: { fail: [0.1, 0.2, 0.3, 0.4, 0.5, 0.6], pass: [-1, -2, -3, -4, -5, -1e-9], passed: true, n: 2 },
};
const evidence = (basedOn: number, change: Partial<NewEvidence> = {}): NewEvidence => ({
  basedOn,
  tests,
  costCapUsd: 0.5,
  ...change,
});

describe('the canary in the store', () => {
  it('gives back what was recorded', () => {
    const db = openDatabase();
    expect(loadEvidence(db, 1, 'a')).toEqual({ version: 0, tests: {}, pairs: 0, costCapUsd: undefined });
    expect(recordRun(db, run(), evidence(0))).toBe('recorded');
    expect(loadEvidence(db, 1, 'a')).toEqual({ version: 1, tests, pairs: 2, costCapUsd: 0.5 });
    const stored = run();
    expect(stageRuns(db, 1)).toEqual([
      { latencyP95Ms: 900, ttftP95Ms: null, costCapUsd: 0.5, legacyUnhealthy: false, pairs: stored.pairs },
    ]);
    expect(latestRun(db, 1)).toMatchObject({
      runId: 'r-1',
      verdict: 'INCONCLUSIVE',
      at: 1000,
      settings: 'a',
    });
  });

  it('does not count a run id twice', () => {
    const db = openDatabase();
    recordRun(db, run(), evidence(0));
    expect(recordRun(db, run({ verdict: 'PASS' }), evidence(1))).toBe('duplicate');
    expect(loadEvidence(db, 1, 'a').pairs).toBe(2);
    expect(latestRun(db, 1)?.verdict).toBe('INCONCLUSIVE');
  });

  it('does not count the second of two runs that began from the same evidence', () => {
    const db = openDatabase();
    const [one, two] = [loadEvidence(db, 1, 'a'), loadEvidence(db, 1, 'a')];
    expect(recordRun(db, run({ runId: 'one' }), evidence(one.version))).toBe('recorded');
    expect(recordRun(db, run({ runId: 'two' }), evidence(two.version))).toBe('superseded');
    expect(loadEvidence(db, 1, 'a').pairs).toBe(2);
    expect(latestRun(db, 1)?.runId).toBe('one');
  });

  it('begins anew when the settings change, and each stage has its own evidence', () => {
    const db = openDatabase();
    recordRun(db, run({ runId: 'one' }), evidence(0));
    const changed = loadEvidence(db, 1, 'b');
    expect(changed).toEqual({ version: 1, tests: {}, pairs: 0, costCapUsd: undefined });
    const other = { cost: tests.errors };
    recordRun(db, run({ runId: 'two', settings: 'b' }), evidence(1, { tests: other, costCapUsd: null }));
    expect(loadEvidence(db, 1, 'b')).toEqual({ version: 2, tests: other, pairs: 2, costCapUsd: null });
    expect(stageRuns(db, 1)).toHaveLength(1);
    expect(loadEvidence(db, 2, 'b').pairs).toBe(0);
    expect(latestRun(db, 2)).toBeNull();
    // Going back to the first settings does not bring the first evidence back.
    expect(loadEvidence(db, 1, 'a').tests).toEqual({});
  });

  it('keeps the verdict of a run that proves nothing, and nothing else of it', () => {
    const db = openDatabase();
    recordRun(db, run({ runId: 'one' }), evidence(0));
    expect(recordRun(db, run({ runId: 'two', verdict: 'ERROR', at: 2000 }), null)).toBe('recorded');
    expect(latestRun(db, 1)).toMatchObject({ verdict: 'ERROR', at: 2000 });
    expect(loadEvidence(db, 1, 'a')).toMatchObject({ version: 1, pairs: 2 });
    expect(stageRuns(db, 1)).toHaveLength(1);
  });

  it('changes nothing when it fails half-way', () => {
    const db = openDatabase();
    const bad = run({ pairs: [{ ...pair(), target: { status: 'ok', latencyMs: Number.NaN } }] });
    expect(() => recordRun(db, bad, evidence(0))).toThrow(/NOT NULL/);
    expect(latestRun(db, 1)).toBeNull();
    expect(loadEvidence(db, 1, 'a').version).toBe(0);
  });

  it('gives the last successful legacy samples of every stage, newest first', () => {
    const db = openDatabase();
    recordRun(
      db,
      run({ runId: 'one', pairs: [pair({ latencyMs: 1, costUsd: 0.5 }), pair({ latencyMs: 2 })] }),
      evidence(0),
    );
    const failed = { ...pair(), legacy: { status: 'timeout', latencyMs: 9 } };
    recordRun(
      db,
      run({ runId: 'two', stageId: 2, settings: 'b', pairs: [failed, pair({ latencyMs: 3, ttftMs: 1 })] }),
      evidence(0),
    );
    expect(legacySamples(db, 'a')).toEqual([
      { latencyMs: 3, ttftMs: 1, costUsd: null, sameSettings: false },
      { latencyMs: 2, ttftMs: null, costUsd: null, sameSettings: true },
      { latencyMs: 1, ttftMs: null, costUsd: 0.5, sameSettings: true },
    ]);
    expect(legacySamples(db, 'a', 1)).toHaveLength(1);
  });

  it('does not grow for ever: the newest 10,000 pairs stay, whole', () => {
    const db = openDatabase();
    for (let i = 0; i < 11; i++) {
      recordRun(db, run({ runId: `r-${i}`, pairs: times(1000, () => pair({ latencyMs: i })) }), evidence(i));
    }
    const kept = stageRuns(db, 1);
    expect(kept.flatMap(({ pairs }) => pairs)).toHaveLength(10_000);
    expect(kept[0]?.pairs[0]?.legacy.latencyMs).toBe(1);
    expect(loadEvidence(db, 1, 'a').pairs).toBe(11_000);
  });
});

describe('two processes', () => {
  it('that record at the same time do not both count', () => {
    const dir = mkdtempSync(join(tmpdir(), 'cutover-'));
    onTestFinished(() => rmSync(dir, { recursive: true }));
    const [one, two] = [openDatabase(join(dir, 'state.db')), openDatabase(join(dir, 'state.db'))];
    const [a, b] = [loadEvidence(one, 1, 'a'), loadEvidence(two, 1, 'a')];
    expect(recordRun(two, run({ runId: 'two' }), evidence(b.version))).toBe('recorded');
    expect(recordRun(one, run({ runId: 'one' }), evidence(a.version))).toBe('superseded');
    expect(recordRun(one, run({ runId: 'two' }), evidence(1))).toBe('duplicate');
    expect(loadEvidence(one, 1, 'a')).toMatchObject({ version: 1, pairs: 2 });
  });
});
