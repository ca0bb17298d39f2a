import type { DnsRecordSet, LeftRecord, RecordMove, Side } from '../world.ts';
import { isSilent, type SilentName, unnumbered } from './silent.ts';

/**
 * What this migration's own steps have moved in DNS: computed from what each of them found and wrote, and from nothing
 * else. Pure. A record is known by its server (or hosted zone), its name and its type.
 */

/** One DNS step that has begun. Given in the order in which they began. */
export interface MovingStep {
  /** Number of its operation: grows. */
  operation: number;
  /** Identity of the server and zone; null for a driver that cannot read, of which only the provider is known. */
  server: string | null;
  driver: string;
  label: string;
  /** Of one that cannot read: whom it calls. */
  receiver?: string;
  /** The provider that its operation leads to. */
  provider: Side;
  /** Its operation is a way back: a rollback or an emergency. */
  back: boolean;
  /** Target has a share of the traffic after it, though legacy is the provider: TTLs that were lowered stay so. */
  rung?: true;
  /** A person has mended the records with it: what it wrote is what they are to say. */
  mends: boolean;
  /** Whether it came to its end. Otherwise each record says what it found, or what it was to write. */
  done: boolean;
  /**
   * What it found and wrote, or was about to, record by record. Null of one that has written: that could not be kept.
   * Null of a way back that has not come to its end: it has written nothing.
   */
  before: readonly DnsRecordSet[] | null;
  after: readonly LeftRecord[] | null;
  /**
   * Of a way back to legacy: those of `before` that led to target by the config. Where nothing is known of how
   * they came there, they were led away from it, and do not come back.
   */
  fromTarget?: readonly DnsRecordSet[];
  /** When it wrote, or may have; Unix milliseconds. */
  at?: number;
  /** The records that its plan was to put back, where it went by what was moved: what it wrote else, a person wanted so. */
  plans?: readonly RecordKey[];
}

/** A record that is not what it was before this migration moved it. */
export interface Displaced {
  found: DnsRecordSet;
  wrote: DnsRecordSet;
  /** What it may say instead, as a step of ours ended half-way. */
  or: DnsRecordSet[];
  /** A way back to legacy was to put it back, and has not. */
  left: boolean;
  /** A way back that has not come to its end has seen it say what was found: ours again only where it says what we wrote. */
  back?: true;
}

/** A record that a step of ours has read or written. */
export interface KnownRecord {
  server: string;
  name: string;
  type: DnsRecordSet['type'];
  /** What our steps left there last, as far as that is known. */
  last: DnsRecordSet;
  moved: Displaced | null;
}

/** All that is known of the records of a migration. */
export interface Ledger {
  records: KnownRecord[];
  /** Servers on which something was moved that could not be kept: there only the config knows what to put back. */
  unknown: ReadonlySet<string>;
  /** The driver of each server. */
  servers: ReadonlyMap<string, { driver: string }>;
  /** Hooks that cannot be read and were told last that target is the provider. */
  handed: readonly Handed[];
}

/** A hook that cannot be read, as a step of ours has known it. */
export interface Handed extends SilentName {
  driver: string;
}

/** One record to put back, and what else of ours it may say. */
export interface PlannedMove extends RecordMove {
  or?: DnsRecordSet[];
}

type RecordKey = Pick<DnsRecordSet, 'name' | 'type'>;

export const isOf =
  ({ name, type }: RecordKey) =>
  (one: RecordKey): boolean =>
    one.name === name && one.type === type;

/** Whether two sets say the same, TTL included. */
export function sameRecord(a: DnsRecordSet, b: DnsRecordSet): boolean {
  return sameValues(a, b) && (a.ttl === b.ttl || a.values.length === 0);
}

export function sameValues(a: DnsRecordSet, b: DnsRecordSet): boolean {
  return a.values.length === b.values.length && a.values.every((value, i) => value === b.values[i]);
}

