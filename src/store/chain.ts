import { createHash } from 'node:crypto';

/** A row of the history as the database keeps it. */
export interface HistoryRow {
  seq: number;
  /** Unix milliseconds. */
  at: number;
  actor: string;
  event: string;
  operation_id: string | null;
  /** JSON. */
  detail: string;
  /** Hash of the row before. */
  previous: string;
  hash: string;
}

/** How long a history is, and the hash of its newest entry, which covers all before it. */
export interface HistoryHead {
  entries: number;
  /** 64 hexadecimal digits; zeros before the first entry. */
  head: string;
}

export const GENESIS = '0'.repeat(64);

/** The hash covers every column and the hash of the row before: no row can change, go or move unseen. */
export function hashOf(row: Omit<HistoryRow, 'hash'>): string {
  const text = JSON.stringify([
    row.seq,
    row.at,
    row.actor,
    row.event,
    row.operation_id,
    row.detail,
    row.previous,
  ]);
  return createHash('sha256').update(text).digest('hex');
}

/**
 * What is wrong with a history.
 * - `changed`: an entry does not fit its hash or the entry before it.
 * - `cut`: the newest entries are gone.
 * - `rewritten`: every hash fits, but the last entry that the state counted was another one.
 * - `added`: every hash fits, but the newest entries were never counted.
 * - `uncounted`: the state's own count is gone.
 * - `not expected`: no entry has the hash that was asked for.
 */
export type HistoryFault = 'changed' | 'cut' | 'rewritten' | 'added' | 'uncounted' | 'not expected';

/** What looking through a history came to. */
export interface Verification extends HistoryHead {
  whole: boolean;
  fault: HistoryFault | null;
  /** The first entry that is not what was written, or is gone; null when none is, or nobody can tell which. */
  brokenAt: number | null;
  /** What the state has counted. */
  kept: HistoryHead | null;
  /** The hash that was asked for, and the entry that has it: 0 before the first; null when there is none. */
  expected: { head: string; at: number | null } | null;
}

/**
 * Holds a history against itself, against what the state has counted, and against a hash from elsewhere. `entries` and
 * `head` of the result are those of the part that fits from the first entry on.
 * @param rows in the order of their numbers
 * @param expected a hash of one of the entries, or what it begins with
 */
export function verifyChain(
  rows: Iterable<HistoryRow>,
  kept: HistoryHead | null,
  expected: string | null,
): Verification {
  let head = GENESIS;
  let entries = 0;
  let changedAt: number | null = null;
  let counted = kept?.entries === 0 ? GENESIS : null;
  let found = expected !== null && GENESIS.startsWith(expected) ? 0 : null;
  for (const row of rows) {
    if (row.seq !== entries + 1 || row.previous !== head || row.hash !== hashOf(row)) {
      changedAt = row.seq;
      break;
    }
    head = row.hash;
    entries = row.seq;
    if (kept?.entries === entries) counted = head;
    if (expected !== null && head.startsWith(expected)) found = entries;
  }
  const against = expected === null ? null : { head: expected, at: found };
  const [fault, brokenAt] = faultOf({ entries, changedAt, counted, kept, expected: against });
  return { whole: fault === null, fault, entries, brokenAt, head, kept, expected: against };
}

function faultOf(seen: {
  entries: number;
  changedAt: number | null;
  /** The hash of the last entry that was counted; null when there is no such entry. */
  counted: string | null;
  kept: HistoryHead | null;
  expected: Verification['expected'];
}): [HistoryFault | null, number | null] {
  const { entries, changedAt, counted, kept, expected } = seen;
  if (changedAt !== null) return ['changed', changedAt];
  if (!kept) return ['uncounted', null];
  if (entries < kept.entries) return ['cut', entries + 1];
  if (counted !== kept.head) return ['rewritten', null];
  if (entries > kept.entries) return ['added', kept.entries + 1];
  if (expected?.at === null) return ['not expected', null];
  return [null, null];
}
