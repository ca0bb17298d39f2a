import { existsSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import type { JournalEntry } from './oracle.ts';

/**
 * What the commands of a world wrote into its journal. Each wrote its own entries, in transactions: their order is the
 * order in which things happened, on hosts whose clocks are wrong too.
 */
export function journalOf(dir: string): JournalEntry[] {
  const path = join(dir, '.cutover', 'state.db');
  // A history in which no command came so far.
  if (!existsSync(path)) return [];
  const db = new Database(path, { readonly: true });
  try {
    // Or in which each was killed before it had made a table.
    if (db.pragma('user_version', { simple: true }) === 0) return [];
    return db
      .prepare(
        `SELECT CASE WHEN h.event LIKE '% began' THEN 'begins' WHEN h.event LIKE '% resumed' THEN 'resumes'
                     ELSE 'step' END AS event, o.id AS operation, o.kind, h.actor
           FROM history h JOIN operations o ON o.id = h.operation_id
          WHERE h.event LIKE '% began' OR h.event LIKE '% resumed' OR h.event LIKE 'step %'
          ORDER BY h.seq`,
      )
      .all() as JournalEntry[];
  } finally {
    db.close();
  }
}
