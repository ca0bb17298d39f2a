import { CutoverError, EXIT } from '../errors.ts';
import type { DnsReading, Side, Status, World } from '../world.ts';
import { fitting, type ImportedCheckpoint, sortOut } from './checkpoint-content.ts';
import { appendHistory } from './history.ts';
import { type Db, explainingFaults } from './open.ts';
import { readState } from './state.ts';

/** What the world was before a change. */
export interface Checkpoint extends World {
  id: number;
  /** Unix milliseconds. */
  at: number;
  reason: string;
  /** DNS records as they were read, one entry a hook that can read. */
  dns: DnsReading[];
  metrics: Record<string, unknown>;
  pinned: boolean;
  operationId: string | null;
  previous: number | null;
}

interface CheckpointRow {
  id: number;
  at: number;
  reason: string;
  status: Status;
  ratio: number;
  active_provider: Side;
  dns: string;
  metrics: string;
  pinned: number;
  operation_id: string | null;
  previous: number | null;
}

const fromRow = (row: CheckpointRow): Checkpoint => ({
  id: row.id,
  at: row.at,
  reason: row.reason,
  status: row.status,
  ratio: row.ratio,
  activeProvider: row.active_provider,
  dns: JSON.parse(row.dns) as DnsReading[],
  metrics: JSON.parse(row.metrics) as Record<string, unknown>,
  pinned: row.pinned === 1,
  operationId: row.operation_id,
  previous: row.previous,
});

