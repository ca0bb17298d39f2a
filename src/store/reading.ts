import { join } from 'node:path';
import { CutoverError, EXIT, messageOf, systemCode } from '../errors.ts';
import { readOrdinaryBytes } from '../files.ts';
import { migrateCopy } from './migrate.ts';
import { DATABASE_NAME, type Db, explainingFaults, leadsNowhere, notReadable } from './open.ts';
import { openSqlite } from './sqlite.ts';
import { applyWal } from './wal.ts';

/** A copy in memory of the state as it was at one moment. */
export interface StateCopy {
  db: Db;
  /** What a command that writes is refused with: a newer cutover has written it. Null when none has. */
  newer: CutoverError | null;
}

/** Somebody who writes without a pause leaves one soon. */
const TRIES = 200;
const PAUSE_MS = 10;

/**
 * Reads the state without writing anything and without any lock: files are only read. SQLite itself would make two
 * beside the database, and cannot open one in WAL mode where it may not. Without a database the state is that before
 * anything has happened.
 * @throws CutoverError STATE_UNREADABLE (69), STATE_CORRUPT, STATE_NEWER (65), STATE_LOCKED (75).
 */
export function readStore(stateDir: string, now: number): StateCopy {
  const path = join(stateDir, DATABASE_NAME);
  return explainingFaults(path, () => {
    const bytes = explainingReading(path, () => databaseBytes(path));
    // No database is the state before anything has happened; one that cannot be got at is not.
    const hidden = bytes === null ? leadsNowhere(path, 'STATE_UNREADABLE') : null;
    if (hidden) throw hidden;
    const db = openSqlite(bytes ?? ':memory:');
    try {
      return { db, newer: migrateCopy(db, path, now) };
    } catch (error) {
      db.close();
      throw error;
    }
  });
}

/**
 * The whole database as one file of bytes, out of WAL mode, which a database in memory cannot be in; null when there
 * is none.
 *
 * Both files are read twice and must not have changed: then they belong together. Pages move from the log to the
 * database and only then the log is used anew. If that began after the second reading of the database, the log still
 * has all of them; if it had ended before the first, the database has; in between one of the two readings differs.
 */
function databaseBytes(path: string): Buffer | null {
  let before: Buffer[] | null = null;
  for (let tries = 0; tries < TRIES; tries++) {
    // A journal of another kind than ours is there while somebody else's tool changes the file in place.
    if (read(`${path}-journal`).length > 0) break;
    const now: Buffer[] = [read(path), read(`${path}-wal`)];
    if (before?.every((bytes, i) => bytes.equals(now[i] as Buffer))) return together(now as [Buffer, Buffer]);
    if (before) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, PAUSE_MS);
    before = now;
  }
  throw new CutoverError('STATE_LOCKED', EXIT.notNow, `${path}: locked by another process, which writes it`, {
    hint: 'try again',
  });
}

function together([database, wal]: [Buffer, Buffer]): Buffer | null {
  if (database.length === 0) return null;
  const whole = applyWal(database, wal);
  if (whole.length >= 20) whole.fill(1, 18, 20);
  return whole;
}

/** A file that is not there is empty. */
function read(path: string): Buffer {
  try {
    return readOrdinaryBytes(path, { maxBytes: Number.POSITIVE_INFINITY });
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return Buffer.alloc(0);
    throw error;
  }
}

function explainingReading<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    const code = systemCode(error);
    if (error instanceof CutoverError || code === undefined) throw error;
    if (code === 'EACCES' || code === 'EPERM') throw notReadable(path, error);
    throw new CutoverError(
      'STATE_UNREADABLE',
      EXIT.unreachable,
      `${path} cannot be read: ${messageOf(error)}`,
      { cause: error },
    );
  }
}