/** What the steps have moved, taken together. */
export function ledgerOf(steps: readonly MovingStep[]): Ledger {
  const records = new Map<string, KnownRecord>();
  const unknown = new Set<string>();
  const servers = new Map<string, { driver: string }>();
  let handed: Handed[] = [];
  for (const step of steps) {
    const { server, driver, before, after } = step;
    if (server === null) {
      if (step.provider === 'target' || step.done) handed = handed.filter(not(isSilent(step)));
      if (step.provider === 'target') handed.push(handedTo(step));
      continue;
    }
    servers.set(server, { driver });
    if (before === null || after === null) {
      if (step.provider === 'target') unknown.add(server);
      else if (step.done) unknown.delete(server);
      else if (step.back) leave(records, server);
      continue;
    }
    if (step.done && step.provider === 'legacy') unknown.delete(server);
    for (const { seen, ...wrote } of after) {
      const found = before.find(isOf(wrote));
      if (!found) continue;
      const key = `${server} ${wrote.name} ${wrote.type}`;
      const known = records.get(key) ?? null;
      const { name, type } = wrote;
      // Who only looked has left nothing there.
      if (!known?.moved && !step.mends && sameRecord(found, wrote)) continue;
      const moved = movedBy(step, { found, wrote, ...(seen && { seen }) }, known?.moved ?? null);
      const last = moved?.wrote ?? (step.done ? wrote : (known?.last ?? found));
      records.set(key, { server, name, type, last, moved });
    }
  }
  return { records: [...records.values()], unknown, servers, handed };
}

const not =
  <T>(is: (one: T) => boolean) =>
  (one: T): boolean =>
    !is(one);

const handedTo = ({ driver, label, receiver }: MovingStep): Handed => ({
  driver,
  label: unnumbered(label),
  ...(receiver === undefined ? {} : { receiver }),
});

/** A way back has failed before it came to any record of a server. */
function leave(records: Map<string, KnownRecord>, server: string): void {
  for (const [key, record] of records) {
    if (record.server === server && record.moved)
      records.set(key, { ...record, moved: { ...record.moved, left: true } });
  }
}

/** How a step changes what is displaced of one record. */
function movedBy(step: MovingStep, pair: RecordPair, moved: Displaced | null): Displaced | null {
  const { provider, mends, done } = step;
  if (provider === 'legacy' && (step.back || mends)) return broughtBack(step, pair, moved);
  const { found, wrote } = pair;
  const idle = sameRecord(found, wrote);
  // A record that says already what it is to say is none of ours; of one that is, this is the newest value.
  if (moved === null) return idle ? null : { found, wrote, or: [], left: false };
  const saidOurs = [moved.wrote, ...moved.or].some((one) => sameValues(one, found));
  // Somebody else's record was left alone.
  if (idle && !done && !saidOurs) return moved;
  const ours = mends || saidOurs;
  const lowers = provider === 'legacy';
  // A TTL that was to be lowered, of a record that somebody has replaced since.
  if (lowers && idle && !ours) return isLowered(moved) ? null : moved;
  const start = ours || idle ? moved.found : found;
  const mayStand = !done || (lowers && !ours && !isLowered(moved));
  const or = mayStand ? others([moved.wrote, ...moved.or, found], { found: start, wrote }) : [];
  return { found: start, wrote, or, left: lowers && ours && moved.left };
}

/** The same by a way back to legacy, or by a person who mends records there. */
function broughtBack(
  step: MovingStep,
  { found, wrote, seen }: RecordPair,
  moved: Displaced | null,
): Displaced | null {
  const { mends, done, back, rung, fromTarget = [], plans } = step;
  const idle = sameRecord(found, wrote);
  const left = back || moved?.left === true;
  if (moved === null) {
    if (mends || idle) return null;
    const ledAway = plans ? !plans.some(isOf(found)) : fromTarget.some(isOf(found));
    if (!ledAway) return { found, wrote, or: [], left };
    return done ? null : { found: wrote, wrote: found, or: [], left };
  }
  if (done && staysLowered(step, { found, wrote }, moved)) return { ...moved, wrote, or: [], left: false };
  if (done && (mends || sameRecord(wrote, moved.found) || (plans && !idle))) return null;
  // It was to be put back, and is right as somebody else has made it.
  if (done && plans?.some(isOf(found)) && !(rung && sameValues(found, moved.found))) return null;
  const isBack = back && sameRecord(wrote, moved.found) && (idle || seen);
  const known = isBack ? { ...moved, back: true as const } : moved;
  // Somebody else's record was left alone; or what it found was ours, and right already.
  if (idle) return { ...known, left: left && !(rung && isLowered(moved)) };
  if (done) return { ...moved, wrote, or: [], left };
  return { ...known, or: others([...moved.or, wrote], moved), left };
}

