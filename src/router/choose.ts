import type { Side } from '../world.ts';

/** Whether a side may stand in for the other when that fails. */
export interface FallbackPolicy {
  toLegacy: boolean;
  /** Never at ratio 0, after a rollback or an emergency, or while the flag is not certain. */
  toTarget: boolean;
}

/** What the flag says now. */
export interface FlagNow {
  /** Share of the requests that go to target; 0 when there is no flag, or one that is switched off. */
  ratio: number;
  /** Kind of the operation that wrote the flag last, where it is known. */
  kind: string | null;
  /** The flag was read well, and lately. */
  certain: boolean;
}

export interface Choice {
  side: Side;
  /** There is no other side to go to, and this one is to be asked though its circuit is open. */
  pastBreaker: boolean;
}

/**
 * The side to ask next, or undefined when there is none left. A side whose circuit is open is left out, unless the
 * flag sends the request there and nothing else is left: to fail at once would turn a hiccup of a side into an outage
 * as long as its circuit stays open.
 * @param sent where the flag sends this request now.
 * @param asked the sides that this request was sent to already.
 */
export function nextSide(
  sent: Side,
  flag: FlagNow,
  policy: FallbackPolicy,
  asked: ReadonlySet<Side>,
  admits: (side: Side) => boolean,
): Choice | undefined {
  const other: Side = sent === 'legacy' ? 'target' : 'legacy';
  const open = [sent, other].find(
    (side) => !asked.has(side) && maySend(side, sent, flag, policy) && admits(side),
  );
  if (open) return { side: open, pastBreaker: false };
  return asked.has(sent) ? undefined : { side: sent, pastBreaker: true };
}

/** Whether a request that the flag sends to `sent` may go to `side`. */
export function maySend(side: Side, sent: Side, flag: FlagNow, policy: FallbackPolicy): boolean {
  if (side === sent) return true;
  if (side === 'legacy') return policy.toLegacy;
  const goingBack = flag.kind === 'emergency' || flag.kind === 'rollback';
  return policy.toTarget && flag.certain && flag.ratio > 0 && !goingBack;
}
