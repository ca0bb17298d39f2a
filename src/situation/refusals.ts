import { CutoverError, EXIT } from '../errors.ts';
import { LeaseHeld } from '../operation/lease.ts';
import { unfinished } from '../operation/unfinished.ts';
import { notEligible, rollbackRaises } from '../rollback/plan.ts';
import { gateRefusal } from '../shift/gates.ts';
import { nextRung } from '../shift/ladder.ts';
import { flagRaises, raisesFlag } from '../shift/mend.ts';
import { cannotShift, cannotStart } from '../shift/plan.ts';
import { endings, frozenForward } from './endings.ts';
import type { Facts } from './facts.ts';
import type { Seen } from './seen.ts';

/** The commands that ask whether they may. */
export const ASKING = [
  'canary start',
  'canary check',
  'canary run',
  'canary status',
  'shift',
  'rollback',
  'resume',
  'resume --flag',
  'freeze',
  'unfreeze',
  'checkpoint create',
  'checkpoint pin',
  'checkpoint unpin',
  'checkpoint prune',
  'checkpoint import',
] as const;
export type Asking = (typeof ASKING)[number];

/**
 * Why a command may not even be planned now, whatever its options; null when it may.
 * Running comes before unfinished, and both before any other reason.
 */
export function refusalOf(facts: Facts, seen: Seen, asking: Asking): CutoverError | null {
  if (facts.newer && asking !== 'canary status') return facts.newer;
  switch (asking) {
    case 'freeze':
    case 'unfreeze':
      // Stopping forward steps is always right, and nothing moves when that is lifted.
      return null;
    case 'canary check':
    case 'canary run':
    case 'canary status':
      // Judging goes on while an operation runs: one that hangs must not keep a FAIL from being seen.
      return halfDone(facts, seen);
    case 'rollback':
      return heldBy(seen);
    case 'resume':
      return heldBy(seen) ?? frozenForward(facts, seen.open.at(-1));
    case 'checkpoint create':
    case 'checkpoint pin':
    case 'checkpoint unpin':
    case 'checkpoint prune':
    case 'checkpoint import':
      return busy(facts, seen);
    case 'canary start':
    case 'shift':
      return busy(facts, seen) ?? unreadable(facts);
    case 'resume --flag':
      return busy(facts, seen) ?? unreadable(facts) ?? notMendable(facts, seen);
  }
}

/** What each command would be refused with when it is typed as it stands here, without options; null when it may. */
export function mayOf(facts: Facts, seen: Seen): Record<Asking, CutoverError | null> {
  return Object.fromEntries(
    ASKING.map((asking) => [asking, refusalOf(facts, seen, asking) ?? optional(facts, seen, asking)]),
  ) as Record<Asking, CutoverError | null>;
}

/** What options of the command (`--force`, `--to`) could open. */
function optional(facts: Facts, seen: Seen, asking: Asking): CutoverError | null {
  const { state, ladder } = facts;
  const gates = (to: number) =>
    gateRefusal(seen.gates, to, { forced: false, verdict: facts.run?.verdict ?? null });
  if (asking === 'canary start') return cannotStart(state) ?? gates(facts.canaryRatio);
  if (asking === 'shift') return cannotShift(state, seen.gates) ?? gates(nextRung(ladder, state.ratio) ?? 1);
  if (asking === 'rollback') return backRefusal(facts, seen);
  if (asking === 'resume --flag' && raisesFlag(state, seen.flagRatio)) {
    return flagRaises(state, seen.flagRatio);
  }
  return null;
}

/** A rollback without `--to`. */
function backRefusal({ freeze }: Facts, seen: Seen): CutoverError | null {
  if (!seen.rollback.eligible) return notEligible(seen.rollback, seen.open);
  return seen.raisedBack && rollbackRaises(seen.raisedBack, freeze);
}

function busy(facts: Facts, seen: Seen): CutoverError | null {
  return heldBy(seen) ?? halfDone(facts, seen);
}

function halfDone(facts: Facts, seen: Seen): CutoverError | null {
  const operation = seen.unfinished;
  return operation && unfinished(operation, endings(facts, seen, operation));
}

function heldBy({ running }: Seen): CutoverError | null {
  return running && new LeaseHeld(running.lease, running.holder);
}

function unreadable({ flag }: Facts): CutoverError | null {
  return flag.is === 'unreadable' ? flag.error : null;
}

function notMendable(facts: Facts, { flagDrift, flagRatio, gates }: Seen): CutoverError | null {
  if (facts.flag.is === 'not asked') return null;
  if (flagDrift === null) {
    return new CutoverError('NOT_DRIFTED', EXIT.usage, 'the flag says what the state says: nothing to mend', {
      hint: 'see `cutover status`',
    });
  }
  if (!raisesFlag(facts.state, flagRatio)) return null;
  const freeze = gates.filter(({ name }) => name === 'freeze');
  return gateRefusal(freeze, facts.state.ratio);
}
