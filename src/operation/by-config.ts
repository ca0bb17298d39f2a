import { isDeepStrictEqual } from 'node:util';
import type { StepEnd } from './journal.ts';
import type { PlannedStep } from './plan.ts';

/** Code of a DNS step that has written the config's values because no journal could be read. */
export const BY_CONFIG = 'DNS_BY_CONFIG';

export const NOT_YET_BACK = 'the config’s values are written, not yet what was there before';

/**
 * The end of a step of an emergency that no journal could be read for: where it has written the config's values it has
 * not come to its end, as only the journal knows what was there before. Pure.
 */
export function endByConfig({ kind, wants }: PlannedStep, end: StepEnd): StepEnd {
  const wrote = Array.isArray(end.after) && !isDeepStrictEqual(end.before, end.after);
  if (kind !== 'dns' || wants === undefined || end.outcome !== 'done' || !wrote) return end;
  return {
    ...end,
    outcome: 'failed',
    error: NOT_YET_BACK,
    code: BY_CONFIG,
    hint: 'once the journal can be read, `cutover resume` puts back what was there before',
  };
}