/** Only its TTL was moved. */
export const isLowered = ({ found, wrote }: Displaced): boolean => sameValues(found, wrote);

/** It says what it did at first but for a TTL that is still lowered: what that was is known until it is restored. */
function staysLowered({ mends, rung }: MovingStep, { found, wrote }: RecordPair, moved: Displaced): boolean {
  if (!sameValues(wrote, moved.found) || sameRecord(wrote, moved.found)) return false;
  const ours = [moved.wrote, ...moved.or].some((one) => sameRecord(one, wrote));
  return mends ? ours : rung === true && (ours || !sameRecord(found, wrote));
}

/** Those that are neither of the two, each once. */
function others(sets: readonly DnsRecordSet[], { found, wrote }: RecordPair): DnsRecordSet[] {
  return sets.filter(
    (set, i) =>
      !sameRecord(set, found) &&
      !sameRecord(set, wrote) &&
      sets.findIndex((one) => sameRecord(one, set)) === i,
  );
}

type RecordPair = Pick<Displaced, 'found' | 'wrote'> & Pick<LeftRecord, 'seen'>;

/**
 * What has to be moved so that each record says what it did at a checkpoint, for each server.
 * @param then the ledger of the checkpoint's moment where its provider is target; null where that is legacy: then
 *   all goes back that is displaced, whenever that began
 * @param lowered the ledger of a moment whose lowered TTLs stay so, though legacy is its provider; null where all are
 *   restored
 */
export function movesBack(
  now: Ledger,
  then: Ledger | null,
  lowered: Ledger | null = null,
): Map<string, PlannedMove[]> {
  const moves = new Map<string, PlannedMove[]>();
  for (const record of now.records) {
    const at = (ledger: Ledger | null) => ledger?.records.find(isAlso(record))?.moved ?? null;
    const move = moveOf(record, at(then), at(lowered));
    if (move) moves.set(record.server, [...(moves.get(record.server) ?? []), move]);
  }
  return moves;
}

const isAlso = (record: KnownRecord) => (one: KnownRecord) =>
  one.server === record.server && isOf(record)(one);

function moveOf(
  { last, moved }: KnownRecord,
  then: Displaced | null,
  lowered: Displaced | null,
): PlannedMove | null {
  const to = then?.wrote ?? (moved && withTtlOf(moved.found, lowered));
  if (!to) return null;
  const from = moved?.wrote ?? last;
  // A way back that has not come to its end may have put it back.
  const may = moved ? [...moved.or, ...(moved.left ? [moved.found] : [])] : [];
  const or = may.filter((one) => !sameRecord(one, to));
  if (sameRecord(from, to) && or.length === 0) return null;
  const back = moved?.back && !then ? { back: true as const } : {};
  return { from, to, ...(or.length > 0 ? { or } : {}), ...back };
}

/** The set, its TTL as low as it was made at that moment, where no more than that was done to it. */
function withTtlOf(set: DnsRecordSet, lowered: Displaced | null): DnsRecordSet {
  if (!lowered || !isLowered(lowered)) return set;
  return { ...set, ttl: Math.min(set.ttl, lowered.wrote.ttl) };
}

/** What a record should say now: where a way back has not brought it back, what it found. */
export function shouldSay({ last, moved }: KnownRecord): DnsRecordSet {
  if (!moved) return last;
  return moved.left ? moved.found : moved.wrote;
}
