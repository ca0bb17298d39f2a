import { describe, expect, it } from 'vitest';
import { lnEPass, newTest, thresholds } from '../../../src/canary/e-test.ts';
import type { Guardrail } from '../../../src/canary/guardrails.ts';
import { healthOf, judge, pairsNeeded, type Tests, updateTests } from '../../../src/canary/judge.ts';
import type { Pair } from '../../../src/canary/pair.ts';
import { broken, noBaseline, pair, sample, times } from './pairs.ts';

const guardrails: Guardrail[] = [
  { metric: 'errors', margin: 0.05 },
  { metric: 'latencyP50', margin: 0.1 },
];
const limits = thresholds(guardrails.length);

const good = () => pair();
const targetDown = (): Pair => ({ probe: 0, legacy: sample(), target: broken() });
const legacyDown = (): Pair => ({ probe: 0, legacy: broken(), target: sample() });
const bothDown = (): Pair => ({ probe: 0, legacy: broken(), target: broken() });

/** Plays runs one after the other, as the canary does, and gives the verdict of each. */
function play(runs: Pair[][], start: Tests = {}) {
  let tests = start;
  let earlier: Pair[] = [];
  const judgements = runs.map((pairs) => {
    const run = { pairs, baseline: noBaseline, health: healthOf(pairs, earlier) };
    if (pairs.length > 0) tests = updateTests(tests, guardrails, run, limits);
    earlier = [...earlier, ...pairs];
    return judge(tests, guardrails, run, limits);
  });
  return {
    tests,
    verdicts: judgements.map(({ verdict }) => verdict),
    reasons: judgements.map(({ reasons }) => reasons.map(({ code }) => code)),
    last: judgements.at(-1),
  };
}

describe('the judge', () => {
  it('passes when every guardrail is proven kept, and says what is missing until then', () => {
    const { verdicts, last } = play(times(5, () => times(20, good)));
    expect(verdicts).toEqual(['INCONCLUSIVE', 'INCONCLUSIVE', 'INCONCLUSIVE', 'INCONCLUSIVE', 'PASS']);
    expect(last?.reasons).toEqual([{ code: 'all_passed', text: 'every guardrail is proven kept' }]);
    const early = play([times(20, good)]).last;
    expect(early?.reasons).toEqual([{ code: 'too_few_pairs', text: 'errors: about 69 more pairs to PASS' }]);
  });

  it('fails a target that fails every call at run 2, not at run 1', () => {
    const { verdicts, reasons } = play([times(20, targetDown), times(20, targetDown)]);
    expect(verdicts).toEqual(['INCONCLUSIVE', 'FAIL']);
    expect(reasons[1]).toEqual(['guardrail_failed']);
  });

  it('has no verdict on no data, and leaves the tests alone', () => {
    const before = play([times(20, good)]);
    const after = play([[]], before.tests);
    expect(after.verdicts).toEqual(['INCONCLUSIVE']);
    expect(after.reasons).toEqual([['no_data']]);
    expect(after.tests).toBe(before.tests);
  });

  it('lets a dead legacy pass nothing', () => {
    const { verdicts, reasons, tests } = play(times(30, () => times(20, legacyDown)));
    expect(new Set(verdicts)).toEqual(new Set(['INCONCLUSIVE']));
    expect(reasons[29]).toEqual(['legacy_unhealthy']);
    expect(lnEPass(tests.errors ?? newTest())).toBe(0);
  });

  it('notices a dead legacy in runs of one pair', () => {
    const { verdicts, tests } = play(times(100, () => [legacyDown()]));
    expect(verdicts).not.toContain('PASS');
    expect(tests.errors?.passed).toBe(false);
  });

  it('an unhealthy legacy holds even what had passed before', () => {
    const passed = play(times(5, () => times(20, good)));
    expect(play([times(20, legacyDown)], passed.tests).reasons).toEqual([['legacy_unhealthy']]);
  });

  it('says that a rollback cannot help when both fail', () => {
    const { verdicts, reasons } = play(times(5, () => times(20, bothDown)));
    expect(new Set(verdicts)).toEqual(new Set(['INCONCLUSIVE']));
    expect(reasons[4]).toEqual(['both_failing']);
  });

  it('still fails a target that is much worse than an ailing legacy', () => {
    const run = () => times(20, (i) => (i < 5 ? bothDown() : targetDown()));
    expect(play([run(), run(), run()]).verdicts).toContain('FAIL');
  });

  it('an early PASS of one guardrail does not hide a later FAIL', () => {
    const passed = play(times(5, () => times(20, good)));
    const slow = () => times(20, () => pair({ latencyMs: 1000 }, { latencyMs: 3000 }));
    const { verdicts } = play(
      times(12, () => slow()),
      passed.tests,
    );
    expect(verdicts.at(-1)).toBe('FAIL');
  });

  it('says why p95 cannot be judged yet', () => {
    const p95: Guardrail[] = [{ metric: 'latencyP95', margin: 0.25 }];
    const run = {
      pairs: times(20, good),
      baseline: { ...noBaseline, samples: 40 },
      health: healthOf([], []),
    };
    expect(judge({}, p95, run, thresholds(1)).reasons).toEqual([
      {
        code: 'no_baseline',
        text: "latencyP95: legacy's p95 needs 400 earlier legacy samples; there are 40",
      },
    ]);
  });

  it('estimates before the first pair what a clean canary takes', () => {
    expect(pairsNeeded(newTest(), { metric: 'errors', margin: 0.005 }, limits)).toEqual({
      pass: 905,
      fail: null,
    });
  });
});

describe('health', () => {
  it('is judged over ten pairs at least', () => {
    expect(healthOf([legacyDown()], []).legacyUnhealthy).toBe(false);
    expect(healthOf([legacyDown()], [legacyDown()]).legacyUnhealthy).toBe(true);
    const forgotten = [legacyDown(), ...times(10, good)];
    expect(healthOf([legacyDown()], forgotten).legacyUnhealthy).toBe(false);
  });

  it('of a run of ten pairs or more is its own: 20 % errors are too many', () => {
    const run = (bad: number) => times(20, (i) => (i < bad ? legacyDown() : good()));
    expect(healthOf(run(3), times(50, legacyDown)).legacyUnhealthy).toBe(false);
    expect(healthOf(run(4), []).legacyUnhealthy).toBe(true);
  });
});
