import type { PlannedHook, PlannedStep } from '../operation/plan.ts';
import type { DnsRecordSet } from '../world.ts';
import { isOf, sameRecord } from './moved.ts';

/** A DNS step of an emergency of which the journal saw nothing. */
export interface UnseenStep {
  step: PlannedStep;
  /** What its records said before it, and what it may have written to them; null where that is nothing. */
  may: { before: DnsRecordSet[]; after: DnsRecordSet[] } | null;
}

/**
 * A step that is to put records back, of an emergency that this journal does not know. Such a one goes by the config:
 * it may have written what the config has for legacy, which is its own then and goes back like what our steps wrote.
 * Pure.
 */
export function unseenStep(step: PlannedStep, hooks: readonly PlannedHook[]): UnseenStep {
  const own = hooks.filter(({ server, sides }) => sides !== undefined && server === step.server);
  const config = own.flatMap(({ sides }) => sides?.legacy ?? []);
  const before: DnsRecordSet[] = [];
  const after: DnsRecordSet[] = [];
  const restore = step.restore?.map((move) => {
    const written = config.find(isOf(move.to));
    if (!written || [move.from, move.to].some((one) => sameRecord(one, written))) return move;
    before.push(move.from);
    after.push(written);
    return { ...move, or: [...(move.or ?? []), written] };
  });
  if (!restore || before.length === 0) return { step, may: null };
  return { step: { ...step, restore }, may: { before, after } };
}
