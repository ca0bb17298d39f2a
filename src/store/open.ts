import { dirname, join } from 'node:path';
import type Database from 'better-sqlite3';
import { CutoverError, EXIT, messageOf, systemCode } from '../errors.ts';
import { brokenLink, deniedAt, isReadOnly, prepareFiles } from './files.ts';
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
 * @param options.onNote told of a mode that was tightened
 * @throws CutoverError STATE_LOCKED (75), STATE_CORRUPT, STATE_DAMAGED, STATE_NEWER (65), STATE_GROUP (78), STATE_UNREADABLE,
 *   STATE_UNWRITABLE (69, or 1 for a full disk and the like), STATE_DRIVER (1).
 */
export function openStore(
  stateDir: string,
  options: {
    now: number;
    busyTimeoutMs?: number;
    group?: string | null;
    onNote?: (text: string) => void;
  },
): Db {
  const path = join(stateDir, DATABASE_NAME);
  return explainingFaults(path, () => {
    for (const note of prepareFiles(stateDir, path, options.group)) options.onNote?.(note);
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

/** What cutover always keeps in the database is not there. */
export class StateDamage extends Error {}

/** Codes of what is not where a link leads. */
const NOT_THERE = ['ENOENT', 'ELOOP', 'SQLITE_CANTOPEN'];
/** What SQLite says where it cannot make or change a file. */
const NOT_WRITTEN = /^SQLITE_(READONLY|CANTOPEN)/;
const FILE_FAULTS = ['EACCES', 'EROFS', 'ENOSPC', 'ENOTDIR', 'EPERM', 'EIO'];

/** Runs `work` and turns SQLite's and the file system's own errors into ones that say how to mend them. */
export function explainingFaults<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw explainFault(path, error);
  }
}

const WITHOUT_IT = '`cutover rollback --emergency` works without this database';

/** The error of a database that a link hides which leads nowhere; null where there is no such link. */
export function leadsNowhere(path: string, code: string, cause?: unknown): CutoverError | null {
  const link = brokenLink(path);
  if (!link) return null;
  const what = `${link.at} is a link to ${link.to}, where there is nothing`;
  return new CutoverError(code, EXIT.unreachable, `${path}: ${what}`, {
    hint: `mount what it leads to, or mend the link; ${WITHOUT_IT}`,
    cause,
  });
}

/** An error of SQLite or the file system as one that says how to mend it; any other as it is. */
export function explainFault(path: string, error: unknown): unknown {
  if (error instanceof CutoverError) return error;
  const code = systemCode(error) ?? '';
  const make = (name: string, exit: 1 | 65 | 69 | 75, what: string, hint: string) =>
    new CutoverError(name, exit, `${path}: ${what}`, { hint, cause: error });
  const emergency = WITHOUT_IT;
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
  if (code === 'SQLITE_ERROR' || error instanceof StateDamage) {
    const what = `it is not as cutover left it: ${messageOf(error)}`;
    return make('STATE_DAMAGED', EXIT.input, what, `restore it from a copy; ${emergency}`);
  }
  const link = NOT_THERE.includes(code) ? leadsNowhere(path, 'STATE_UNWRITABLE', error) : null;
  if (link) return link;
  if (!code.startsWith('SQLITE_') && !FILE_FAULTS.includes(code)) return error;
  const full = code === 'SQLITE_FULL' || code === 'ENOSPC';
  const denied = full ? null : deniedAt(path);
  if (denied === 'read') return notReadable(path, error);
  if (denied === 'write') {
    const hint = `run it as its owner, or mend the permissions; ${emergency}`;
    return make('STATE_UNWRITABLE', EXIT.unreachable, 'this user may not write it', hint);
  }
  if (code === 'EROFS' || (NOT_WRITTEN.test(code) && [path, dirname(path)].some(isReadOnly))) {
    const hint = `mount it so that it can be written, or run this where it is; ${emergency}`;
    return make('STATE_UNWRITABLE', EXIT.unreachable, 'the file system is read-only', hint);
  }
  const what = full ? 'the disk is full' : messageOf(error);
  return make('STATE_UNWRITABLE', EXIT.fault, what, `make room or mend the permissions; ${emergency}`);
}

/** The error of a user who may not read the database. */
export function notReadable(path: string, cause: unknown): CutoverError {
  return new CutoverError('STATE_UNREADABLE', EXIT.unreachable, `${path}: this user may not read it`, {
    hint: 'its owner can let a group read it: `state: { path, group }` in the config; `cutover rollback --emergency` works without it',
    cause,
  });
}
