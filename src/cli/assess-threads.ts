import { joinTally } from '../assess/attic/stow.ts';
import { createTaker, type TakeRules } from '../assess/taker.ts';
import { lumps, type Tally } from '../assess/tally.ts';
import type { Crew } from '../usage/fast/crew.ts';
import { createFast, type Fast } from '../usage/fast/fast.ts';
import { MIN_BYTES } from './assess-crew.ts';

const TASK_BYTES = 4 * 1024 * 1024;

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
        for (const each of tallies) joinTally(tally, each);
        return true;
      },
      minBytes: MIN_BYTES,
      taskBytes: TASK_BYTES,
    },
  });
}
