import { rmSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type HistoryRow, hashOf } from '../../src/store/chain.ts';
import { cutover, cutoverJson, makeFolder } from './cli.ts';
import { prepared } from './prepared.ts';

/** What has happened, and whether that is all of it. */

const FORCE = ['--yes', '--force', '--reason', 'test'];

interface Verified {
  whole: boolean;
  fault: string | null;
  entries: number;
  brokenAt: number | null;
  head: string;
  kept: { entries: number; head: string };
  expected: { head: string; at: number | null } | null;
}
interface Entry {
  seq: number;
  at: string;
  event: string;
  operationId: string | null;
}

function folder(): string {
  const dir = makeFolder('models: { a: b }\n');
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

/** A migration at 10 %. */
const at10 = prepared(async () => {
  const dir = makeFolder('models: { a: b }\n');
  await cutoverJson(dir, ['canary', 'start', '--yes']);
  return dir;
});

async function verify(dir: string, ...more: string[]): Promise<Verified & { code: number | null }> {
  const { code, stdout } = await cutover(dir, ['history', '--verify', '--json', ...more]);
  return { ...(JSON.parse(stdout) as { verify: Verified }).verify, code };
}

const entries = async (dir: string, ...more: string[]) =>
  (await cutoverJson<{ entries: Entry[] }>(dir, ['history', '--limit', '999', ...more])).entries;

/** Somebody with a database tool, who has seen to it that nothing stops him. */
function tamper(dir: string, work: (db: Database.Database) => void): void {
  const db = new Database(join(dir, '.cutover', 'state.db'));
  db.exec('DROP TRIGGER IF EXISTS history_keeps_text; DROP TRIGGER IF EXISTS history_keeps_rows');
  work(db);
  db.close();
}

const cut = (rows: number) => (db: Database.Database) =>
  void db.prepare('DELETE FROM history WHERE seq > (SELECT max(seq) FROM history) - ?').run(rows);

/** Every entry by another actor, each with a hash that fits. */
function rewrite(db: Database.Database): void {
  let previous = '0'.repeat(64);
  for (const row of db.prepare('SELECT * FROM history ORDER BY seq').all() as HistoryRow[]) {
    const anew = { ...row, actor: 'nobody', previous };
    previous = hashOf(anew);
    db.prepare('UPDATE history SET actor = ?, previous = ?, hash = ? WHERE seq = ?').run(
      anew.actor,
      anew.previous,
      previous,
      row.seq,
    );
  }
}

describe('history --verify', () => {
  it('counts what was written, and says the hash that covers it', async () => {
    const dir = folder();
    expect(await verify(dir)).toMatchObject({ code: 0, whole: true, entries: 0, head: '0'.repeat(64) });
    await cutoverJson(dir, ['canary', 'start', '--yes']);
    const { entries: count, head, kept, fault } = await verify(dir);
    expect({ entries: count, head }).toEqual(kept);
    expect([fault, count]).toEqual([null, (await entries(dir)).length]);
    expect((await cutover(dir, ['history', '--verify'])).stdout).toBe(
      `whole: ${count} entries, head ${head.slice(0, 16)}\n`,
    );
  });

  it('finds that the newest entries are gone, also when others have followed', async () => {
    const dir = await at10();
    const before = await verify(dir);
    tamper(dir, cut(2));
    const found = await verify(dir);
    expect(found).toMatchObject({
      code: 2,
      whole: false,
      fault: 'cut',
      entries: before.entries - 2,
      brokenAt: before.entries - 1,
    });
    expect((await cutover(dir, ['history', '--verify'])).stdout).toMatch(/^BROKEN at entry \d+: it is gone/);
    await cutoverJson(dir, ['shift', '25%', ...FORCE]);
    expect(await verify(dir)).toMatchObject({ code: 2, whole: false, fault: 'rewritten' });
  });

  it('finds that all was written anew with hashes that fit, also when others have followed', async () => {
    const dir = await at10();
    tamper(dir, rewrite);
    expect(await verify(dir)).toMatchObject({ code: 2, whole: false, fault: 'rewritten', brokenAt: null });
    await cutoverJson(dir, ['shift', '25%', ...FORCE]);
    expect(await verify(dir)).toMatchObject({ code: 2, whole: false, fault: 'rewritten' });
  });

  it('finds what was appended by another hand, and that the count is gone', async () => {
    const dir = await at10();
    const { entries: count, head } = await verify(dir);
    tamper(dir, (db) => {
      const row = { seq: count + 1, at: 1, actor: 'a', event: 'e', operation_id: null, detail: '1' };
      db.exec('DROP TRIGGER history_is_counted');
      db.prepare('INSERT INTO history VALUES (?, ?, ?, ?, ?, ?, ?, ?)').run(
        ...Object.values({ ...row, previous: head }),
        hashOf({ ...row, previous: head }),
      );
    });
    expect(await verify(dir)).toMatchObject({ code: 2, fault: 'added', brokenAt: count + 1 });
    tamper(dir, (db) => void db.exec('DELETE FROM history_head'));
    expect(await verify(dir)).toMatchObject({ code: 2, fault: 'uncounted', whole: false });
  });

  it.each(['history_head', 'history'])(
    'says that it is damaged where the table %s is gone',
    async (table) => {
      const dir = await at10();
      tamper(dir, (db) => void db.exec(`DROP TABLE ${table}`));
      const { code, stdout } = await cutover(dir, ['history', '--verify', '--json']);
      expect(code).toBe(2);
      expect(JSON.parse(stdout)).toMatchObject({
        error: {
          code: 'HISTORY_DAMAGED',
          exitCode: 2,
          message: `the history is damaged: no such table: ${table}`,
          hint: expect.stringContaining('--expect-head'),
        },
      });
      const refused = await cutover(dir, ['shift', '25%', ...FORCE, '--json']);
      expect(JSON.parse(refused.stdout)).toMatchObject({
        error: { code: 'STATE_DAMAGED', exitCode: 65, hint: expect.stringContaining('restore it') },
      });
    },
  );

  it.each([['status'], ['lease'], ['rollback', '--yes', '--anyway']])(
    '`%s` says that the state is damaged where the row of the lease is gone',
    async (...args) => {
      const dir = await at10();
      tamper(dir, (db) => void db.exec('DELETE FROM lease'));
      const { code, stdout, stderr } = await cutover(dir, [...args, '--json']);
      expect([code, stderr]).toEqual([65, expect.not.stringContaining('    at ')]);
      expect(JSON.parse(stdout)).toMatchObject({
        error: {
          code: 'STATE_DAMAGED',
          message: expect.stringMatching(/state\.db: it is not as cutover left it: the lease is gone$/),
          hint: expect.stringContaining('`cutover rollback --emergency` works without'),
        },
      });
    },
  );

  it('finds with a hash from elsewhere what the database alone cannot tell', async () => {
    const dir = await at10();
    const { head, entries: count } = await verify(dir);
    await cutoverJson(dir, ['shift', '25%', ...FORCE]);
    expect(await verify(dir, '--expect-head', head)).toMatchObject({ code: 0, expected: { at: count } });
    const short = head.slice(0, 16).toUpperCase();
    expect((await cutover(dir, ['history', '--verify', '--expect-head', short])).stdout).toContain(
      `the expected one is that of entry ${count}`,
    );
    // The count is written anew as well: whole by all that the database says.
    tamper(dir, (db) => {
      rewrite(db);
      db.exec(
        `UPDATE history_head SET entries = (SELECT max(seq) FROM history),
           head = (SELECT hash FROM history ORDER BY seq DESC LIMIT 1)`,
      );
    });
    expect(await verify(dir)).toMatchObject({ code: 0, whole: true });
    expect(await verify(dir, '--expect-head', head)).toMatchObject({
      code: 2,
      whole: false,
      fault: 'not expected',
      expected: { head, at: null },
    });
    expect((await cutover(dir, ['history', '--verify', '--expect-head', head])).stdout).toContain(head);
  });

  it.each([
    ['a hash that is too short to prove anything', ['--verify', '--expect-head', 'abc'], /16 to 64/],
    ['a hash that is none', ['--verify', '--expect-head', 'z'.repeat(64)], /not a hash/],
    ['a hash without --verify', ['--expect-head', 'a'.repeat(64)], /for `history --verify`/],
    ['a part of the history', ['--verify', '--operation', 'op-1'], /every entry/],
  ])('refuses %s', async (_name, args, text) => {
    const { code, stderr } = await cutover(folder(), ['history', ...args]);
    expect([code, stderr]).toEqual([64, expect.stringMatching(text)]);
  });

  it('says in its help what it cannot find, at any width', async () => {
    for (const columns of [48, 80, 100]) {
      const { stdout } = await cutover(folder(), ['history', '--help'], { env: { COLUMNS: `${columns}` } });
      expect(stdout.replace(/\s+/g, ' ')).toMatch(/cannot see .* put back from an older copy/);
      expect(Math.max(...stdout.split('\n').map((line) => line.length))).toBeLessThanOrEqual(columns);
    }
  });
});

describe('history', () => {
  it('shows what belongs to an event, to an operation, or to a time', async () => {
    const dir = await at10();
    await cutoverJson(dir, ['shift', '25%', ...FORCE]);
    const all = await entries(dir);
    const shift = all[0]?.operationId as string;
    expect(await entries(dir, '--operation', shift)).toEqual(all.filter((e) => e.operationId === shift));
    expect((await entries(dir, '--event', 'Shift')).map(({ event }) => event)).toEqual([
      'shift done',
      'shift began',
    ]);
    expect((await entries(dir, '--event', 'step', '--operation', shift)).map(({ event }) => event)).toEqual([
      'step done',
    ]);
    // The time of an entry is the first that it is shown for.
    const began = all.find(({ event }) => event === 'shift began') as Entry;
    expect((await entries(dir, '--since', began.at)).map(({ seq }) => seq)).toEqual(
      all.filter(({ at }) => at >= began.at).map(({ seq }) => seq),
    );
    expect(await entries(dir, '--since', '1h')).toEqual(all);
    expect(await entries(dir, '--since', '2100-01-01')).toEqual([]);
    expect(await entries(dir, '--event', 'done', '--limit', '1')).toHaveLength(1);
  });

  it('tells nothing that fits from nothing that has happened, and an operation that it does not know', async () => {
    const dir = await at10();
    expect((await cutover(dir, ['history', '--event', '%'])).stdout).toBe(
      'no entry fits what was asked for\n',
    );
    const unknown = await cutover(dir, ['history', '--operation', 'op-none']);
    expect([unknown.code, unknown.stderr]).toEqual([64, expect.stringContaining('no operation op-none')]);
    for (const since of ['yesterday', '2026-02-30', '5']) {
      const ran = await cutover(dir, ['history', '--since', since]);
      expect([ran.code, ran.stderr]).toEqual([64, expect.stringContaining(`--since ${since}`)]);
    }
  });
});
