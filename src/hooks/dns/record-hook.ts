import type { DnsRecordConfig } from '../../config/hooks-schema.ts';
import { serverOf } from '../../config/server-address.ts';
import { messageOf } from '../../errors.ts';
import type { DnsRecordSet } from '../../world.ts';
import type { Hook, HookEvent, HookResult, OnIntent } from '../hook.ts';
import { namesToLookAt, obstaclesTo } from './alone.ts';
import type { RecordStore } from './record-store.ts';
import { changesBetween, setsFor } from './records.ts';
import { untilServed } from './served.ts';
import { keptByResolvers, keptFor, withLowerTtl } from './ttl.ts';
import { type WayBack, wayBack } from './wanted.ts';
import { isChanged, replaced, replacedEach } from './writing.ts';

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
      moveOrGoAgain(options, store, { event, signal, onIntent }),
    read: (signal) => store.read(records, signal),
    expected: (side) => setsFor(records, side),
    obstacles: (wanted, signal) => obstaclesOn(store, wanted, signal),
    async prove(now, signal) {
      const until = Date.now() + timeout * VERIFY_SHARE;
      await store.prove?.(now, signal);
      await untilServed(verify.map(serverOf), now, until, signal);
    },
  };
}

/** What keeps the sets from being written, as far as the server can be asked. */
async function obstaclesOn(
  store: RecordStore,
  wanted: readonly DnsRecordSet[],
  signal: AbortSignal,
): Promise<string[]> {
  if (!store.types) return [];
  const changes = changesBetween(await store.read(wanted, signal), wanted, store.same);
  const names = namesToLookAt(changes);
  return names.length === 0 ? [] : obstaclesTo(changes, await store.types(names, signal));
}

interface Run {
  event: HookEvent;
  signal: AbortSignal;
  onIntent: OnIntent;
}

/** How often a way back goes again within a try. */
const GO_AGAIN = 3;

/** A way back may meet an operation of ours that has lost and writes once more: what that wrote is no one else's. */
async function moveOrGoAgain(options: RecordHookOptions, store: RecordStore, run: Run): Promise<HookResult> {
  for (let left = isBack(run.event) ? GO_AGAIN : 0; ; left--) {
    try {
      return await moveRecords(options, store, run);
    } catch (error) {
      if (left === 0 || !isChanged(error) || !(await saysOurs(options, store, run))) throw error;
    }
  }
}

const isBack = ({ restore, provider }: HookEvent) => restore !== undefined || provider === 'legacy';

/** Whether every set says what a step of ours writes or has found. */
async function saysOurs({ records }: RecordHookOptions, store: RecordStore, { event, signal }: Run) {
  const target = setsFor(records, 'target');
  const moves = event.restore ?? setsFor(records, 'legacy').map((to, i) => ({ from: target[i] ?? to, to }));
  const now = await store.read(
    moves.map(({ to }) => to),
    signal,
  );
  return (
    wayBack(moves, now, { same: store.same, overwrite: event.overwriteDns === true }).foreign.length === 0
  );
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
  const replace = isBack(event) ? replacedEach : replaced;
  const after = changes.length > 0 ? await replace(store, { before, wanted, changes }, signal) : before;
  const ours = restore?.length === 0 ? [] : wanted.filter((set) => !foreign.includes(set));
  const left = changes.map(({ from }) => from);
  const kept = keptByResolvers(keptFor(left, event.keptLonger ?? [], Date.now()));
  const notes = kept === null ? [] : [kept];
  let unserved: Error | undefined;
  try {
    await untilServed(verify.map(serverOf), ours, until, signal);
  } catch (error) {
    // Another try would not help the step as a whole: it has failed for what is somebody else's.
    if (foreign.length === 0 || !(error instanceof Error)) throw error;
    unserved = error;
    notes.push(messageOf(error));
  }
  return {
    ...{ before, after },
    ...(foreign.length > 0 && { foreign }),
    ...(unserved && { unserved }),
    ...(notes.length > 0 && { notes }),
  };
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
