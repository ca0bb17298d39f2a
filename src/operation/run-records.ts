import { CutoverError, EXIT } from '../errors.ts';
import { describeSets } from '../hooks/dns/records.ts';
import type { Hook, HookEvent, HookResult, OnIntent } from '../hooks/hook.ts';
import { isOf, sameRecord, sameValues } from '../rollback/moved.ts';
import type { DnsRecordSet, LeftRecord, RecordMove, Side } from '../world.ts';
import type { PlannedStep } from './plan.ts';

/** Record sets that a step has found, and has written or was about to. */
export interface FoundAndWritten {
  before: DnsRecordSet[];
  after: LeftRecord[];
}

/** What the journal keeps of a step's records, where it is that. */
export function recordsIn(value: unknown): DnsRecordSet[] | null {
  return Array.isArray(value) ? (value as DnsRecordSet[]) : null;
}

/**
 * What a DNS step is told to put back, for a hook that can read: what the plan says; else, for a step that ended
 * half-way, to go on with what it was about to write. Undefined: the config's values.
 * @param toLegacy it is a step of a way back to legacy: what it has put back already is not ours to overwrite any more
 */
export function restoreFor(
  step: PlannedStep,
  earlier: FoundAndWritten | null,
  toLegacy: boolean,
): RecordMove[] | undefined {
  // To lower a TTL twice is to lower it once.
  if (step.lowerTtl !== undefined) return undefined;
  if (step.restore)
    return step.restore.map(({ from, to, back }) => ({
      ...{ from, to },
      ...(back || (toLegacy && wasPutBack(to, earlier)) ? { back: true as const } : {}),
    }));
  return earlier ? movesBetween(earlier.before, earlier.after) : undefined;
}

/** Whether an earlier run of a step has seen that a record says what is to be put back. */
function wasPutBack(to: DnsRecordSet, earlier: FoundAndWritten | null): boolean {
  const [found, left] = [earlier?.before.find(isOf(to)), earlier?.after.find(isOf(to))];
  if (!found || !left || !sameRecord(left, to)) return false;
  return left.seen === true || sameRecord(found, left);
}

/** The records of a step that say what it was to put back, as the server was seen to say it. */
export function markedSeen(
  after: readonly LeftRecord[],
  says: readonly DnsRecordSet[],
  restore: readonly RecordMove[],
): LeftRecord[] {
  const isBack = (set: DnsRecordSet) =>
    [says, restore.map(({ to }) => to)].every((sets) =>
      sets.some((one) => isOf(set)(one) && sameRecord(set, one)),
    );
  return after.map((set) => (isBack(set) ? { ...set, seen: true } : set));
}

/** The moves from some sets to others of the same records. */
export function movesBetween(sets: readonly DnsRecordSet[], others: readonly DnsRecordSet[]): RecordMove[] {
  return sets.flatMap((from) => {
    const to = others.find(isOf(from));
    return to ? [{ from, to }] : [];
  });
}

/**
 * Runs a DNS hook. Where a record says what another step of ours may have left there, that is ours to move, too.
 * @param onIntent as for the hook
 */
export async function runRecords(
  hook: Hook,
  step: PlannedStep,
  event: HookEvent,
  signal: AbortSignal,
  onIntent: OnIntent,
): Promise<HookResult> {
  const first = await hook.run(event, signal, onIntent);
  const foreign = first.foreign ?? [];
  const ours = foreign.flatMap((from): RecordMove[] => {
    const move = step.restore?.find(({ to }) => isOf(from)(to));
    return move?.or?.some((one) => sameRecord(one, from)) ? [{ from, to: move.to }] : [];
  });
  if (ours.length === 0) return first;
  const second = await hook.run({ ...event, restore: ours }, signal, onIntent);
  const unserved = first.unserved ?? second.unserved;
  const left = foreign.filter((set) => !ours.some(({ to }) => isOf(set)(to)));
  return {
    notes: [...(first.notes ?? []), ...(second.notes ?? [])],
    before: first.before,
    after: replaced(recordsIn(first.after) ?? [], recordsIn(second.after) ?? []),
    foreign: [...left, ...(second.foreign ?? [])],
    ...(unserved && { unserved }),
  };
}

