import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type Database from 'better-sqlite3';
import { CutoverError, EXIT } from '../errors.ts';
import { packageRoot } from '../package-root.ts';

interface Migration {
  version: number;
  name: string;
  sql: string;
  checksum: string;
}

/** The SQL files of migrations/ in order. Their numbers have no gaps. */
function shippedMigrations(): Migration[] {
  const dir = join(packageRoot(), 'migrations');
  return readdirSync(dir)
    .filter((name) => /^\d{4}_\w+\.sql$/.test(name))
    .sort()
    .map((name) => {
      const sql = readFileSync(join(dir, name), 'utf8');
      return {
        version: Number(name.slice(0, 4)),
        name,
        sql,
        checksum: createHash('sha256').update(sql).digest('hex'),
      };
    });
}

/**
 * Brings the database to this version's schema, forward only, in one transaction.
 * @throws CutoverError STATE_NEWER when a newer cutover has written it, STATE_CORRUPT when an applied
 *   migration is not the one that shipped (exit 65).
 */
export function migrate(db: Database.Database, now: number): void {
  apply(db, shippedMigrations(), db.name, now);
}

function apply(db: Database.Database, shipped: Migration[], path: string, now: number): void {
  const last = shipped.at(-1)?.version ?? 0;
  if (verify(db, shipped, path) === last) return;
  db.transaction(() => {
    db.exec(
      `CREATE TABLE IF NOT EXISTS schema_migrations (
         version INTEGER PRIMARY KEY, name TEXT NOT NULL, checksum TEXT NOT NULL, applied_at INTEGER NOT NULL
       ) STRICT`,
    );
    // Another process may have migrated while this one waited for the lock.
    const applied = verify(db, shipped, path);
    const record = db.prepare(
      'INSERT INTO schema_migrations (version, name, checksum, applied_at) VALUES (?, ?, ?, ?)',
    );
    for (const migration of shipped.filter(({ version }) => version > applied)) {
      db.exec(migration.sql);
      record.run(migration.version, migration.name, migration.checksum, now);
    }
    db.pragma(`user_version = ${last}`);
  }).immediate();
}

/**
 * Brings a copy in memory to this version's schema. One that a newer cutover has written stays as it is, if that
 * says that this version understands it, and it has all that this version knows.
 * @param path of the database it is a copy of, for messages
 * @returns what a command that writes is refused with when a newer cutover has written it; null when none has
 * @throws CutoverError as `migrate` does, for a newer one that cannot be understood
 */
export function migrateCopy(db: Database.Database, path: string, now: number): CutoverError | null {
  const shipped = shippedMigrations();
  const last = shipped.at(-1)?.version ?? 0;
  const version = db.pragma('user_version', { simple: true }) as number;
  if (version <= last) {
    apply(db, shipped, path, now);
    return null;
  }
  verifyChecksums(db, last, shipped, path);
  const ours = new (db.constructor as typeof Database)(':memory:');
  try {
    apply(ours, shipped, path, now);
    const theirs = new Set(columns(db));
    if (columns(ours).some((column) => !theirs.has(column))) throw newer(path, version);
  } finally {
    ours.close();
  }
  if (readableFrom(db) > last) throw newer(path, version);
  return newer(path, version);
}

/** The oldest schema whose cutover understands this database: the migrations that were applied have set it. */
function readableFrom(db: Database.Database): number {
  const said = db.prepare('SELECT max(readable_from) FROM schema_readable').pluck().get() as number | null;
  return said ?? Number.POSITIVE_INFINITY;
}

function columns(db: Database.Database): string[] {
  return db
    .prepare(
      `SELECT t.name || '.' || c.name FROM sqlite_schema t JOIN pragma_table_info(t.name) c WHERE t.type = 'table'`,
    )
    .pluck()
    .all() as string[];
}

/** The version the database is at, after checking that it is one of ours. */
function verify(db: Database.Database, shipped: Migration[], path: string): number {
  const version = db.pragma('user_version', { simple: true }) as number;
  if (version > (shipped.at(-1)?.version ?? 0)) throw newer(path, version);
  if (version > 0) verifyChecksums(db, version, shipped, path);
  return version;
}

function newer(path: string, version: number): CutoverError {
  return new CutoverError(
    'STATE_NEWER',
    EXIT.input,
    `${path}: written by a newer cutover (schema ${version})`,
    {
      hint: 'upgrade cutover; `cutover rollback --emergency` works without this database',
    },
  );
}

/** Each migration up to `version` must be the one that shipped; what a newer cutover applied after it is its own. */
function verifyChecksums(db: Database.Database, version: number, shipped: Migration[], path: string): void {
  const applied = db
    .prepare('SELECT version, checksum FROM schema_migrations WHERE version <= ? ORDER BY version')
    .all(version) as { version: number; checksum: string }[];
  for (const row of applied) {
    if (shipped.find((each) => each.version === row.version)?.checksum === row.checksum) continue;
    throw new CutoverError(
      'STATE_CORRUPT',
      EXIT.input,
      `${path}: migration ${row.version} is not the one that shipped`,
      {
        hint: 'this database was made by another build of cutover; use that build, or start with a new state folder',
      },
    );
  }
}
