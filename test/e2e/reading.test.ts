import { execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import Database from 'better-sqlite3';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { BIN, cutover, cutoverJson, makeFolder, type Ran, type StatusDocument } from './cli.ts';
import { prepared } from './prepared.ts';

/** What only looks writes nothing: by the owner, by another user, on a disk that is read-only, beside a live writer. */

// Each of these starts dozens of processes.
vi.setConfig({ testTimeout: 90_000 });

const FORCE = ['--yes', '--force', '--reason', 'test'];
const READERS = [
  ['status'],
  ['history'],
  ['history', '--verify'],
  ['lease'],
  ['checkpoint', 'list'],
  ['checkpoint', 'show', '1'],
  ['checkpoint', 'diff', '1'],
  ['checkpoint', 'export'],
  ['canary', 'status'],
];
/** Of each kind one: all open the state by the same way. */
const A_FEW = [['status'], ['history', '--verify'], ['checkpoint', 'diff', '1'], ['canary', 'status']];
/** `canary status` ends with 3 where no run has judged yet. */
const LOOKED = [0, 3];
const NOBODY = 65534;
const MIGRATIONS = fileURLToPath(new URL('../../migrations', import.meta.url));

const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const cleanup of cleanups.splice(0).reverse()) cleanup();
});

function folder(extra = ''): string {
  const dir = makeFolder(`models: { a: b }\n${extra}`);
  cleanups.push(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

async function at10With(extra: string): Promise<string> {
  const dir = folder(extra);
  await cutoverJson(dir, ['canary', 'start', '--yes']);
  return dir;
}
/** A migration at 10 %. */
const at10 = prepared(async () => {
  const dir = makeFolder('models: { a: b }\n');
  await cutoverJson(dir, ['canary', 'start', '--yes']);
  return dir;
});

/** Everything that can be told of a folder's files, but when they were read. */
function look(dir: string): Record<string, string> {
  const files = readdirSync(dir, { recursive: true, encoding: 'utf8' }).sort();
  return Object.fromEntries(
    ['', ...files].map((name) => {
      const path = join(dir, name);
      const { mode, uid, gid, size, mtimeMs, ino } = statSync(path);
      const content = statSync(path).isFile()
        ? createHash('sha256').update(readFileSync(path)).digest('hex')
        : '';
      return [name, `${mode.toString(8)} ${uid}:${gid} ${size} ${mtimeMs} ${ino} ${content}`];
    }),
  );
}

function run(dir: string, args: string[], wrapper: string[] = []): Promise<Ran> {
  const [command, ...rest] = [...wrapper, process.execPath, BIN, ...args] as [string, ...string[]];
  const child = spawn(command, rest, {
    cwd: dir,
    env: { PATH: process.env.PATH ?? '', HOME: '/' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => resolve({ code, signal, stdout, stderr }));
  });
}

/** Runs readers, all at once, and expects each to succeed and the folder to stay as it was. */
async function read(dir: string, readers: string[][], wrapper: string[] = []): Promise<void> {
  const before = look(dir);
  const all = await Promise.all(readers.map((args) => run(dir, args, wrapper)));
  for (const [i, ran] of all.entries()) {
    // What judges names an operation that is not finished.
    const judges = readers[i]?.[0] === 'canary' && ran.stderr.includes('is not finished');
    expect(judges ? [75] : LOOKED, `${readers[i]?.join(' ')}: ${ran.stderr}`).toContain(ran.code);
  }
  expect(look(dir)).toEqual(before);
}

/** Kills a shift in its notify hook: its flag is written, its log is not checkpointed. */
async function killed(dir: string): Promise<void> {
  const child = spawn(process.execPath, [BIN, 'shift', '25%', ...FORCE], { cwd: dir, stdio: 'ignore' });
  const gone = new Promise((resolve) => child.on('close', resolve));
  await until(() => existsSync(join(dir, 'told')));
  child.kill('SIGKILL');
  await gone;
}
const HOLD = `hooks:
  notify: [{ driver: exec, command: [sh, -c, 'cat > /dev/null; [ $CUTOVER_OPERATION_KIND = shift ] || exit 0; touch told; sleep 1'], retries: 0 }]
`;

async function until(done: () => boolean): Promise<void> {
  for (let tries = 0; !done(); tries++) {
    expect(tries).toBeLessThan(800);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

const sideFiles = (dir: string) =>
  readdirSync(join(dir, '.cutover'))
    .filter((name) => name.endsWith('.jsonl'))
    .map((name) => join(dir, '.cutover', name));

describe('a command that only looks', () => {
  it('leaves every file as it is, mode and time included', async () => {
    const dir = await at10();
    chmodSync(join(dir, '.cutover', 'state.db'), 0o640);
    await read(dir, READERS);
  });

  it('makes nothing where there is nothing yet, and says idle', async () => {
    const dir = folder();
    const before = look(dir);
    expect(await cutoverJson(dir, ['status'])).toMatchObject({ status: 'idle', ratio: 0, unfinished: null });
    expect((await cutover(dir, ['history'])).stdout).toContain('nothing has happened yet');
    expect((await cutover(dir, ['lease'])).stdout).toContain('free');
    expect(look(dir)).toEqual(before);
  });

  it('sees what a killed command left in the log, and leaves it there', async () => {
    const dir = await at10With(HOLD);
    await killed(dir);
    expect(statSync(join(dir, '.cutover', 'state.db-wal')).size).toBeGreaterThan(0);
    await read(dir, READERS);
    expect(await cutoverJson(dir, ['status'])).toMatchObject({
      unfinished: { kind: 'shift' },
      flag: { ratio: 0.25 },
    });
    // Also where somebody has copied the database without the index of its log.
    rmSync(join(dir, '.cutover', 'state.db-shm'));
    await read(dir, A_FEW);
    expect(await cutoverJson(dir, ['status'])).toMatchObject({ unfinished: { kind: 'shift' } });
  });

  it('does not wait for a writer that holds the lock', async () => {
    const dir = await at10();
    const writer = new Database(join(dir, '.cutover', 'state.db'));
    cleanups.push(() => writer.close());
    writer.exec('BEGIN EXCLUSIVE');
    const started = performance.now();
    expect(await cutoverJson(dir, ['status'])).toMatchObject({ status: 'canary', ratio: 0.1 });
    expect(performance.now() - started).toBeLessThan(4000);
  });

  it('sees a whole state beside commands that write, again and again', async () => {
    const dir = await at10();
    const writing = (async () => {
      for (let i = 0; i < 5; i++) {
        await cutoverJson(dir, ['shift', i % 2 === 0 ? '25%' : '10%', ...FORCE]);
        await cutoverJson(dir, ['checkpoint', 'create', '--reason', `n${i}`]);
      }
    })();
    let over = false;
    void writing.finally(() => {
      over = true;
    });
    for (let reads = 0; !over || reads < 6; reads++) {
      const verified = await cutover(dir, ['history', '--verify', '--json']);
      expect(verified.code, verified.stderr).toBe(0);
      const state = await cutoverJson<StatusDocument>(dir, ['status']);
      expect([0.1, 0.25]).toContain(state.ratio);
    }
    await writing;
  });

  it('shows an emergency that could not be journaled, and leaves it to the next change', async () => {
    const dir = await at10();
    const writer = new Database(join(dir, '.cutover', 'state.db'));
    writer.exec('BEGIN EXCLUSIVE');
    await cutoverJson(dir, ['rollback', '--emergency']);
    writer.exec('ROLLBACK');
    writer.close();
    await read(dir, A_FEW);
    const status = await cutover(dir, ['status', '--json']);
    expect(JSON.parse(status.stdout)).toMatchObject({
      status: 'rollback',
      ratio: 0,
      drift: [],
      unfinished: null,
    });
    expect(status.stderr).toMatch(/emergency op-\S+ of \S+ is not in the journal yet; `cutover resume`/);
    const history = await cutover(dir, ['history', '--json']);
    expect(history.stderr).toContain('not in the journal yet');
    expect(history.stdout).not.toContain('emergency');
    const file = sideFiles(dir)[0] as string;
    const kept = join(dir, 'kept');
    copyFileSync(file, kept);
    expect((await cutover(dir, ['resume'])).code).toBe(0);
    expect(sideFiles(dir)).toEqual([]);
    expect((await cutover(dir, ['status'])).stderr).toBe('');
    expect((await cutover(dir, ['history'])).stdout).toContain('emergency done');
    // A file that was left behind though it is in the journal waits for nothing.
    renameSync(kept, file);
    expect((await cutover(dir, ['status'])).stderr).toBe('');
  });

  it('reads a database of a newer cutover that has what it needs, and says so; nothing else does', async () => {
    const dir = await at10();
    const db = new Database(join(dir, '.cutover', 'state.db'));
    cleanups.push(() => void (db.open && db.close()));
    db.exec(
      'ALTER TABLE lease ADD COLUMN mood TEXT; CREATE TABLE moods (x TEXT) STRICT; PRAGMA user_version = 999',
    );
    await read(dir, A_FEW);
    const status = await cutover(dir, ['status', '--json']);
    expect(JSON.parse(status.stdout)).toMatchObject({ status: 'canary', ratio: 0.1 });
    expect(status.stderr).toContain('written by a newer cutover (schema 999)');
    expect((await cutover(dir, ['shift', '25%', ...FORCE])).code).toBe(65);
    db.exec('ALTER TABLE freeze RENAME COLUMN actor TO somebody');
    db.close();
    const lacking = await cutover(dir, ['status']);
    expect(lacking.code).toBe(65);
    expect(lacking.stderr).toContain('newer cutover');
  });

  it('reads a database of an older cutover without bringing it up to date', async () => {
    const dir = folder();
    mkdirSync(join(dir, '.cutover'), { mode: 0o700 });
    const db = new Database(join(dir, '.cutover', 'state.db'));
    db.exec(
      'CREATE TABLE schema_migrations (version INTEGER PRIMARY KEY, name TEXT, checksum TEXT, applied_at INTEGER) STRICT',
    );
    for (const [i, name] of readdirSync(MIGRATIONS).sort().slice(0, 3).entries()) {
      const sql = readFileSync(join(MIGRATIONS, name), 'utf8');
      const checksum = createHash('sha256').update(sql).digest('hex');
      db.exec(`${sql}; PRAGMA user_version = ${i + 1}`);
      db.prepare('INSERT INTO schema_migrations VALUES (?, ?, ?, 0)').run(i + 1, name, checksum);
    }
    db.pragma('journal_mode = WAL');
    db.prepare("INSERT INTO state VALUES (1, 'chat-prod', 'canary', 0.1, 'legacy', NULL, NULL, 0)").run();
    db.prepare(
      "INSERT INTO checkpoints (at, reason, status, ratio, active_provider) VALUES (0, '', 'idle', 0, 'legacy')",
    ).run();
    db.close();
    await read(dir, A_FEW);
    expect(await cutoverJson(dir, ['status'])).toMatchObject({ status: 'canary', ratio: 0.1 });
    await cutoverJson(dir, ['shift', '25%', ...FORCE]);
    expect(await cutoverJson(dir, ['status'])).toMatchObject({ ratio: 0.25 });
  });
});

describe.runIf(process.getuid?.() === 0)('another user', () => {
  const AS_NOBODY = ['setpriv', `--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups'];

  /** A migration at 10 % whose state the group of `nobody` may read. */
  async function shared(extra = ''): Promise<string> {
    const dir = folder(`state: { path: .cutover, group: ${NOBODY} }\n${extra}`);
    chmodSync(dir, 0o755);
    await cutoverJson(dir, ['canary', 'start', '--yes']);
    return dir;
  }

  it('who may write the state without owning it changes it, and leaves its modes to its owner', async () => {
    const dir = await at10();
    const open = () => {
      for (const name of readdirSync(dir, { recursive: true, encoding: 'utf8' }))
        chmodSync(join(dir, name), statSync(join(dir, name)).isDirectory() ? 0o777 : 0o666);
    };
    chmodSync(dir, 0o777);
    open();
    for (const args of [['resume'], ['freeze', '--reason', 'incident 7'], ['unfreeze']]) {
      const ran = await run(dir, args, AS_NOBODY);
      expect(ran.code, ran.stderr).toBe(0);
    }
    expect(statSync(join(dir, '.cutover', 'state.db')).mode & 0o777).toBe(0o666);
  });

  it('of the group that the config names reads all: at rest, beside a live writer, after a crash', async () => {
    const dir = await shared(HOLD);
    const modeOf = (name: string) => statSync(join(dir, name)).mode & 0o7777;
    expect([modeOf('.cutover'), modeOf('.cutover/state.db')]).toEqual([0o2750, 0o640]);
    expect(statSync(join(dir, '.cutover', 'state.db')).gid).toBe(NOBODY);
    await read(dir, READERS, AS_NOBODY);

    const writer = new Database(join(dir, '.cutover', 'state.db'));
    writer.exec("UPDATE lease SET actor = 'w'");
    expect(existsSync(join(dir, '.cutover', 'state.db-wal'))).toBe(true);
    await read(dir, A_FEW, AS_NOBODY);
    writer.close();

    await killed(dir);
    await read(dir, A_FEW, AS_NOBODY);
    const status = await run(dir, ['status', '--json'], AS_NOBODY);
    expect(JSON.parse(status.stdout)).toMatchObject({ unfinished: { kind: 'shift' }, flag: { ratio: 0.25 } });
    rmSync(join(dir, '.cutover', 'state.db-shm'));
    await read(dir, A_FEW, AS_NOBODY);
    // Who may not write changes nothing, and is told so.
    const refused = await run(dir, ['rollback', '--yes', '--anyway'], AS_NOBODY);
    expect(refused.code).not.toBe(0);
    await cutoverJson(dir, ['rollback', '--yes', '--anyway']);
    expect([modeOf('.cutover'), modeOf('.cutover/state.db')]).toEqual([0o2750, 0o640]);
    await cutover(dir, ['rollback', '--emergency']);
    expect([modeOf('.cutover'), modeOf('.cutover/state.db')]).toEqual([0o2750, 0o640]);
  });

  it.each([
    ['a folder', 0o700, 0o600],
    ['a file', 0o755, 0o600],
  ])(
    'who may not read it, because of %s, is told so, and never that the migration is idle',
    async (_name, folderMode, fileMode) => {
      const dir = await at10();
      chmodSync(dir, 0o755);
      chmodSync(join(dir, '.cutover'), folderMode);
      chmodSync(join(dir, '.cutover', 'state.db'), fileMode);
      for (const args of [['status'], ['history', '--verify'], ['freeze', '--reason', 'x', '--json']]) {
        const ran = await run(dir, args, AS_NOBODY);
        const said = ran.stdout + ran.stderr;
        expect(ran.code, said).toBe(69);
        expect(said).toMatch(/state\.db: this user may not read it/);
        expect(said).toContain('state: { path, group }');
        expect(said).not.toContain('journal');
        if (!args.includes('--json')) expect(ran.stdout).toBe('');
        else expect(JSON.parse(ran.stdout)).toMatchObject({ error: { code: 'STATE_UNREADABLE' } });
      }
    },
  );

  it('who may only read it is told so by what writes', async () => {
    const dir = await at10();
    chmodSync(dir, 0o755);
    chmodSync(join(dir, '.cutover'), 0o755);
    chmodSync(join(dir, '.cutover', 'state.db'), 0o644);
    await read(dir, A_FEW, AS_NOBODY);
    const ran = await run(dir, ['freeze', '--reason', 'x', '--json'], AS_NOBODY);
    expect(ran.code).toBe(69);
    expect(JSON.parse(ran.stdout)).toMatchObject({
      error: { code: 'STATE_UNWRITABLE', message: expect.stringContaining('this user may not write it') },
    });
  });

  it('whose emergency is kept beside a state that is not theirs is told whose next command takes it in', async () => {
    const dir = await at10();
    chmodSync(dir, 0o777);
    const ran = await run(dir, ['rollback', '--emergency'], AS_NOBODY);
    const [, path] = /journaled in {2}(\S+\.jsonl); /.exec(ran.stdout) ?? [];
    if (!path?.includes(`/cutover-${NOBODY}-`))
      throw new Error(`journaled nowhere of its own: ${ran.stdout}`);
    cleanups.push(() => rmSync(dirname(path), { recursive: true, force: true }));
    expect(ran.stdout).toContain(
      `${path}; this user’s next command that can write the database takes it in\n`,
    );
    // Another user's command does not.
    await cutoverJson(dir, ['resume']);
    expect(existsSync(path)).toBe(true);
    for (const name of ['.cutover', ...readdirSync(join(dir, '.cutover')).map((file) => `.cutover/${file}`)])
      chmodSync(join(dir, name), 0o777);
    const resumed = await run(dir, ['resume'], AS_NOBODY);
    expect(resumed.code, resumed.stderr).toBe(0);
    expect(existsSync(path)).toBe(false);
  });

  it('reads in a folder that nobody may write', async () => {
    const dir = await at10();
    for (const name of ['', '.cutover', '.cutover/state.db']) chownSync(join(dir, name), NOBODY, NOBODY);
    chmodSync(join(dir, '.cutover'), 0o555);
    await read(dir, A_FEW, AS_NOBODY);
  });

  it('reads what is on a read-only disk, whatever was left there', async () => {
    const dir = folder();
    for (const crash of [false, true]) {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4m,mode=755', 'tmpfs', dir]);
      try {
        writeFileSync(join(dir, 'cutover.yaml'), `${CONFIG}models: { a: b }\n${HOLD}`);
        await cutoverJson(dir, ['canary', 'start', '--yes']);
        if (crash) await killed(dir);
        execFileSync('mount', ['-o', 'remount,ro', dir]);
        await read(dir, A_FEW);
      } finally {
        execFileSync('umount', ['-l', dir]);
      }
    }
  });

  it('what changes is told that the disk is read-only, before and after there is a state', async () => {
    const dir = folder();
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4m,mode=755', 'tmpfs', dir]);
    try {
      writeFileSync(join(dir, 'cutover.yaml'), `${CONFIG}models: { a: b }\n`);
      for (const state of [false, true]) {
        if (state) await cutoverJson(dir, ['canary', 'start', '--yes']);
        execFileSync('mount', ['-o', 'remount,ro', dir]);
        for (const args of [
          ['freeze', '--reason', 'x'],
          ['canary', 'start', '--yes'],
          ['checkpoint', 'create'],
        ]) {
          const ran = await run(dir, [...args, '--json']);
          expect(JSON.parse(ran.stdout), `${args}: ${ran.stderr}`).toMatchObject({
            error: {
              code: 'STATE_UNWRITABLE',
              exitCode: 69,
              message: expect.stringContaining('state.db: the file system is read-only'),
            },
          });
          expect(ran.stderr).not.toMatch(/\n\s+at /);
        }
        execFileSync('mount', ['-o', 'remount,rw', dir]);
      }
    } finally {
      execFileSync('umount', ['-l', dir]);
    }
  });

  it('is not let in by a group that does not exist: nothing is made', async () => {
    const dir = folder('state: { path: .cutover, group: no-such-group }\n');
    const ran = await cutover(dir, ['canary', 'start', '--yes']);
    expect(ran.code, ran.stderr).toBe(78);
    expect(ran.stderr).toContain('no-such-group');
    expect(existsSync(join(dir, '.cutover'))).toBe(false);
  });

  it('the owner tightens what is looser than asked, and leaves alone what is not', async () => {
    const dir = await shared();
    const path = join(dir, '.cutover', 'state.db');
    chmodSync(path, 0o666);
    await cutoverJson(dir, ['shift', '25%', ...FORCE]);
    expect(statSync(path).mode & 0o777).toBe(0o640);
    chmodSync(path, 0o600);
    await cutoverJson(dir, ['shift', '10%', '--yes']);
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  it('what was opened to a group by hand is closed again, and the way that is meant is said', async () => {
    const dir = await at10();
    const path = join(dir, '.cutover', 'state.db');
    chmodSync(path, 0o640);
    const ran = await cutover(dir, ['freeze', '--reason', 'x']);
    expect([ran.code, statSync(path).mode & 0o777]).toEqual([0, 0o600]);
    expect(ran.stderr).toContain('state.db: closed again to all but its owner (0640 → 0600)');
    expect(ran.stderr).toContain('state: { path, group }');
    expect((await cutover(dir, ['unfreeze'])).stderr).not.toContain('closed again');
  });

  it('a disk that knows no modes is no reason to fail: nothing is changed that is tight enough', async () => {
    const dir = await at10();
    const shim = join(dir, 'no-chmod.mjs');
    writeFileSync(
      shim,
      `import fs from 'node:fs'; import { syncBuiltinESMExports } from 'node:module';
fs.chmodSync = () => { throw Object.assign(new Error('EPERM'), { code: 'EPERM' }); };
syncBuiltinESMExports();`,
    );
    const ran = await cutover(dir, ['shift', '25%', ...FORCE], { node: ['--import', shim] });
    expect(ran.code, ran.stderr).toBe(0);
  });
});

describe('the folder of the state', () => {
  it.each([
    ['the folder', '.cutover', '.cutover', ''],
    ['the folder above it', 'volume', 'volume/state', 'state: volume/state\n'],
    ['the database', '.cutover/state.db', '.cutover', ''],
  ])('is a link to what is not there, as %s: commands say so', async (_name, link, state, config) => {
    const dir = folder(config);
    if (link.endsWith('.db')) mkdirSync(join(dir, state));
    symlinkSync('/nonexistent/volume', join(dir, link));
    const READ = [['status'], ['canary', 'start', '--dry-run'], ['history'], ['lease']];
    const CHANGE = [
      ['resume'],
      ['canary', 'start', '--yes'],
      ['freeze', '--reason', 'x'],
      ['checkpoint', 'create'],
    ];
    // By whatever name the link goes, all open the state by the same two ways.
    const each = link === '.cutover' ? READ.length : 2;
    for (const args of [...READ.slice(0, each), ...CHANGE.slice(0, each)]) {
      const ran = await cutover(dir, [...args, '--json']);
      expect(JSON.parse(ran.stdout), `${args}: ${ran.stderr}`).toMatchObject({
        error: {
          code: READ.includes(args) ? 'STATE_UNREADABLE' : 'STATE_UNWRITABLE',
          exitCode: 69,
          message: `${join(dir, state, 'state.db')}: ${join(dir, link)} is a link to /nonexistent/volume, where there is nothing`,
          hint: expect.stringContaining('mount'),
        },
      });
      expect(ran.stderr).not.toMatch(/\n\s+at /);
    }
  });

  it.each([
    ['in braces', 'state: { path: "kept/here", group: 0 }\n'],
    ['indented', 'state:\n  # ours\n  path: kept/here\n'],
    ['by itself', 'state: kept/here # ours\n'],
  ])(
    'is found by an emergency too when the rest of the config is broken, written %s',
    async (_name, state) => {
      const dir = await at10With(state);
      expect(existsSync(join(dir, 'kept/here/state.db'))).toBe(true);
      copyFileSync(join(dir, 'cutover.yaml'), join(dir, 'whole'));
      writeFileSync(join(dir, 'cutover.yaml'), `${readFileSync(join(dir, 'whole'), 'utf8')}flag: [\n`);
      const ran = await cutover(dir, ['rollback', '--emergency']);
      copyFileSync(join(dir, 'whole'), join(dir, 'cutover.yaml'));
      expect(existsSync(join(dir, '.cutover')), ran.stderr).toBe(false);
      expect(await cutoverJson(dir, ['status'])).toMatchObject({ status: 'rollback', flag: { ratio: 0 } });
    },
  );

  it('is named with its place when it is not understood', async () => {
    const ran = await cutover(folder('state: { path: x, gruop: ops }\n'), ['status']);
    expect(ran.code).toBe(78);
    expect(ran.stderr).toMatch(/cutover\.yaml:7:\d+: unknown key state\.gruop; did you mean group\?/);
  });
});

const CONFIG = `migration: chat-prod
providers:
  legacy: { name: deepseek, baseUrl: http://127.0.0.1:9/v1 }
  target: { name: holysheep, baseUrl: http://127.0.0.1:9/v1 }
`;
