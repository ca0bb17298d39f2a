import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startBackstage } from './backstage.ts';
import { startFlagdReader } from './flagd-reader.ts';
import { describeHistory, histories, historyOf } from './history.ts';
import { install } from './installation.ts';
import { lookForMeans, NOBODY } from './means.ts';
import { type Outcome, runHistory } from './run.ts';
import { Tally } from './tally.ts';
import type { Scene } from './world.ts';

/**
 * Histories at the reader: what people, crashes, stopped processes, wrong clocks and slow stores do to a migration,
 * with the real command. After an emergency has said "safe", every reader sees 0 % until a later forward operation
 * begins; or it did not say so.
 *
 * Many: CUTOVER_HISTORIES=2000. One again, with what happened when: CUTOVER_HISTORY_SEED=17; made as small as it
 * still fails: CUTOVER_HISTORY_SHRINK=120 (seconds) beside it.
 */

const SEED = process.env.CUTOVER_HISTORY_SEED;
const FIRST = Number(SEED ?? 1);
const COUNT = Number(process.env.CUTOVER_HISTORIES ?? (SEED === undefined ? 18 : 1));
const SHRINK_S = Number(process.env.CUTOVER_HISTORY_SHRINK ?? 0);
/** They mostly wait; what they need of a processor is little. */
const AT_ONCE = Number(process.env.CUTOVER_HISTORIES_AT_ONCE ?? 6);
const LONGEST_S = 90;

let scene: Scene;

beforeAll(async () => {
  const means = lookForMeans();
  const [backstage, reader] = [await startBackstage(), await startFlagdReader(means.users ? NOBODY : 0)];
  scene = { installation: install('histories'), means, backstage, reader };
}, 60_000);

afterAll(async () => {
  await scene.reader.stop();
  await scene.backstage.stop();
  scene.installation.remove();
}, 60_000);

it(
  `${COUNT} histories: what an emergency calls safe is safe at every reader`,
  async () => {
    const tally = new Tally();
    const seeds = Array.from({ length: COUNT }, (_, index) => FIRST + index).values();
    const one = async () => {
      for (const seed of seeds) {
        const history = historyOf(seed);
        const outcome = await runHistory(history, scene);
        tally.add(seed, outcome);
        if (outcome.violations.length > 0 || COUNT === 1)
          process.stdout.write(report(seed, describeHistory(history), outcome));
        if (tally.histories % 100 === 0) process.stdout.write(`${tally.toString()}\n`);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, one));
    process.stdout.write(`${tally.toString()}\n`);
    if (SHRINK_S > 0 && tally.failures[0]) await shrink(tally.failures[0].seed);
    expect(tally.failures.map(({ seed, violation }) => `seed ${seed}: ${violation}`)).toEqual([]);
    // A test in which nothing happens finds nothing.
    if (COUNT >= 10) expect(Math.min(tally.looked, tally.moved, tally.safe)).toBeGreaterThan(COUNT / 4);
  },
  (COUNT * LONGEST_S * 1000) / AT_ONCE + 120_000,
);

function report(seed: number, description: string, { violations, story }: Outcome): string {
  return `\nseed ${seed}\n${description}\n${story.join('\n')}\n${violations.map((each) => `  ✗ ${each}`).join('\n')}\n`;
}

/** Looks for a smaller history that fails too, and prints it. */
async function shrink(seed: number): Promise<void> {
  const { counterexample } = await fc.check(
    fc.asyncProperty(histories, async (history) => {
      const { violations } = await runHistory(history, scene);
      if (violations.length > 0) throw new Error(violations.join('; '));
    }),
    { seed, numRuns: 1, interruptAfterTimeLimit: SHRINK_S * 1000 },
  );
  if (counterexample)
    process.stdout.write(`\nseed ${seed}, smaller:\n${describeHistory(counterexample[0])}\n`);
}
