import type { DnsRecordConfig } from '../../config/hooks-schema.ts';
import { CutoverError, EXIT, messageOf } from '../../errors.ts';
import type { DnsRecordSet } from '../../world.ts';
import type { Hook, HookEvent, HookResult, OnIntent } from '../hook.ts';
import { serverOf } from './query.ts';
import {
  changesBetween,
  describeSets,
  type RecordChange,
  type RecordKey,
  sameSet,
  setsFor,
} from './records.ts';
import { untilServed } from './served.ts';
import { keptByResolvers, withLowerTtl } from './ttl.ts';
import { type WayBack, wayBack } from './wanted.ts';

/** What speaks to one kind of DNS server. */
export interface RecordStore {
  /** What the server says now: one set for each key, in their order, empty where there is none. */
  read(keys: readonly RecordKey[], signal: AbortSignal): Promise<DnsRecordSet[]>;
  /** The changes with all that is to be written: what the server keeps of a set besides its values stays or comes back. */
  complete(changes: readonly RecordChange[]): RecordChange[];
  /** Whether what the server says is what a set says, where it does not give back a TTL as it was written. */
  same?(is: DnsRecordSet, set: DnsRecordSet): boolean;
  /**
   * Replaces record sets, all together or none where the server can.
   * @throws CutoverError DNS_CHANGED (69) when the server can tell that a set is no longer what `from` says.
   */
  replace(changes: readonly RecordChange[], signal: AbortSignal): Promise<void>;
  /** Shows that these sets could be replaced, where that can be seen without replacing any. */
  prove?(now: readonly DnsRecordSet[], signal: AbortSignal): Promise<void>;
}

interface RecordHookOptions {
  driver: string;
  label: string;
  /** Identity of the server and zone: see Hook. */
  server: string;
  timeout: number;
  retries: number;
  records: readonly DnsRecordConfig[];
  lowerTtl?: number | undefined;
  verify?: readonly string[] | undefined;
}

/** The part of a try's time that waiting for other servers may take: the try must end by itself to say what is wrong. */
const VERIFY_SHARE = 0.9;
/** How long a server that took a change may take to say it. */
const SETTLE_MS = 1000;
const SETTLE_PAUSE_MS = 50;

/**
 * The hook around a record store: read, replace what differs, read back. When a write turns out to be there only
 * in part, what was there before is put back as far as possible, and the error says whether that worked.
 */
export function recordHook(options: RecordHookOptions, store: RecordStore): Hook {
  const { driver, label, server, timeout, retries, records, lowerTtl, verify = [] } = options;
  return {
    driver,
    label,
    server,
    records: records.map(({ name, type }) => ({ name, type })),
    lowerTtl,
    timeoutMs: timeout,
    retries,
    run: (event, signal, onIntent = () => undefined) =>
      moveRecords(options, store, { event, signal, onIntent }),
    read: (signal) => store.read(records, signal),
    expected: (side) => setsFor(records, side),
    async prove(now, signal) {
      const until = Date.now() + timeout * VERIFY_SHARE;
      await store.prove?.(now, signal);
      await untilServed(verify.map(serverOf), now, until, signal);
    },
  };
}

interface Run {
  event: HookEvent;
  signal: AbortSignal;
  onIntent: OnIntent;
}

async function moveRecords(
  { records, verify = [], timeout }: RecordHookOptions,
  store: RecordStore,
  { event, signal, onIntent }: Run,
): Promise<HookResult> {
  const { restore } = event;
  const until = Date.now() + timeout * VERIFY_SHARE;
  // Where nothing was moved there is nothing to put back; what the config names is looked at all the same.
  const keys = restore && restore.length > 0 ? restore.map(({ to }) => to) : records;
  const before = await store.read(keys, signal);
  const { changes: bare, foreign } = changesFor(event, before, records, store);
  const changes = store.complete(bare);
  const wanted = before.map((set) => changes.find(({ from }) => from === set)?.to ?? set);
  if (changes.length > 0) onIntent(before, wanted);
  const after = changes.length > 0 ? await replaced(store, { before, wanted, changes }, signal) : before;
  const ours = restore?.length === 0 ? [] : wanted.filter((set) => !foreign.includes(set));
  await untilServed(verify.map(serverOf), ours, until, signal);
  const kept = keptByResolvers(changes.map(({ from }) => from));
  return { before, after, ...(foreign.length > 0 && { foreign }), ...(kept !== null && { notes: [kept] }) };
}