/** Writes a checkpoint, with its texts as long as they may be, and returns its id. */
export function insertCheckpoint(db: Db, made: Omit<Checkpoint, 'id' | 'pinned'>): number {
  const checkpoint = fitting(made);
  const { lastInsertRowid } = db
    .prepare(
      `INSERT INTO checkpoints (at, reason, status, ratio, active_provider, dns, metrics, operation_id, previous)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    )
    .run(
      checkpoint.at,
      checkpoint.reason,
      checkpoint.status,
      checkpoint.ratio,
      checkpoint.activeProvider,
      JSON.stringify(checkpoint.dns),
      JSON.stringify(checkpoint.metrics),
      checkpoint.operationId,
      checkpoint.previous,
    );
  return Number(lastInsertRowid);
}

/** Keeps where the migration is now, by hand; journaled in the history, with retention applied. */
export function createCheckpoint(
  db: Db,
  made: {
    migration: string;
    actor: string;
    at: number;
    reason: string;
    pinned: boolean;
    keep: number;
    dns: DnsReading[];
  },
): Checkpoint {
  return writing(db, () => {
    const { status, ratio, activeProvider, previous } = readState(db, made.migration);
    const id = insertCheckpoint(db, {
      at: made.at,
      reason: made.reason,
      status,
      ratio,
      activeProvider,
      dns: made.dns,
      metrics: {},
      operationId: null,
      previous,
    });
    if (made.pinned) db.prepare('UPDATE checkpoints SET pinned = 1 WHERE id = ?').run(id);
    appendHistory(db, {
      at: made.at,
      actor: made.actor,
      event: 'checkpoint created',
      detail: { checkpoint: id, reason: made.reason, pinned: made.pinned },
    });
    pruneCheckpoints(db, made.keep);
    return getCheckpoint(db, id);
  });
}

/** All checkpoints, newest first. */
export function listCheckpoints(db: Db): Checkpoint[] {
  return (db.prepare('SELECT * FROM checkpoints ORDER BY id DESC').all() as CheckpointRow[]).map(fromRow);
}

/** The newest that was made here: what was taken in from elsewhere is of another time. */
export function lastCheckpoint(db: Db): Checkpoint | null {
  const elsewhere = importedCheckpoints(db);
  return listCheckpoints(db).find(({ id }) => !elsewhere.has(id)) ?? null;
}

/** How much a checkpoint sent to target, and what was active then; null when there is no such checkpoint. */
export function checkpointTraffic(db: Db, id: number): Pick<World, 'ratio' | 'activeProvider'> | null {
  const row = db
    .prepare('SELECT ratio, active_provider AS activeProvider FROM checkpoints WHERE id = ?')
    .get(id);
  return (row as Pick<World, 'ratio' | 'activeProvider'> | undefined) ?? null;
}

/** @throws CutoverError CHECKPOINT_UNKNOWN (64). */
export function getCheckpoint(db: Db, id: number): Checkpoint {
  const row = db.prepare('SELECT * FROM checkpoints WHERE id = ?').get(id) as CheckpointRow | undefined;
  if (row) return fromRow(row);
  throw new CutoverError('CHECKPOINT_UNKNOWN', EXIT.usage, `there is no checkpoint ${id}`, {
    hint: 'see `cutover checkpoint list`',
  });
}

/** Who changes checkpoints by hand, and when (Unix ms): goes into the history. */
export interface ByHand {
  actor: string;
  at: number;
}

/** Pins a checkpoint, so that retention never deletes it, or lets retention have it again. */
export function pinCheckpoint(db: Db, id: number, pinned: boolean, by: ByHand): Checkpoint {
  return writing(db, () => {
    getCheckpoint(db, id);
    db.prepare('UPDATE checkpoints SET pinned = ? WHERE id = ?').run(pinned ? 1 : 0, id);
    appendHistory(db, {
      ...by,
      event: pinned ? 'checkpoint pinned' : 'checkpoint unpinned',
      detail: { checkpoint: id },
    });
    return getCheckpoint(db, id);
  });
}

/** Applies retention now. Returns the ids that went. */
export function pruneByHand(db: Db, keep: number, by: ByHand): number[] {
  return writing(db, () => {
    const checkpoints = pruneCheckpoints(db, keep);
    if (checkpoints.length > 0)
      appendHistory(db, { ...by, event: 'checkpoints pruned', detail: { checkpoints, keep } });
    return checkpoints;
  });
}

/**
 * Takes in checkpoints of another database, but for those that are here already. They get new numbers and are pinned;
 * their links to operations and to one another stay behind.
 * @param as how each is taken in, see `sortOut`
 * @returns those that were new, newest first, and the numbers of those that were here
 */
export function importCheckpoints(
  db: Db,
  imported: readonly ImportedCheckpoint[],
  as: (one: ImportedCheckpoint) => ImportedCheckpoint,
  by: ByHand,
): { taken: Checkpoint[]; known: number[] } {
  return writing(db, () => {
    const { fresh, known } = sortOut(listCheckpoints(db), imported, as);
    const ids = fresh.map((one) => insertCheckpoint(db, { ...one, operationId: null, previous: null }));
    const pin = db.prepare('UPDATE checkpoints SET pinned = 1 WHERE id = ?');
    for (const id of ids) pin.run(id);
    if (ids.length > 0)
      appendHistory(db, { ...by, event: 'checkpoints imported', detail: { checkpoints: ids, known } });
    return { taken: ids.map((id) => getCheckpoint(db, id)).toReversed(), known };
  });
}

/** The numbers of those that were taken in from elsewhere. */
export function importedCheckpoints(db: Db): ReadonlySet<number> {
  const rows = db
    .prepare(
      `SELECT value AS id FROM history, json_each(detail, '$.checkpoints') WHERE event = 'checkpoints imported'`,
    )
    .all() as { id: number }[];
  return new Set(rows.map(({ id }) => id));
}

function writing<T>(db: Db, work: () => T): T {
  return explainingFaults(db.name, () => db.transaction(work).immediate());
}

/**
 * The checkpoints that retention lets go, by their ids: all but the newest `keep`, the pinned ones, the first (the baseline), and
 * those that lead back from where the migration is, so that `rollback` never meets a hole.
 */
export function prunableCheckpoints(db: Db, keep: number): number[] {
  const rows = db
    .prepare(
      `WITH RECURSIVE way_back (id) AS (
         SELECT previous_checkpoint FROM state
         UNION SELECT c.previous FROM checkpoints c JOIN way_back w ON c.id = w.id
       )
       SELECT id FROM checkpoints
        WHERE pinned = 0
          AND id NOT IN (SELECT id FROM checkpoints ORDER BY id DESC LIMIT ?)
          AND id <> (SELECT min(id) FROM checkpoints)
          AND id NOT IN (SELECT id FROM way_back WHERE id IS NOT NULL)
          AND id NOT IN (SELECT checkpoint_id FROM operations WHERE open = 1 AND checkpoint_id IS NOT NULL)
        ORDER BY id`,
    )
    .all(keep) as { id: number }[];
  return rows.map(({ id }) => id);
}

/** Deletes them, and returns their ids. */
export function pruneCheckpoints(db: Db, keep: number): number[] {
  const ids = prunableCheckpoints(db, keep);
  const remove = db.prepare('DELETE FROM checkpoints WHERE id = ?');
  for (const id of ids) remove.run(id);
  return ids;
}
