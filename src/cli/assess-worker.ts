import { createTaker, type TakeRules } from '../assess/taker.ts';
import { buffersOf, type Tally } from '../assess/tally.ts';
import { serve } from '../usage/fast/worker.ts';

// A thread of `cutover assess`: takes its share of a large log into a tally of its own.
serve<TakeRules, Tally>((rules) => {
  const { tally, ...taker } = createTaker(rules);
  return { ...taker, result: () => tally };
}, buffersOf);
