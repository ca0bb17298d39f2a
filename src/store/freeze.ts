import { appendHistory } from './history.ts';
import { type Db, explainingFaults } from './open.ts';

/** Forward steps are stopped. Times are Unix milliseconds. */
export interface Freeze {
  reason: string;
  actor: string;
  since: number;
  /** null: until it is lifted by hand. */
  until: number | null;
}

/** The freeze in force, or null. One whose time is over is none. */
export function readFreeze(db: Db, now: number): Freeze | null {
  const row = db.prepare('SELECT reason, actor, since, until FROM freeze').get() as Freeze | undefined;
  return row && (row.until === null || row.until > now) ? row : null;
}

/** @param tell what is to be told of it, kept in the same transaction */
export function setFreeze(db: Db, freeze: Freeze, tell: () => void = () => {}): void {
  explainingFaults(db.name, () =>
    db
      .transaction(() => {
        db.prepare(
          'INSERT OR REPLACE INTO freeze (id, reason, actor, since, until) VALUES (1, ?, ?, ?, ?)',
        ).run(freeze.reason, freeze.actor, freeze.since, freeze.until);
        const { actor, since: at, reason, until } = freeze;
        appendHistory(db, { at, actor, event: 'frozen', detail: { reason, until } });
        tell();
      })
      .immediate(),
  );
}

/**
 * Lifts the freeze. Returns whether there was one.
 * @param tell what is to be told of it, kept in the same transaction
 */
export function liftFreeze(
  db: Db,
  lifted: { at: number; actor: string; reason: string },
  tell: () => void = () => {},
): boolean {
  return explainingFaults(db.name, () =>
    db
      .transaction(() => {
        if (db.prepare('DELETE FROM freeze').run().changes === 0) return false;
        const { at, actor, reason } = lifted;
        appendHistory(db, { at, actor, event: 'unfrozen', detail: { reason } });
        tell();
        return true;
      })
      .immediate(),
  );
}
