import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startBackstage } from './backstage.ts';
import { startFlagdReader } from './flagd-reader.ts';
import { describeHistory, type History, histories, historyOf } from './history.ts';
import { install } from './installation.ts';
import { KNOWN } from './known.ts';
import { canPlay, lookForMeans, NOBODY } from './means.ts';
import { type Outcome, runHistory } from './run.ts';
import { Tally } from './tally.ts';
import type { Scene } from './world.ts';

/**
 * Histories at the reader: what people, crashes, stopped processes, wrong clocks and slow stores do to a migration,
 * with the real command. After an emergency has said "safe", every reader sees 0 % until a later forward operation
 * begins; or it did not say so.
 *
 * Many: CUTOVER_HISTORIES=2000. One again, with what happened when: CUTOVER_HISTORY_SEED=17 (or the name of a known
 * one); made as small as it still fails: CUTOVER_HISTORY_SHRINK=120 (seconds) beside it.
 */

const SEED = process.env.CUTOVER_HISTORY_SEED;
const COUNT = Number(process.env.CUTOVER_HISTORIES ?? (SEED === undefined ? 3 : 1));
const SHRINK_S = Number(process.env.CUTOVER_HISTORY_SHRINK ?? 0);
/** They mostly wait; what they need of a processor is little. */
const AT_ONCE = Number(process.env.CUTOVER_HISTORIES_AT_ONCE ?? 6);
/** On a machine that has much else to do. */
const LONGEST_S = 90;

/** What a history is called by whoever plays it again. */
type Named = [name: string, history: History];

let scene: Scene;

beforeAll(async () => {
  if (!canPlay) return;
  const means = lookForMeans();
  const [backstage, reader] = [await startBackstage(), await startFlagdReader(means.users ? NOBODY : 0)];
  scene = { installation: install('histories'), means, backstage, reader };
}, 60_000);

afterAll(async () => {
  if (!canPlay) return;
  await scene.reader.stop();
  await scene.backstage.stop();
  scene.installation.remove();
}, 60_000);

it.skipIf(!canPlay)(
  'what an emergency calls safe is safe at every reader, whatever happens',
  async () => {
    const tally = new Tally();
    const queue = chosen().values();
    const worker = async () => {
      for (const [name, history] of queue) {
        const outcome = await runHistory(history, scene);
        tally.add(name, outcome);
        const show = outcome.violations.length > 0 || SEED !== undefined;
        if (show) process.stdout.write(report(name, history, outcome));
        if (tally.histories % 100 === 0) process.stdout.write(`${tally.toString()}\n`);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, worker));
    process.stdout.write(`${tally.toString()}\n`);
    if (SHRINK_S > 0 && tally.failures.length > 0) await shrink(Number(SEED));
    expect(tally.failures.map(({ name, violation }) => `seed ${name}: ${violation}`)).toEqual([]);
    // A test in which nothing happens finds nothing.
    if (SEED === undefined || COUNT >= 10)
      expect(Math.min(tally.looked, tally.moved, tally.safe, tally.operations)).toBeGreaterThan(COUNT / 3);
  },
  (COUNT * LONGEST_S * 1000) / AT_ONCE + 300_000,
);

/** The known ones and as many as are asked for; with a seed or a name that one, or from that seed on. */
function chosen(): Named[] {
  const known = Object.entries(KNOWN);
  const first = Number(SEED ?? 1);
  if (Number.isNaN(first)) return known.filter(([name]) => name === SEED);
  const drawn = Array.from({ length: COUNT }, (_, n): Named => [`${first + n}`, historyOf(first + n)]);
  return SEED === undefined ? [...known, ...drawn] : drawn;
}

function report(name: string, history: History, { violations, story }: Outcome): string {
  const wrong = violations.map((each) => `  ✗ ${each}`);
  return `\n${['', `seed ${name}`, describeHistory(history), ...story, ...wrong].join('\n')}\n`;
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
