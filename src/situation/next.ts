import { formatRatio } from '../config/units.ts';
import { commandOf } from '../operation/plan.ts';
import type { OperationRecord } from '../operation/record.ts';
import { nextRung } from '../shift/ladder.ts';
import { raisesFlag } from '../shift/mend.ts';
import { endings } from './endings.ts';
import type { Facts } from './facts.ts';
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
      return [{ command: 'wait', why: which.by.holder === 'unknown' ? WAIT_UNSEEN : WAIT }];
    case 'unfinished':
      return [...endings(facts, seen, which.operation), ...recordsOf(which.operation)].map(
        ({ command, why }) => ({ command, why }),
      ) as [Next, ...Next[]];
    case 'unreadable':
      return [
        { command: 'cutover status', why: 'when the flag can be read again' },
        { command: 'cutover rollback --emergency', why: 'sets the flag to 0 % without reading it first' },
      ];
    case 'drifted':
      return [...mends(facts, seen), ...givingUp(facts)];
    default: {
      const [rival] = facts.rivals;
      if (rival !== undefined) return afterRivals(facts, seen);
      const [first, ...others] = downOr(facts, seen, onwards(facts, seen, which));
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

/** Whoever may still write the flag keeps "safe" back; nothing is built on it meanwhile. */
function afterRivals(facts: Facts, seen: Seen): [Next, ...Next[]] {
  const look = { command: 'cutover status', why: 'again, when nobody may write the flag any more' };
  const down = { command: back(seen), why: 'towards legacy, whoever may still write the flag' };
  return [look, ...givingUp(facts), ...(facts.state.ratio > 0 ? [down] : [])];
}

/** For a person who knows what cannot be seen from here. */
function givingUp({ rivals }: Facts): Next[] {
  return rivals.flatMap(({ goneCommand: command }) =>
    command === undefined ? [] : [{ command, why: 'when its host or container is known to be gone' }],
  );
}

const WAIT = 'the operation ends by itself; `--wait 30s` lets a command wait for it';
const WAIT_UNSEEN =
  'whether it runs cannot be seen from here; a command with `--wait 1m` takes over once its heartbeat stood still for 30 s';

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

/** A gradual rollback between two rungs goes before what leads forward: it was decided to go down. */
function downOr({ betweenRungs }: Facts, seen: Seen, ways: [Next, ...Next[]]): [Next, ...Next[]] {
  if (!betweenRungs || !seen.rollback.eligible || seen.raisedBack) return ways;
  const to = formatRatio(betweenRungs.leadsTo.ratio);
  const command = 'cutover rollback';
  if (betweenRungs.holder === 'running') {
    const wait = { command: 'wait', why: `the rollback to ${to} goes on by itself` };
    const [first] = ways;
    return first.command === command ? [first, wait] : [wait, { command, why: `to ${to} at once` }];
  }
  const finish = { command, why: `finishes the rollback to ${to}, at once` };
  return [finish, ...ways.filter((way) => way.command !== command)];
}

function afterFail({ state, freeze }: Facts, seen: Seen, ratio: number): [Next, ...Next[]] {
  const look = { command: 'cutover canary status', why: `how the canary failed at ${formatRatio(ratio)}` };
  if (state.ratio > 0)
    return [{ command: back(seen), why: 'target has failed and still gets requests' }, look];
  const command = 'cutover canary start --force --reason "…"';
  return freeze
    ? [look, { command: 'cutover unfreeze', why: `before any step forward; then \`${command}\`` }]
    : [look, { command, why: 'when somebody knows why it failed' }];
}

const DNS_DIFF = { command: 'cutover dns diff', why: 'which records differ, and from what' };

const DNS_MENDS: [Next, ...Next[]] = [
  DNS_DIFF,
  { command: 'cutover dns apply', why: 'writes what they should say; moves no traffic' },
  { command: 'cutover dns apply --keep', why: 'what they say now is what they should say from now on' },
];

/** What shows the records of an operation that could not write all of them. */
function recordsOf({ steps }: OperationRecord): Next[] {
  return steps.some(({ kind, outcome }) => kind === 'dns' && outcome === 'failed') ? [DNS_DIFF] : [];
}

/** Back, or forward to what the state says. */
export function mends({ state, freeze }: Facts, seen: Seen): [Next, ...Next[]] {
  // A record that somebody has edited is no reason to move any traffic.
  if (seen.flagDrift === null) return DNS_MENDS;
  const undo = { command: back(seen), why: 'brings state, flag and DNS together, towards legacy' };
  const raises = raisesFlag(state, seen.flagRatio);
  const command = `cutover resume --flag${raises ? ' --force --reason "…"' : ''}`;
  const why = `sets the flag to ${formatRatio(state.ratio)}, which the state says`;
  const write =
    raises && freeze
      ? { command: 'cutover unfreeze', why: `before the flag may go up; then \`${command}\` ${why}` }
      : { command, why };
  return seen.rollback.eligible || raises ? [undo, write] : [write];
}

/** The command that leads towards legacy, whatever has happened. */
export function back({ rollback, raisedBack }: Seen): string {
  return rollback.eligible && !raisedBack ? 'cutover rollback' : 'cutover rollback --emergency';
}
