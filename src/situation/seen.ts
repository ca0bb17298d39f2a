import { formatRatio } from '../config/units.ts';
import type { Gate } from '../operation/plan.ts';
import { blocksForward, type OperationRecord } from '../operation/record.ts';
import { type Eligibility, eligibility, type Raise, raiseOf } from '../rollback/plan.ts';
import { driftGate, failGate, freezeGate, stageGates } from '../shift/gates.ts';
import { sameRatio } from '../world.ts';
import type { Facts, LeaseFact } from './facts.ts';

/** What follows from the facts at once, and what everything else is decided by. */
export interface Seen {
  /** The operation that runs now, or may: a holder of whom nothing is known is not gone. */
  running: LeaseFact | null;
  /** Operations that ended half-way, oldest first. */
  open: OperationRecord[];
  /** The one of these that may still have traffic where the state does not say: nothing is built on that. */
  unfinished: OperationRecord | null;
  /** What a forward step needs, as far as it can be told. */
  gates: Gate[];
  /** How the flag differs from the state, in words; null when it does not, or nobody can tell. */
  flagDrift: string | null;
  /** What the flag says; null when there is none or it was not read. */
  flagRatio: number | null;
  rollback: Eligibility;
  /** A rollback without `--to` would send more to target than now; null when it would not. */
  raisedBack: Raise | null;
}

export function seenIn(facts: Facts): Seen {
  const { state, flag } = facts;
  const running = runningIn(facts);
  const open = facts.open.filter(({ id }) => id !== running?.operation.id);
  const flagRatio = flag.is === 'read' ? flag.ratio : null;
  // An operation that runs is between two ratios: that is no drift.
  const known = running === null && (flag.is === 'read' || flag.is === 'absent');
  const flagGate = known
    ? driftGate({ ratio: state.ratio, wasSet: state.changedAt !== null }, flagRatio)
    : null;
  const drift = flagGate?.ok ? (otherDrift(facts) ?? flagGate) : flagGate;
  return {
    running,
    open,
    unfinished: open.findLast(blocksForward) ?? null,
    gates: [
      ...(facts.freeze ? [freezeGate(facts.freeze)] : []),
      ...(facts.fail
        ? [failGate({ ratio: facts.fail.ratio, explanations: facts.fail.document.explanations })]
        : []),
      ...(drift ? [drift] : []),
      ...stageGatesOf(facts),
    ],
    flagDrift: drift && !drift.ok ? drift.detail : null,
    flagRatio,
    rollback: wayBack(facts),
    raisedBack: raisedBack(facts, known ? flagRatio : undefined),
  };
}

function raisedBack(
  { state, backRatio, backProvider }: Facts,
  found: number | null | undefined,
): Raise | null {
  if (backRatio === null) return null;
  return raiseOf(state, found, { ratio: backRatio, activeProvider: backProvider ?? 'legacy' });
}

/** Whoever still reads the flag of an earlier config does as that says. */
function otherDrift({ otherFlags, state }: Facts): Gate | null {
  const off = otherFlags.find(({ ratio }) => ratio === null || (ratio > 0 && !sameRatio(ratio, state.ratio)));
  if (!off) return null;
  const says = off.ratio === null ? 'cannot be read' : `says ${formatRatio(off.ratio)}`;
  return { name: 'drift', ok: false, detail: `${off.label} ${says}, the state ${formatRatio(state.ratio)}` };
}

function runningIn({ lease }: Pick<Facts, 'lease'>): LeaseFact | null {
  return lease && lease.holder !== 'gone' ? lease : null;
}

/** Where a rollback without `--to` leads. */
export function wayBack(facts: Pick<Facts, 'state' | 'lease' | 'open' | 'newer'>): Eligibility {
  if (facts.newer) return { eligible: false, to: null, why: 'a newer cutover has written the state' };
  if (runningIn(facts)) return { eligible: false, to: null, why: 'an operation is running' };
  const { state, open } = facts;
  return eligibility({ world: state, previous: state.previous, open });
}

function stageGatesOf({ state, run, limits, now }: Facts): Gate[] {
  const { stage, status } = state;
  if (!stage || (status !== 'canary' && status !== 'rolling')) return [];
  return stageGates({ ratio: stage.ratio, since: stage.since, verdict: run }, limits, now);
}
