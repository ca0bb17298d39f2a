import { formatRatio } from '../config/units.ts';
import { commandOf } from '../operation/plan.ts';
import type { OperationRecord } from '../operation/record.ts';
import { nextRung } from '../shift/ladder.ts';
import { raisesFlag } from '../shift/mend.ts';
import type { Facts } from './facts.ts';
import { frozenForward } from './refusals.ts';
import type { Seen } from './seen.ts';
import type { Which } from './situation.ts';

/** A command that comes next, and why. `wait` is no command: an operation runs. Nor is `upgrade cutover`. */
export interface Next {
  command: string;
  why: string;
}

/** What to do next, the first of them first. */
export function nextOf(facts: Facts, seen: Seen, which: Which): [Next, ...Next[]] {
  if (facts.newer) {
    const upgrade = {
      command: UPGRADE,
      why: 'a newer one has written the state; this one changes nothing there',
    };
    return [upgrade, { command: 'cutover rollback --emergency', why: 'needs no database' }];
  }
  switch (which.name) {
    case 'running':
      return [
        { command: 'wait', why: 'the operation ends by itself; `--wait 30s` lets a command wait for it' },
      ];
    case 'unfinished':
      return endings(facts, seen, which.operation);
    case 'unreadable':
      return [
        { command: 'cutover status', why: 'when the flag can be read again' },
        { command: 'cutover rollback --emergency', why: 'sets the flag to 0 % without reading it first' },
      ];
    case 'drifted':
      return mends(facts, seen);
    default: {
      const [first, ...others] = onwards(facts, seen, which);
      const left = seen.open.at(-1);
      if (!left) return [first, ...others];
      return [
        { command: 'cutover resume', why: `only what is left of the ${commandOf(left.plan)}` },
        first,
        ...others,
      ];
    }
  }
}

/** What mends everything where a newer cutover has written the state. */
export const UPGRADE = 'upgrade cutover';

type Onwards = Exclude<Which, { name: 'running' | 'unfinished' | 'unreadable' | 'drifted' }>;

function onwards(facts: Facts, seen: Seen, which: Onwards): [Next, ...Next[]] {
  if (facts.fail) return afterFail(facts, seen, facts.fail.ratio);
  switch (which.name) {
    case 'failed':
      return afterFail(facts, seen, which.fail.ratio);
    case 'frozen':
      return [{ command: 'cutover unfreeze', why: 'forward steps wait for it; rollbacks do not' }];
    case 'waiting for evidence':
      return [{ command: 'cutover canary check', why: which.why }];
    case 'waiting for bake':
      return [{ command: 'cutover canary check', why: `the stage still bakes: ${which.why}` }];
    case 'ready': {
      const onLadder = nextRung(facts.ladder, facts.state.ratio) !== null;
      const command = onLadder ? 'cutover shift --next' : 'cutover shift 100%';
      return [{ command, why: `to ${formatRatio(which.to)}: every gate is met` }];
    }
    case 'complete':
      return [{ command: 'cutover canary check', why: 'all traffic is on target; keep watching' }];
    case 'idle': {
      const rolledBack = facts.state.status === 'rollback';
      const why = rolledBack ? 'rolled back; begin again when mended' : 'all traffic is on legacy';
      return [{ command: 'cutover canary start', why }];
    }
  }
}

function afterFail({ state }: Facts, seen: Seen, ratio: number): [Next, ...Next[]] {
  const look = { command: 'cutover canary status', why: `how the canary failed at ${formatRatio(ratio)}` };
  if (state.ratio > 0)
    return [{ command: back(seen), why: 'target has failed and still gets requests' }, look];
  const again = {
    command: 'cutover canary start --force --reason "…"',
    why: 'when somebody knows why it failed',
  };
  return [look, again];
}

/** The ways out of an operation that ended half-way. */
function endings(facts: Facts, seen: Seen, operation: OperationRecord): [Next, ...Next[]] {
  const finish = {
    command: 'cutover resume',
    why: `finishes the ${commandOf(operation.plan)} ${operation.id}`,
  };
  const undo = { command: 'cutover rollback', why: seen.rollback.why };
  const ways = [
    ...(frozenForward(facts, operation) ? [] : [finish]),
    ...(seen.rollback.eligible && !seen.raisedBack ? [undo] : []),
  ];
  const [first, ...others] = ways;
  return first
    ? [first, ...others]
    : [{ command: 'cutover rollback --emergency', why: 'all requests to legacy, whatever is half done' }];
}

/** Back, or forward to what the state says. */
function mends({ state }: Facts, seen: Seen): [Next, ...Next[]] {
  const undo = { command: back(seen), why: 'brings state, flag and DNS together, towards legacy' };
  if (seen.flagDrift === null) return [undo];
  const raises = raisesFlag(state, seen.flagRatio) ? '; it raises the flag: --force --reason "…"' : '';
  const write = {
    command: 'cutover resume --flag',
    why: `sets the flag to ${formatRatio(state.ratio)}, which the state says${raises}`,
  };
  return seen.rollback.eligible || raises ? [undo, write] : [write];
}

/** The command that leads towards legacy, whatever has happened. */
export function back({ rollback, raisedBack }: Seen): string {
  return rollback.eligible && !raisedBack ? 'cutover rollback' : 'cutover rollback --emergency';
}
