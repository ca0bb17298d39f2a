import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import fc from 'fast-check';
import { expect, it, onTestFinished } from 'vitest';
import { applyWal } from '../../../src/store/wal.ts';

/** Against SQLite itself: what it makes of the same two files. */

function folder(): string {
  const dir = mkdtempSync(join(tmpdir(), 'cutover-wal-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

/** All rows of a database that is in the two files, as SQLite reads them. */
function bySqlite(dir: string, database: Buffer, wal: Buffer): unknown {
  const copy = mkdtempSync(join(dir, 'copy-'));
  const path = join(copy, 'x.db');
  writeBoth(path, database, wal);
  const db = new Database(path);
  try {
    return rows(db);
  } finally {
    db.close();
  }
}

function byUs(database: Buffer, wal: Buffer): unknown {
  const whole = Buffer.from(applyWal(database, wal));
  if (whole.length === 0) return [];
  whole.fill(1, 18, 20);
  const db = new Database(whole);
  try {
    expect(db.pragma('integrity_check', { simple: true })).toBe('ok');
    return rows(db);
  } finally {
    db.close();
  }
}

function rows(db: Database.Database): unknown {
  const made = db.prepare("SELECT 1 FROM sqlite_schema WHERE name = 't'").get();
  return made ? db.prepare('SELECT id, x FROM t ORDER BY id').all() : [];
}

function writeBoth(path: string, database: Buffer, wal: Buffer): void {
  writeFileSync(path, database);
  writeFileSync(`${path}-wal`, wal);
}

type Op = { kind: 'write'; text: string } | { kind: 'delete' | 'checkpoint' | 'restart' | 'vacuum' | 'undo' };
const op: fc.Arbitrary<Op> = fc.oneof(
  { weight: 6, arbitrary: fc.string({ maxLength: 3000 }).map((text): Op => ({ kind: 'write', text })) },
  {
    weight: 3,
    arbitrary: fc.constantFrom<Op>(
      { kind: 'delete' },
      { kind: 'checkpoint' },
      { kind: 'restart' },
      { kind: 'vacuum' },
      { kind: 'undo' },
    ),
  },
);

function act(db: Database.Database, one: Op): void {
  if (one.kind === 'write') db.prepare('INSERT INTO t (x) VALUES (?)').run(one.text);
  if (one.kind === 'delete') db.exec('DELETE FROM t WHERE id % 2 = 0');
  if (one.kind === 'checkpoint') db.pragma('wal_checkpoint(PASSIVE)');
  if (one.kind === 'restart') db.pragma('wal_checkpoint(RESTART)');
  if (one.kind === 'vacuum') db.exec('VACUUM');
  if (one.kind === 'undo') db.exec("BEGIN; INSERT INTO t (x) VALUES ('undone'); ROLLBACK");
}

it('makes of a database and its log what SQLite makes of them, cut off anywhere', () => {
  const dir = folder();
  fc.assert(
    fc.property(
      fc.constantFrom(512, 4096, 65536),
      fc.array(op, { maxLength: 25 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (pageSize, ops, cut) => {
        const path = join(mkdtempSync(join(dir, 'db-')), 'x.db');
        const db = new Database(path);
        try {
          db.pragma(`page_size = ${pageSize}`);
          db.pragma('journal_mode = WAL');
          db.exec('CREATE TABLE t (id INTEGER PRIMARY KEY, x TEXT)');
          for (const one of ops) act(db, one);
          const [database, wal] = [readFileSync(path), readFileSync(`${path}-wal`)];
          expect(byUs(database, wal)).toEqual(rows(db));
          // A writer that died left part of a log, or a log with a hole.
          const short = wal.subarray(0, Math.floor(wal.length * cut));
          expect(byUs(database, short)).toEqual(bySqlite(dir, database, short));
          const damaged = Buffer.from(wal);
          if (damaged.length > 0)
            damaged.writeUInt8(
              (damaged.readUInt8(short.length % damaged.length) ^ 1) & 255,
              short.length % damaged.length,
            );
          expect(byUs(database, damaged)).toEqual(bySqlite(dir, database, damaged));
        } finally {
          db.close();
        }
      },
    ),
    { numRuns: 60 },
  );
}, 60_000);

it('leaves a database without a log as it is', () => {
  const database = Buffer.from('whatever');
  expect(applyWal(database, Buffer.alloc(0))).toBe(database);
  expect(applyWal(database, Buffer.alloc(31))).toBe(database);
  expect(applyWal(database, Buffer.alloc(4096))).toBe(database);
});
