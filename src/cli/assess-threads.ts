import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { createTaker, type TakeRules } from '../assess/taker.ts';
import { lumps, mergeTally, type Tally } from '../assess/tally.ts';
import { packageRoot } from '../package-root.ts';
import { type Crew, startCrew } from '../usage/fast/crew.ts';
import { createFast, type Fast } from '../usage/fast/fast.ts';
import type { InputFile } from '../usage/inputs.ts';

/** More threads take more memory, and the disk can no longer follow. */
const MAX_THREADS = 4;
/** To start a worker takes as long as to read so many bytes. */
const MIN_BYTES = 16 * 1024 * 1024;
const TASK_BYTES = 4 * 1024 * 1024;

/** The threads for some inputs, started; undefined where none is large enough for them. */
export function assessCrew(inputs: readonly InputFile[]): Crew<Tally> | undefined {
  if (!inputs.some(({ bytes = 0 }) => bytes >= MIN_BYTES)) return undefined;
  const entry = join(packageRoot(), 'dist', 'cli', 'assess-worker.mjs');
  // From source there is no worker: then this thread is the only one.
  const workers = existsSync(entry) ? Math.min(availableParallelism(), MAX_THREADS) - 1 : 0;
  return startCrew(pathToFileURL(entry), workers);
}

/** The fast way for `cutover assess`: what the threads have taken is merged into the tally. */
export function assessFast(crew: Crew<Tally> | undefined, rules: TakeRules, tally: Tally): Fast {
  const wants = { id: rules.dedupe, user: rules.by === 'user' || rules.selection.users.length > 0 };
  // What is a duplicate depends on all records before.
  if (!crew || rules.dedupe) return createFast({ wants });
  return createFast<Tally>({
    wants,
    threads: {
      crew,
      rules,
      createTaker() {
        const { tally: own, ...taker } = createTaker(rules);
        return { ...taker, result: () => own };
      },
      merge(tallies) {
        if (lumps([tally, ...tallies])) return false;
        for (const each of tallies) mergeTally(tally, each);
        return true;
      },
      minBytes: MIN_BYTES,
      taskBytes: TASK_BYTES,
    },
  });
}
