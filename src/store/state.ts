import { CutoverError, EXIT } from '../errors.ts';
import type { Side, Status, World } from '../world.ts';
import type { Db } from './open.ts';

/** Where the migration is, as the database says. */
export interface State extends World {
  stage: Stage | null;
  /** The checkpoint that `rollback` without `--to` leads to. */
  previous: number | null;
  /** Unix milliseconds of the last change; null before the first. */
  changedAt: number | null;
}

/** The time spent at one ratio. */
export interface Stage {
  id: number;
  ratio: number;
  /** Unix milliseconds. */
  since: number;
}

const BEFORE_ANYTHING: State = {
  status: 'idle',
  ratio: 0,
  activeProvider: 'legacy',
  stage: null,
  previous: null,
  changedAt: null,
};

interface StateRow {
  migration: string;
  status: Status;
  ratio: number;
  active_provider: Side;
  previous_checkpoint: number | null;
  changed_at: number;
  stage_id: number | null;
  stage_ratio: number | null;
  since: number | null;
}

/**
 * The state of `migration`.
 * @throws CutoverError STATE_OTHER_MIGRATION (78) when the database belongs to another one.
 */
export function readState(db: Db, migration: string): State {
  const row = db
    .prepare(
      `SELECT s.migration, s.status, s.ratio, s.active_provider, s.previous_checkpoint, s.changed_at, s.stage_id,
              g.ratio AS stage_ratio, g.since
         FROM state s LEFT JOIN stages g ON g.id = s.stage_id`,
    )
    .get() as StateRow | undefined;
  if (!row) return BEFORE_ANYTHING;
  if (row.migration !== migration) {
    throw new CutoverError(
      'STATE_OTHER_MIGRATION',
      EXIT.config,
      `the state folder holds the migration ${row.migration}, the config names ${migration}`,
      { hint: `give ${migration} a state folder of its own (config key state), or restore the name` },
    );
  }
  return {
    status: row.status,
    ratio: row.ratio,
    activeProvider: row.active_provider,
    stage:
      row.stage_id === null
        ? null
        : { id: row.stage_id, ratio: row.stage_ratio as number, since: row.since as number },
    previous: row.previous_checkpoint,
    changedAt: row.changed_at,
  };
}

/** Writes the state; to be called inside the transaction of the operation that changes it. */
export function writeState(
  db: Db,
  migration: string,
  world: World,
  links: { stageId: number | null; previous: number | null; now: number },
): void {
  db.prepare(
    `INSERT INTO state (id, migration, status, ratio, active_provider, stage_id, previous_checkpoint, changed_at)
     VALUES (1, ?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT (id) DO UPDATE SET status = excluded.status, ratio = excluded.ratio,
       active_provider = excluded.active_provider, stage_id = excluded.stage_id,
       previous_checkpoint = excluded.previous_checkpoint, changed_at = excluded.changed_at`,
  ).run(migration, world.status, world.ratio, world.activeProvider, links.stageId, links.previous, links.now);
}

/** Begins a stage and returns its id. */
export function beginStage(db: Db, ratio: number, since: number, operationId: string): number {
  const { lastInsertRowid } = db
    .prepare('INSERT INTO stages (ratio, since, operation_id) VALUES (?, ?, ?)')
    .run(ratio, since, operationId);
  return Number(lastInsertRowid);
}
