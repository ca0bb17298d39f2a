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
  const shipped = shippedMigrations();
  const last = shipped.at(-1)?.version ?? 0;
  if (verify(db, shipped) === last) return;
  db.transaction(() => {
    db.exec(
      `CREATE TABLE IF NOT EXISTS schema_migrations (
         version INTEGER PRIMARY KEY, name TEXT NOT NULL, checksum TEXT NOT NULL, applied_at INTEGER NOT NULL
       ) STRICT`,
    );
    // Another process may have migrated while this one waited for the lock.
    const applied = verify(db, shipped);
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

/** The version the database is at, after checking that it is one of ours. */
function verify(db: Database.Database, shipped: Migration[]): number {
  const version = db.pragma('user_version', { simple: true }) as number;
  if (version > (shipped.at(-1)?.version ?? 0)) {
    throw new CutoverError(
      'STATE_NEWER',
      EXIT.input,
      `${db.name}: written by a newer cutover (schema ${version})`,
      {
        hint: 'upgrade cutover; `cutover rollback --emergency` works without this database',
      },
    );
  }
  if (version === 0) return 0;
  const applied = db.prepare('SELECT version, checksum FROM schema_migrations ORDER BY version').all() as {
    version: number;
    checksum: string;
  }[];
  for (const row of applied) {
    if (shipped.find(({ version }) => version === row.version)?.checksum === row.checksum) continue;
    throw new CutoverError(
      'STATE_CORRUPT',
      EXIT.input,
      `${db.name}: migration ${row.version} is not the one that shipped`,
      {
        hint: 'this database was made by another build of cutover; use that build, or start with a new state folder',
      },
    );
  }
  return version;
}
