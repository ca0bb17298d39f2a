import { createHash } from 'node:crypto';
import type { Db } from './open.ts';

/** One thing that happened. `detail` is a JSON value. */
export interface HistoryEntry {
  seq: number;
  /** Unix milliseconds. */
  at: number;
  actor: string;
  event: string;
  operationId: string | null;
  detail: unknown;
}

interface HistoryRow {
  seq: number;
  at: number;
  actor: string;
  event: string;
  operation_id: string | null;
  detail: string;
  previous: string;
  hash: string;
}

const GENESIS = '0'.repeat(64);

/** The hash covers every column and the hash of the row before: no row can change, go or move unseen. */
function hashOf(row: Omit<HistoryRow, 'hash'>): string {
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
 * Appends an entry, inside the transaction of what it tells about. Outside of one, another connection could append
 * between the look at the last entry and the new one: that is a mistake of the caller, and thrown as one.
 */
export function appendHistory(
  db: Db,
  entry: { at: number; actor: string; event: string; operationId?: string | null; detail: unknown },
): void {
  if (!db.inTransaction) throw new Error(`history: ${entry.event} is told outside of a transaction`);
  const last = db.prepare('SELECT seq, hash FROM history ORDER BY seq DESC LIMIT 1').get() as
    | { seq: number; hash: string }
    | undefined;
  const row = {
    seq: (last?.seq ?? 0) + 1,
    at: entry.at,
    actor: entry.actor,
    event: entry.event,
    operation_id: entry.operationId ?? null,
    detail: JSON.stringify(entry.detail),
    previous: last?.hash ?? GENESIS,
  };
  db.prepare(
    `INSERT INTO history (seq, at, actor, event, operation_id, detail, previous, hash)
     VALUES (@seq, @at, @actor, @event, @operation_id, @detail, @previous, @hash)`,
  ).run({ ...row, hash: hashOf(row) });
}

/** How many entries there are, and the hash of the newest: what pins down everything before it. */
export function historyHead(db: Db): { entries: number; head: string } {
  const last = db.prepare('SELECT seq, hash FROM history ORDER BY seq DESC LIMIT 1').get() as
    | { seq: number; hash: string }
    | undefined;
  return { entries: last?.seq ?? 0, head: last?.hash ?? GENESIS };
}

/** The newest `limit` entries, newest first. */
export function readHistory(db: Db, limit: number): HistoryEntry[] {
  const rows = db.prepare('SELECT * FROM history ORDER BY seq DESC LIMIT ?').all(limit) as HistoryRow[];
  return rows.map((row) => ({
    seq: row.seq,
    at: row.at,
    actor: row.actor,
    event: row.event,
    operationId: row.operation_id,
    detail: JSON.parse(row.detail) as unknown,
  }));
}

/** Walks the whole chain. Returns how many entries stand, and the first that does not fit. */
export function verifyHistory(db: Db): { entries: number; brokenAt: number | null; head: string } {
  let previous = GENESIS;
  let entries = 0;
  for (const row of db.prepare('SELECT * FROM history ORDER BY seq').iterate() as Iterable<HistoryRow>) {
    if (row.seq !== entries + 1 || row.previous !== previous || row.hash !== hashOf(row)) {
      return { entries, brokenAt: row.seq, head: previous };
    }
    previous = row.hash;
    entries++;
  }
  return { entries, brokenAt: null, head: previous };
}
