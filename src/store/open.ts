import { join } from 'node:path';
import type Database from 'better-sqlite3';
import { CutoverError, EXIT, messageOf, systemCode } from '../errors.ts';
import { prepareFiles } from './files.ts';
import { migrate } from './migrate.ts';
import { openSqlite } from './sqlite.ts';

export type Db = Database.Database;

export const DATABASE_NAME = 'state.db';

/** How long a command waits for another process's short transaction, in milliseconds. */
const BUSY_TIMEOUT_MS = 5000;

/**
 * Opens (and where needed creates and migrates) the state database in `stateDir`.
 * @param options.group who may read it besides its owner: null for nobody. Without it the modes of what is there are
 *   left alone.
 * @throws CutoverError STATE_LOCKED (75), STATE_CORRUPT, STATE_NEWER (65), STATE_GROUP (78), STATE_UNWRITABLE, STATE_DRIVER (1).
 */
export function openStore(
  stateDir: string,
  options: { now: number; busyTimeoutMs?: number; group?: string | null },
): Db {
  const path = join(stateDir, DATABASE_NAME);
  return explainingFaults(path, () => {
    prepareFiles(stateDir, path, options.group);
    const db = openSqlite(path, { timeout: options.busyTimeoutMs ?? BUSY_TIMEOUT_MS });
    try {
      db.pragma('journal_mode = WAL');
      db.pragma('synchronous = FULL');
      db.pragma('foreign_keys = ON');
      migrate(db, options.now);
      return db;
    } catch (error) {
      db.close();
      throw error;
    }
  });
}

/** Runs `work` and turns SQLite's and the file system's own errors into ones that say how to mend them. */
export function explainingFaults<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw explainFault(path, error);
  }
}

/** An error of SQLite or the file system as one that says how to mend it; any other as it is. */
export function explainFault(path: string, error: unknown): unknown {
  if (error instanceof CutoverError) return error;
  const code = systemCode(error) ?? '';
  const make = (name: string, exit: 1 | 65 | 75, what: string, hint: string) =>
    new CutoverError(name, exit, `${path}: ${what}`, { hint, cause: error });
  const emergency = '`cutover rollback --emergency` works without this database';
  if (code === 'SQLITE_BUSY' || code.startsWith('SQLITE_BUSY_') || code === 'SQLITE_LOCKED') {
    return make('STATE_LOCKED', EXIT.notNow, 'locked by another process', `try again; ${emergency}`);
  }
  if (code === 'SQLITE_NOTADB' || code.startsWith('SQLITE_CORRUPT')) {
    return make(
      'STATE_CORRUPT',
      EXIT.input,
      'not a healthy database',
      `restore it from a copy; ${emergency}`,
    );
  }
  if (code.startsWith('SQLITE_') || ['EACCES', 'EROFS', 'ENOSPC', 'ENOTDIR', 'EPERM', 'EIO'].includes(code)) {
    const what = code === 'SQLITE_FULL' || code === 'ENOSPC' ? 'the disk is full' : messageOf(error);
    return make('STATE_UNWRITABLE', EXIT.fault, what, `make room or mend the permissions; ${emergency}`);
  }
  return error;
}
