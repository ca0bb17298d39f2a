import type { DnsRecordConfig } from '../../config/hooks-schema.ts';
import { CutoverError, EXIT, messageOf } from '../../errors.ts';
import type { DnsRecordSet } from '../../world.ts';
import type { Hook, HookEvent } from '../hook.ts';
import {
  changesBetween,
  describeSets,
  type RecordChange,
  type RecordKey,
  recordSet,
  setsFor,
} from './records.ts';

/** What speaks to one kind of DNS server. */
export interface RecordStore {
  /** What the server says now: one set for each key, in their order, empty where there is none. */
  read(keys: readonly RecordKey[], signal: AbortSignal): Promise<DnsRecordSet[]>;
  /**
   * Replaces record sets, all together or none where the server can.
   * @throws CutoverError DNS_CHANGED (69) when the server can tell that a set is no longer what `from` says.
   */
  replace(changes: readonly RecordChange[], signal: AbortSignal): Promise<void>;
}

interface RecordHookOptions {
  driver: string;
  label: string;
  timeout: number;
  retries: number;
  records: readonly DnsRecordConfig[];
}

/**
 * The hook around a record store: read, replace what differs, read back. When a write turns out to be there only
 * in part, what was there before is put back as far as possible, and the error says whether that worked.
 */
export function recordHook(options: RecordHookOptions, store: RecordStore): Hook {
  const { driver, label, timeout, retries, records } = options;
  return {
    driver,
    label,
    timeoutMs: timeout,
    retries,
    run: (event, signal) => moveRecords(store, wantedBy(event, records), signal),
    read: (signal) => store.read(records, signal),
    expected: (side) => setsFor(records, side),
  };
}

function wantedBy(event: HookEvent, records: readonly DnsRecordConfig[]): DnsRecordSet[] {
  if (!event.restore) return setsFor(records, event.provider);
  return event.restore.map((set) => recordSet(set, set.ttl, set.values));
}

async function moveRecords(store: RecordStore, wanted: DnsRecordSet[], signal: AbortSignal) {
  const before = await store.read(wanted, signal);
  const changes = changesBetween(before, wanted);
  if (changes.length === 0) return { before, after: before };
  const fault = await replaceOrFault(store, changes, signal);
  const after = await readAfter(store, wanted, fault, signal);
  // A write whose answer was lost is done all the same when the server says so.
  if (changesBetween(after, wanted).length === 0) return { before, after };
  if (changesBetween(after, before).length === 0) throw fault ?? notApplied(wanted);
  const put = await putBack(store, after, before, signal);
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
  before: readonly DnsRecordSet[],
  signal: AbortSignal,
): Promise<string> {
  try {
    await store.replace(changesBetween(now, before), signal);
    const left = changesBetween(await store.read(before, signal), before);
    if (left.length === 0) return 'what was there before is put back';
    return `what was there before could not be put back: ${describeSets(left.map(({ from }) => from))} is there now`;
  } catch (error) {
    return `what was there before could not be put back: ${messageOf(error)}`;
  }
}
