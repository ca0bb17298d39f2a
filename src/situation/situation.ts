import { formatRatio } from '../config/units.ts';
import type { CutoverError } from '../errors.ts';
import { commandOf, type Gate } from '../operation/plan.ts';
import type { OperationRecord } from '../operation/record.ts';
import type { Eligibility } from '../rollback/plan.ts';
import { nextRung } from '../shift/ladder.ts';
import type { Freeze } from '../store/freeze.ts';
import { endings } from './endings.ts';
import type { Facts, Judged, LeaseFact } from './facts.ts';
import { mends, type Next, nextOf, UPGRADE } from './next.ts';
import { type Asking, mayOf } from './refusals.ts';
import { type Seen, seenIn } from './seen.ts';
import { type Unsafe, unsafeIn } from './unsafe.ts';

/** Which situation a migration is in: the first of these that holds. */
export type Which =
  | { name: 'running'; by: LeaseFact }
  | { name: 'unfinished'; operation: OperationRecord }
  /** The flag cannot be read: nobody knows where requests go. */
  | { name: 'unreadable'; error: CutoverError }
  | { name: 'drifted'; drift: Drift[] }
  | { name: 'frozen'; freeze: Freeze }
  | { name: 'failed'; fail: Judged }
  | { name: 'waiting for evidence'; why: string }
  | { name: 'waiting for bake'; why: string }
  | { name: 'ready'; to: number }
  | { name: 'complete' }
  | { name: 'idle' };

/** One place where the world is not what the state says, and the command that mends it. */
export interface Drift {
  what: string;
  state: number | string;
  actual: number | string | null;
  mend: string;
}

/** What is true now, what each command may do about it, and what comes next. */
export type Situation = Which & {
  /** One sentence that begins with whether it is safe. */
  headline: string;
  /** Why it is not safe; null when it is. */
  unsafe: Unsafe | null;
  gates: Gate[];
  drift: Drift[];
  /** The operation that `resume` would go on with. */
  left: OperationRecord | null;
  rollback: Eligibility;
  /** What each command is refused with; null when it may. */
  may: Record<Asking, CutoverError | null>;
  next: [Next, ...Next[]];
};

/** The one truth about a migration. Pure: what is known goes in, what is so comes out. */
export function situationOf(facts: Facts): Situation {
  const seen = seenIn(facts);
  const unsafe = unsafeIn(facts, seen);
  const which = whichOf(facts, seen);
  const next = nextOf(facts, seen, which);
  return {
    ...which,
    headline: headlineOf(facts, seen, which, unsafe),
    unsafe,
    gates: seen.gates,
    drift: driftIn(facts, seen),
    left: seen.open.at(-1) ?? null,
    rollback: seen.rollback,
    may: mayOf(facts, seen),
    next,
  };
}

function whichOf(facts: Facts, seen: Seen): Which {
  const { flag, freeze, fail, state } = facts;
  if (seen.running) return { name: 'running', by: seen.running };
  if (seen.unfinished) return { name: 'unfinished', operation: seen.unfinished };
  if (flag.is === 'unreadable') return { name: 'unreadable', error: flag.error };
  const drift = driftIn(facts, seen);
  if (drift.length > 0) return { name: 'drifted', drift };
  if (freeze) return { name: 'frozen', freeze };
  if (fail) return { name: 'failed', fail };
  if (state.status === 'complete') return { name: 'complete' };
  if (state.status === 'idle' || state.status === 'rollback') return { name: 'idle' };
  const shut = (name: Gate['name']) => seen.gates.find((gate) => gate.name === name && !gate.ok);
  const verdict = shut('verdict');
  if (verdict || !state.stage) {
    return { name: 'waiting for evidence', why: verdict?.detail ?? 'this stage has no PASS yet' };
  }
  const bake = shut('bake');
  if (bake) return { name: 'waiting for bake', why: bake.detail };
  return { name: 'ready', to: nextRung(facts.ladder, state.ratio) ?? 1 };
}

/** Where flag and DNS are not what the state says, and no operation that runs explains it. */
function driftIn(facts: Facts, seen: Seen): Drift[] {
  if (seen.running) return [];
  const { unfinished, flagDrift, flagRatio } = seen;
  const ending = unfinished && endings(facts, seen, unfinished)[0].command;
  const flag: Drift = {
    what: `flag ${facts.flagLabel}`,
    state: facts.state.ratio,
    actual: flagRatio,
    mend: facts.newer ? UPGRADE : (ending ?? mends(facts, seen)[0].command),
  };
  return [
    ...(flagDrift === null ? [] : [flag]),
    ...facts.dns.drift.map(({ label, name, type, expected, actual }) => ({
      what: `${label} ${name} ${type}`,
      state: expected,
      actual,
      // No record is a reason for an emergency.
      mend: facts.newer ? UPGRADE : ending && !ending.includes('--emergency') ? ending : 'cutover dns apply',
    })),
  ];
}

function headlineOf(facts: Facts, seen: Seen, which: Which, unsafe: Unsafe | null): string {
  if (which.name === 'running') {
    const { operation, lease, holder } = which.by;
    const { from, to } = operation.plan;
    const ratios = `${formatRatio(from.ratio)} → ${formatRatio(to.ratio)}`;
    const alive = holder === 'unknown' ? '; whether its process still runs is not known here' : '';
    return `moving: ${commandOf(operation.plan)}, ${ratios}, by ${lease.actor}${alive}`;
  }
  if (unsafe) return `not safe: ${unsafe.why}`;
  return ['safe', [whereRequestsGo(facts), ...besides(facts, seen, which)].join('; ')].join(': ');
}

/** Only for a flag that was read, or was never there. */
function whereRequestsGo({ flag, state }: Facts): string {
  if (flag.is === 'absent') return 'no request goes to target: there is no flag yet';
  if (state.ratio === 0) return 'the flag sends every request to legacy';
  if (state.ratio === 1) return 'the flag sends every request to target';
  return `the flag sends ${formatRatio(state.ratio)} of requests to target`;
}

/** `the rollback to 0 % stopped at 10 %`: a gradual one between two rungs. */
export function wayDown({ betweenRungs }: Facts): string | null {
  if (!betweenRungs) return null;
  const { rung, leadsTo, holder } = betweenRungs;
  const stands = {
    running: 'goes on by itself, now',
    gone: 'stopped',
    unknown: 'has stopped, or pauses (whether its process still runs is not known here),',
  };
  const at = formatRatio(rung.plan.to.ratio);
  return `the rollback to ${formatRatio(leadsTo.ratio)} ${stands[holder]} at ${at}`;
}

function besides(facts: Facts, seen: Seen, which: Which): string[] {
  const { freeze, fail } = facts;
  const down = wayDown(facts);
  const onwards: Partial<Record<Which['name'], string>> = {
    'waiting for evidence': 'waiting for evidence',
    'waiting for bake': 'waiting for the bake time',
    ready: which.name === 'ready' ? `ready for ${formatRatio(which.to)}` : '',
  };
  const words = onwards[which.name];
  const left = seen.open.at(-1);
  return [
    ...(fail ? [`the canary failed at ${formatRatio(fail.ratio)}, and nobody has answered that`] : []),
    ...(freeze ? ['forward steps are frozen'] : []),
    ...(down ? [down] : words ? [words] : []),
    ...(left ? ['not everyone was told of the last change'] : []),
  ];
}
