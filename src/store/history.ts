import { CutoverError, EXIT, messageOf, systemCode } from '../errors.ts';
import {
  GENESIS,
  type HistoryHead,
  type HistoryRow,
  hashOf,
  type Verification,
  verifyChain,
} from './chain.ts';
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

/**
 * Appends an entry, inside the transaction of what it tells about. Outside of one, another connection could append
 * between the look at the last entry and the new one: that is a mistake of the caller, and thrown as one.
 */
export function appendHistory(
  db: Db,
  entry: { at: number; actor: string; event: string; operationId?: string | null; detail: unknown },
): void {
  if (!db.inTransaction) throw new Error(`history: ${entry.event} is told outside of a transaction`);
  const last = historyHead(db);
  const row = {
    seq: last.entries + 1,
    at: entry.at,
    actor: entry.actor,
    event: entry.event,
    operation_id: entry.operationId ?? null,
    detail: JSON.stringify(entry.detail),
    previous: last.head,
  };
  db.prepare(
    `INSERT INTO history (seq, at, actor, event, operation_id, detail, previous, hash)
     VALUES (@seq, @at, @actor, @event, @operation_id, @detail, @previous, @hash)`,
  ).run({ ...row, hash: hashOf(row) });
}

/**
 * How many entries the history has by now, and the hash of the newest. Whoever keeps the hash elsewhere can later
 * tell that all up to it is as it was: `cutover history --verify --expect-head HASH`.
 */
export function historyHead(db: Db): HistoryHead {
  const last = db.prepare('SELECT seq AS entries, hash AS head FROM history ORDER BY seq DESC LIMIT 1').get();
  return (last as HistoryHead | undefined) ?? { entries: 0, head: GENESIS };
}

/** Which entries are asked for: those that fit all that is given. */
export interface HistoryQuery {
  /** So many of the newest. */
  limit: number;
  /** Not before this time, Unix milliseconds. */
  since?: number | undefined;
  /** Part of what the event is called, in any case. */
  event?: string | undefined;
  /** The id of an operation. */
  operation?: string | undefined;
}

/** The entries that are asked for, newest first. */
export function readHistory(db: Db, { limit, since, event, operation }: HistoryQuery): HistoryEntry[] {
  const rows = db
    .prepare(
      `SELECT * FROM history
        WHERE (@since IS NULL OR at >= @since)
          AND (@event IS NULL OR instr(lower(event), lower(@event)) > 0)
          AND (@operation IS NULL OR operation_id = @operation)
        ORDER BY seq DESC LIMIT @limit`,
    )
    .all({
      limit,
      since: since ?? null,
      event: event ?? null,
      operation: operation ?? null,
    }) as HistoryRow[];
  return rows.map((row) => ({
    seq: row.seq,
    at: row.at,
    actor: row.actor,
    event: row.event,
    operationId: row.operation_id,
    detail: JSON.parse(row.detail) as unknown,
  }));
}

/** Whether the history knows an operation of this id. */
export function historyKnows(db: Db, operation: string): boolean {
  return db.prepare('SELECT 1 FROM history WHERE operation_id = ? LIMIT 1').get(operation) !== undefined;
}

/**
 * Walks the whole chain; `expected` as for `verifyChain`.
 * @throws CutoverError HISTORY_DAMAGED (2) where what keeps it is gone.
 */
export function verifyHistory(db: Db, expected: string | null = null): Verification {
  try {
    const kept = db.prepare('SELECT entries, head FROM history_head').get() as HistoryHead | undefined;
    const rows = db.prepare('SELECT * FROM history ORDER BY seq').iterate() as Iterable<HistoryRow>;
    return verifyChain(rows, kept ?? null, expected);
  } catch (error) {
    if (systemCode(error) !== 'SQLITE_ERROR') throw error;
    throw new CutoverError('HISTORY_DAMAGED', EXIT.fail, `the history is damaged: ${messageOf(error)}`, {
      hint: 'somebody has changed the database; restore it from a copy, and hold that against a hash from elsewhere: `cutover history --verify --expect-head HASH`',
      cause: error,
    });
  }
}