function changesFor(
  { restore, overwriteDns, lowerTtl, provider }: HookEvent,
  now: readonly DnsRecordSet[],
  records: readonly DnsRecordConfig[],
  { same }: RecordStore,
): WayBack {
  if (restore) return wayBack(restore, now, { same, overwrite: overwriteDns === true });
  const wanted = lowerTtl === undefined ? setsFor(records, provider) : withLowerTtl(now, lowerTtl);
  return { changes: changesBetween(now, wanted, same), foreign: [] };
}

/** All sets that a run is about: as they were read, as they are to be, and what differs. */
interface Writing {
  before: readonly DnsRecordSet[];
  wanted: readonly DnsRecordSet[];
  changes: readonly RecordChange[];
}

/**
 * Writes the changes and reads all sets back. A write whose answer was lost is done all the same when the server says
 * so. One that is there in part is undone: what says what we wrote, and nothing else, is put back.
 * @throws CutoverError DNS_CHANGED, DNS_READ_BACK, or the store's own
 */
async function replaced(
  store: RecordStore,
  { before, wanted, changes }: Writing,
  signal: AbortSignal,
): Promise<DnsRecordSet[]> {
  const fault = await replaceOrFault(store, changes, signal);
  const after = await settled(store, wanted, fault, signal);
  if (changesBetween(after, wanted, store.same).length === 0) return after;
  if (changesBetween(after, before, store.same).length === 0)
    throw fault ?? notApplied(changes.map(({ to }) => to));
  const put = await putBack(store, after, { before, wanted, changes }, signal);
  const was = fault ? messageOf(fault) : `written, but reads ${describeSets(after)}`;
  throw new CutoverError('DNS_READ_BACK', EXIT.unreachable, `${was}; ${put}`, {
    hint:
      fault instanceof CutoverError
        ? fault.hint
        : 'something else writes these records, or they exclude each other',
  });
}

async function replaceOrFault(
  store: RecordStore,
  changes: readonly RecordChange[],
  signal: AbortSignal,
): Promise<unknown> {
  try {
    await store.replace(changes, signal);
    return undefined;
  } catch (error) {
    // Out of time, or someone else's write: what stands there now is not ours to judge or to undo.
    if (signal.aborted || (error instanceof CutoverError && error.code === 'DNS_CHANGED')) throw error;
    return error;
  }
}

/** What is there after the write; a server that signs its zone answers with the change a moment after it took it. */
async function settled(
  store: RecordStore,
  wanted: readonly DnsRecordSet[],
  fault: unknown,
  signal: AbortSignal,
): Promise<DnsRecordSet[]> {
  const until = Date.now() + SETTLE_MS;
  for (;;) {
    const after = await readAfter(store, wanted, fault, signal);
    const there = changesBetween(after, wanted, store.same).length === 0;
    if (there || fault !== undefined || Date.now() >= until || signal.aborted) return after;
    await new Promise((resolve) => setTimeout(resolve, SETTLE_PAUSE_MS));
  }
}

async function readAfter(
  store: RecordStore,
  keys: readonly RecordKey[],
  fault: unknown,
  signal: AbortSignal,
): Promise<DnsRecordSet[]> {
  try {
    return await store.read(keys, signal);
  } catch (error) {
    // The first fault is the one to tell: that nothing can be read any more follows from it.
    throw fault ?? error;
  }
}

function notApplied(wanted: readonly DnsRecordSet[]): CutoverError {
  return new CutoverError(
    'DNS_READ_BACK',
    EXIT.unreachable,
    `the server took the change and did nothing: it does not say ${describeSets(wanted)}`,
    { hint: 'a CNAME cannot stand beside other records of its name: remove those first' },
  );
}

async function putBack(
  store: RecordStore,
  now: readonly DnsRecordSet[],
  { before, wanted }: Writing,
  signal: AbortSignal,
): Promise<string> {
  const { same = sameSet } = store;
  const ours = before.flatMap((to, index): RecordChange[] => {
    const [is, ours] = [now[index], wanted[index]];
    return is && ours && same(is, ours) && !same(is, to) ? [{ from: is, to }] : [];
  });
  try {
    if (ours.length > 0) await store.replace(ours, signal);
    const left = changesBetween(await store.read(before, signal), before, store.same);
    if (left.length === 0) return 'what was there before is put back';
    return `what was there before could not be put back: ${describeSets(left.map(({ from }) => from))} is there now`;
  } catch (error) {
    return `what was there before could not be put back: ${messageOf(error)}`;
  }
}
