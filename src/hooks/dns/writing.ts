import { CutoverError, EXIT, messageOf } from '../../errors.ts';
import type { DnsRecordSet } from '../../world.ts';
import { NOT_ALONE_HINT } from './alone.ts';
import type { RecordStore } from './record-store.ts';
import { changesBetween, describeSets, type RecordChange, type RecordKey, sameSet } from './records.ts';

/** How long a server that took a change may take to say it. */
const SETTLE_MS = 1000;
const SETTLE_PAUSE_MS = 50;

/** All sets that a run is about: as they were read, as they are to be, and what differs. */
export interface Writing {
  before: readonly DnsRecordSet[];
  wanted: readonly DnsRecordSet[];
  changes: readonly RecordChange[];
}

/** Whether an error says that somebody else has written. */
export const isChanged = (error: unknown) => error instanceof CutoverError && error.code === 'DNS_CHANGED';

/**
 * Writes the changes and reads all sets back. A write whose answer was lost is done all the same when the server says
 * so. One that is there in part is undone: what says what we wrote, and nothing else, is put back.
 * @throws CutoverError DNS_CHANGED, DNS_READ_BACK, or the store's own
 */
export async function replaced(
  store: RecordStore,
  writing: Writing,
  signal: AbortSignal,
): Promise<DnsRecordSet[]> {
  const { before, wanted, changes } = writing;
  const { same = sameSet } = store;
  const fault = await replaceOrFault(store, changes, signal);
  const after = await settled(store, wanted, fault, signal);
  if (changesBetween(after, wanted, same).length === 0) return after;
  // Nothing of ours was written: what stands there now is not ours to judge or to undo.
  if (isChanged(fault)) throw fault;
  if (changesBetween(after, before, same).length === 0)
    throw fault ?? notApplied(changes.map(({ to }) => to));
  const put = await putBack(store, after, writing, signal);
  const was = fault ? messageOf(fault) : `written, but reads ${describeSets(after)}`;
  const theirs = after.some(
    (set, i) => !same(set, wanted[i] as DnsRecordSet) && !same(set, before[i] as DnsRecordSet),
  );
  throw new CutoverError(theirs ? 'DNS_CHANGED' : 'DNS_READ_BACK', EXIT.unreachable, `${was}; ${put}`, {
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
    if (signal.aborted) throw error;
    return error;
  }
}

/**
 * What is there after the write; a server that signs its zone answers with the change a moment after it took it. A
 * message that was sent twice finds its own change the second time, and comes back as somebody else's.
 */
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
    const refused = fault !== undefined && !isChanged(fault);
    if (there || refused || Date.now() >= until || signal.aborted) return after;
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
    { hint: NOT_ALONE_HINT },
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

/** Faults that lie with single records: the others of a way back need not wait for them. */
const OF_RECORDS: readonly string[] = [
  'DNS_CHANGED',
  'DNS_NOT_ALONE',
  'DNS_READ_BACK',
  'DNS_REJECTED',
  'DNS_VALUE',
];

/**
 * The same on a way back, where one record that cannot be put back keeps no other on target: what cannot be done at once
 * is done name by name.
 * @throws CutoverError as the first name that failed, naming them all
 */
export async function replacedEach(
  store: RecordStore,
  writing: Writing,
  signal: AbortSignal,
): Promise<DnsRecordSet[]> {
  const names = [...new Set(writing.changes.map(({ to }) => to.name))];
  try {
    return await replaced(store, writing, signal);
  } catch (error) {
    const single = error instanceof CutoverError && OF_RECORDS.includes(error.code);
    if (!single || names.length < 2 || signal.aborted) throw error;
  }
  const faults: unknown[] = [];
  for (const name of names) {
    const own = {
      before: writing.before.filter((set) => set.name === name),
      wanted: writing.wanted.filter((set) => set.name === name),
      changes: writing.changes.filter(({ to }) => to.name === name),
    };
    await replaced(store, own, signal).catch((error: unknown) => faults.push(error));
  }
  if (faults.length === 0) return store.read(writing.before, signal);
  const [first] = faults;
  if (!(first instanceof CutoverError) || faults.length === 1) throw first;
  throw new CutoverError(first.code, first.exitCode, faults.map(messageOf).join('; '), {
    hint: first.hint,
    cause: first,
  });
}
