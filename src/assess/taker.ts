import type { Bands } from '../pricing/bands.ts';
import type { BundleTaker } from '../usage/bundle.ts';
import type { UsageRecord } from '../usage/record.ts';
import { createDeduplicator, createSelector, type Selection } from '../usage/select.ts';
import { createZone } from '../usage/zone.ts';
import { createAdder } from './adder.ts';
import { type Grouping, groupKey } from './groups.ts';
import { createTally, MAX_MODELS, type Tally } from './tally.ts';

/** Which records are taken, and what they are kept apart by. Plain data, so that a worker can be told. */
export interface TakeRules {
  bands: Bands;
  selection: Selection;
  dedupe: boolean;
  by: Grouping | undefined;
  timezone: string;
}

/** Takes records into a tally of its own. */
export interface Taker {
  tally: Tally;
  /** Says why a record is not wanted; undefined when it was taken. */
  accept(record: UsageRecord): string | undefined;
  /** Takes records in bundles; undefined where one cannot tell from a bundle whether and how a record is taken. */
  bundles: BundleTaker | undefined;
  /** Whether there are so many groups or models that one thread alone should hold them. */
  isTooMuch(): boolean;
}

/** A log whose series are nearly as many as its records is known by so many. */
const MANY_SERIES = 5000;

/** @throws CutoverError UNKNOWN_TIMEZONE (exit 64). */
export function createTaker(rules: TakeRules): Taker {
  const zone = createZone(rules.timezone);
  const tally = createTally(rules.bands);
  const select = createSelector(rules.selection);
  const repeated = rules.dedupe ? createDeduplicator() : () => undefined;
  let taken = 0;
  const adder = createAdder(tally, { groupOf: groupKey(rules.by, zone), dayOf: zone.dayOf });
  return {
    tally,
    accept(record) {
      const unwanted = select(record) ?? repeated(record);
      if (unwanted !== undefined) return unwanted;
      taken++;
      adder.add(record);
      return undefined;
    },
    isTooMuch: () =>
      tally.attic !== undefined ||
      tally.models.size >= MAX_MODELS ||
      // Most have one record: it will come to that, and what was read until then is read again.
      (tally.series.size > MANY_SERIES && taken < 2 * tally.series.size),
    bundles: takesAll(rules)
      ? { ...adder, add: adder.addBundle, inputStarts: rules.bands.inputTokens }
      : undefined,
  };
}

/** Whether every record is taken, and none kept apart from others of its model. */
function takesAll({ selection, dedupe, by }: TakeRules): boolean {
  const { since, until, models, providers, users } = selection;
  const names = models.length + providers.length + users.length;
  return since === undefined && until === undefined && names === 0 && !dedupe && by === undefined;
}
