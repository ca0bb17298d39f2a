import { CutoverError, EXIT } from '../errors.ts';
import { describeSets } from '../hooks/dns/records.ts';
import type { Hook, HookEvent, HookResult, OnIntent } from '../hooks/hook.ts';
import { isOf, sameRecord, sameValues } from '../rollback/moved.ts';
import { leadsTo, otherSide } from '../rollback/sides.ts';
import type { DnsRecordSet, RecordMove, Side } from '../world.ts';
import { recordsIn, waysOut } from './run-records.ts';

/**
 * The records of a hook that lead to the other provider though `side` is the active one now: from what they say to
 * what the config has for `side`. A name of which nothing is there leads nowhere.
 * @param now what the server says
 */
export function astray(hook: Hook, side: Side, now: readonly DnsRecordSet[]): RecordMove[] {
  const [own = [], others = []] = [hook.expected?.(side), hook.expected?.(otherSide(side))];
  const sides = { [side]: own, [otherSide(side)]: others } as Record<Side, DnsRecordSet[]>;
  const there = now.filter((set) => leadsTo(otherSide(side), set, sides));
  const leads = new Set(there.filter(({ values }) => values.length > 0).map(({ name }) => name));
  return there.flatMap((from) => {
    const to = own.find(isOf(from));
    return to && leads.has(from.name) ? [{ from, to }] : [];
  });
}

/**
 * Looks, after a way back has run on a hook, for records that are on the other provider all the same. Where the event
 * says that what is not ours is to be overwritten they get what the config has.
 * @param moved what the way back came to; what is somebody else's there is named already
 * @returns what both came to, and the records that were left there
 */
export async function afterWayBack(
  hook: Hook,
  event: HookEvent,
  moved: HookResult,
  signal: AbortSignal,
  onIntent: OnIntent,
): Promise<HookResult & { left: RecordMove[] }> {
  const ran = withoutSettled(hook, event, moved);
  const seen = event.restore?.length === 0 ? recordsIn(ran.after) : await hook.read?.(signal);
  const { foreign = [] } = ran;
  const moves = astray(hook, event.provider, seen ?? []).filter(({ from }) => !foreign.some(isOf(from)));
  if (moves.length === 0 || !event.overwriteDns) return { ...ran, left: moves };
  const led = await hook.run({ ...event, restore: moves }, signal, onIntent);
  return {
    notes: [...(ran.notes ?? []), ...(led.notes ?? [])],
    before: merged(recordsIn(led.before) ?? [], recordsIn(ran.before) ?? []),
    after: merged(recordsIn(ran.after) ?? [], recordsIn(led.after) ?? []),
    foreign: [...foreign, ...(led.foreign ?? [])],
    left: [],
  };
}

/**
 * What a way back came to, where what somebody else has made right already is nothing to do.
 * @throws what `verify` came to, where that is all that is left
 */
function withoutSettled(hook: Hook, event: HookEvent, ran: HookResult): HookResult {
  const foreign = ran.foreign?.filter((set) => !isSettled(hook, event, set)) ?? [];
  if (foreign.length === 0 && ran.unserved) throw ran.unserved;
  return { ...ran, foreign };
}

/**
 * Whether nothing is left to do for somebody else's record: it was put back before that was written, or it is right
 * already, as it says what the config has for the provider that the way leads to. Where only its TTL was moved, that
 * must be no longer than the config's.
 */
function isSettled(hook: Hook, { provider, restore }: HookEvent, set: DnsRecordSet): boolean {
  const wanted = hook.expected?.(provider).find(isOf(set));
  const move = restore?.find(({ to }) => isOf(set)(to));
  // One of ours that cannot go back beside another.
  if (!move || sameRecord(set, move.from)) return false;
  if (move.back) return true;
  if (!wanted || !sameValues(wanted, set)) return false;
  return !sameValues(move.from, move.to) || set.ttl <= wanted.ttl;
}

/** The sets of both; of a record that is in both, the second's. */
function merged(sets: readonly DnsRecordSet[], by: readonly DnsRecordSet[]): DnsRecordSet[] {
  return [...sets.filter((set) => !by.some(isOf(set))), ...by];
}

/** Records on the other provider that are not ours to move: left alone, and the step has failed. */
export function leftAstray(moves: readonly RecordMove[], side: Side): CutoverError {
  const other = otherSide(side);
  const sets = describeSets(moves.map(({ from }) => from));
  const own = moves.map(({ to }) => to);
  return new CutoverError(
    side === 'legacy' ? 'DNS_ON_TARGET' : 'DNS_ON_LEGACY',
    EXIT.hookFailed,
    `on ${other}, and not moved there by this migration: ${sets}: left alone`,
    { hint: waysOut(own, { side, sets: own }) },
  );
}