function replaced(sets: readonly DnsRecordSet[], by: readonly DnsRecordSet[]): DnsRecordSet[] {
  return sets.map((set) => by.find(isOf(set)) ?? set);
}

/**
 * What a step knows of its records once it has read some of them: what it found at first, and what it has written or
 * may have. A later try that reads what an earlier one wrote has found nothing new; what somebody else has put in its
 * place, and was left alone, may be ours again.
 * @param run what was read now, and what each is to be
 */
export function knownAfter(earlier: FoundAndWritten | null, run: FoundAndWritten): FoundAndWritten {
  const known: FoundAndWritten = { before: [], after: [] };
  const keep = (before: DnsRecordSet, after: DnsRecordSet) => {
    known.before.push(before);
    known.after.push(after);
  };
  for (const now of run.before) {
    const after = run.after.find(isOf(now)) ?? now;
    const [found, wrote] = [earlier?.before.find(isOf(now)), earlier?.after.find(isOf(now))];
    if (!found || !wrote) keep(now, after);
    else if (sameRecord(now, found) || sameRecord(now, wrote)) keep(found, after);
    else if (sameRecord(now, after)) keep(found, wrote);
    else keep(now, after);
  }
  for (const found of earlier?.before ?? []) {
    const wrote = earlier?.after.find(isOf(found));
    if (wrote && !run.before.some(isOf(found))) keep(found, wrote);
  }
  return known;
}

/**
 * Sets that somebody else has changed since: left alone, and the step has failed.
 * @param start what a move begins with: what our own steps wrote, or what this one found
 * @param config what the config has for the provider that the step leads to
 */
export function foreignRecords(
  sets: readonly DnsRecordSet[],
  moves: readonly RecordMove[],
  start: 'written' | 'found before',
  config: ConfigSays,
): CutoverError {
  const text = sets.map((set) => {
    const move = moves.find(({ to }) => isOf(set)(to));
    if (move && sameRecord(set, move.from))
      return `${describeSets([set])}, which cannot go back beside another`;
    return move ? `${describeSets([set])}, where ${valuesOf(move.from)} was ${start}` : describeSets([set]);
  });
  const wanted = moves.filter(({ to }) => sets.some(isOf(to))).map(({ to }) => to);
  return new CutoverError(
    'DNS_FOREIGN',
    EXIT.hookFailed,
    `somebody else has changed ${text.join('; ')}: left alone`,
    { hint: waysOut(wanted, config) },
  );
}

/** What the config has for a provider. */
export interface ConfigSays {
  side: Side;
  sets: readonly DnsRecordSet[];
}

/**
 * How a person decides about records that were left alone.
 * @param wanted what they were to say
 * @param config told where it has other values
 */
export function waysOut(wanted: readonly DnsRecordSet[], { side, sets }: ConfigSays): string {
  const others = sets.filter((set) => wanted.some((one) => isOf(set)(one) && !sameValues(set, one)));
  const config = others.length > 0 ? ` (the config has ${describeSets(others)} for ${side})` : '';
  const write = `to write ${describeSets(wanted)}: \`cutover resume --overwrite-dns\`${config}`;
  return `${write}; to keep what is there: \`cutover dns apply --keep\``;
}

/** A step whose hook the config has no more: what somebody has to set by hand. */
export function driverGone(step: PlannedStep): CutoverError {
  const sets = step.restore?.map(({ to }) => to) ?? [];
  const at = step.server === undefined ? '' : `: no hook speaks to ${step.server}`;
  const what =
    step.kind === 'dns' && step.restore !== undefined
      ? `no hook of the config speaks to ${step.label} any more; set by hand: ${describeSets(sets)}`
      : `${step.label} is no longer in the config${at}`;
  // What a way back has to put back is at that server and nowhere else.
  const another = step.wants ? '; where another has its records now: `cutover dns apply`' : '';
  const byHand = step.kind === 'dns' ? '; when it is set by hand: `cutover dns apply --keep`' : '';
  return new CutoverError('DRIVER_GONE', EXIT.config, what, {
    hint: `restore it, and \`cutover resume\`${another}${byHand}`,
  });
}

const valuesOf = ({ values, ttl }: DnsRecordSet): string =>
  values.length === 0 ? 'nothing' : `${values.join(', ')} (TTL ${ttl} s)`;
