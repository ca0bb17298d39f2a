import { execFileSync, spawn } from 'node:child_process';
import {
  appendFileSync,
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, describe, expect, it, type TestContext } from 'vitest';
import { BIN, cutover, cutoverJson, makeFolder, type StatusDocument } from './cli.ts';
import { prepared } from './prepared.ts';

/** `cutover rollback --emergency` while everything it could depend on is broken, each for real. */

const FORCE = ['--yes', '--force', '--reason', 'test'];
const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const cleanup of cleanups.splice(0).reverse()) cleanup();
});

async function make(extra = ''): Promise<string> {
  const dir = makeFolder(extra);
  await cutoverJson(dir, ['canary', 'start', '--yes']);
  await cutoverJson(dir, ['shift', '25%', ...FORCE]);
  return dir;
}

/** A migration that stands at 25 %. */
const rollingAt25 = prepared(make);

/** The same with more in its config. */
async function rollingAt25With(extra: string): Promise<string> {
  const dir = await make(extra);
  cleanups.push(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

const flagOf = (dir: string) => {
  const { flags } = JSON.parse(readFileSync(join(dir, 'flags.json'), 'utf8'));
  const flag = flags['llm-provider'];
  return flag.targeting
    ? flag.targeting.fractional[0][1] / 100_000
    : flag.defaultVariant === 'target'
      ? 1
      : 0;
};

const emergency = (dir: string, ...args: string[]) => cutover(dir, ['rollback', '--emergency', ...args]);

/** After the fault is mended all agree, before and after the next change takes the emergency into the journal. */
async function expectJournaled(dir: string): Promise<void> {
  const expected = {
    status: 'rollback',
    ratio: 0,
    activeProvider: 'legacy',
    drift: [],
    unfinished: null,
  };
  expect(await cutoverJson<StatusDocument>(dir, ['status'])).toMatchObject(expected);
  await cutoverJson(dir, ['resume']);
  expect(await cutoverJson<StatusDocument>(dir, ['status'])).toMatchObject(expected);
  const db = new Database(join(dir, '.cutover', 'state.db'), { readonly: true });
  expect(db.prepare('SELECT event FROM history').pluck().all()).toContain('emergency done');
  db.close();
  await cutoverJson(dir, ['history', '--verify']);
  expect(readdirSync(join(dir, '.cutover')).filter((name) => name.startsWith('emergency-'))).toEqual([]);
}

function mountTmpfs(context: TestContext, size: string): string {
  const dir = makeFolder();
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', dir], { stdio: 'pipe' });
  } catch {
    process.stderr.write('SKIPPED: needs the right to mount a tmpfs\n');
    if (process.env.CUTOVER_REQUIRE_SERVERS === '1')
      throw new Error('cannot mount a tmpfs, and it is required');
    context.skip();
  }
  cleanups.push(() => {
    execFileSync('umount', ['-l', dir]);
    rmSync(dir, { recursive: true, force: true });
  });
  return dir;
}

const CONFIG = `migration: chat-prod
providers:
  legacy: { name: deepseek, baseUrl: http://127.0.0.1:9/v1 }
  target: { name: holysheep, baseUrl: http://127.0.0.1:9/v1 }
`;

/** What an operation says that an emergency has taken over from. */
const IN_FORCE =
  /the emergency op-\S+ of \S+@\S+ has taken over and is in force: file flags\.json says 0 %; stopped here/;

/** A command held by a signal right before it replaces the flag, where no timeout of its own can help. */
async function heldAtItsFlag(dir: string, args: string[]) {
  const shim = join(dir, 'hold.mjs');
  writeFileSync(
    shim,
    `import fs from 'node:fs'; import { syncBuiltinESMExports } from 'node:module';
const rename = fs.renameSync;
fs.renameSync = (from, to) => {
  if (String(to).endsWith('flags.json')) { fs.writeFileSync('held', ''); process.kill(process.pid, 'SIGSTOP'); }
  return rename(from, to);
};
syncBuiltinESMExports();`,
  );
  const child = spawn(process.execPath, ['--import', shim, BIN, ...args], {
    cwd: dir,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const said = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].on('data', (text) => {
      said[name] += text;
    });
  }
  const ended = new Promise<{ code: number | null; stdout: string; stderr: string }>((resolve) =>
    child.on('close', (code) => resolve({ code, ...said })),
  );
  while (!existsSync(join(dir, 'held'))) await new Promise((resolve) => setTimeout(resolve, 10));
  return { child, ended };
}

describe('an emergency sends every request to legacy', () => {
  it('when all is well, and journals it', async () => {
    const dir = await rollingAt25();
    const ran = await emergency(dir, '--reason', 'target on fire');
    expect(ran.code, ran.stderr).toBe(0);
    expect(ran.stdout).toContain('safe: the flag sends every request to legacy');
    expect(flagOf(dir)).toBe(0);
    await expectJournaled(dir);
  });

  it('as often as somebody asks, without pushing older checkpoints out', async () => {
    const dir = await rollingAt25With('checkpoints: { keep: 3 }\n');
    for (let i = 0; i < 5; i++) expect((await emergency(dir)).code).toBe(0);
    const { checkpoints } = await cutoverJson<{ checkpoints: { ratio: number }[] }>(dir, [
      'checkpoint',
      'list',
    ]);
    expect(checkpoints.map(({ ratio }) => ratio)).toEqual([0.25, 0.1, 0]);
    await expectJournaled(dir);
  });

  it('from any state, also before anything has happened', async () => {
    const dir = makeFolder();
    cleanups.push(() => rmSync(dir, { recursive: true, force: true }));
    await cutoverJson(dir, ['checkpoint', 'create']);
    const ran = await emergency(dir);
    expect(ran.code, ran.stderr).toBe(0);
    await expectJournaled(dir);
  });

  it('while another process holds a lock on the database', async () => {
    const dir = await rollingAt25();
    const holder = new Database(join(dir, '.cutover', 'state.db'));
    holder.exec('BEGIN EXCLUSIVE');
    try {
      const ran = await emergency(dir, '--json');
      expect(ran.code, ran.stderr).toBe(0);
      expect(flagOf(dir)).toBe(0);
      expect(JSON.parse(ran.stdout).sideFile).toContain('emergency-');
    } finally {
      holder.exec('ROLLBACK');
      holder.close();
    }
    await expectJournaled(dir);
  });

  it('with a corrupt database', async () => {
    const dir = await rollingAt25();
    const path = join(dir, '.cutover', 'state.db');
    const whole = readFileSync(path);
    for (const name of ['state.db-wal', 'state.db-shm']) rmSync(join(dir, '.cutover', name), { force: true });
    const fd = openSync(path, 'r+');
    writeSync(fd, Buffer.alloc(4096, 0x5a), 0, 4096, 0);
    closeSync(fd);
    const ran = await emergency(dir);
    expect(ran.code, ran.stderr).toBe(0);
    expect(ran.stderr).toContain('not a healthy database');
    expect(flagOf(dir)).toBe(0);
    const next = await cutover(dir, ['status']);
    expect(next.code).toBe(65);
    expect(next.stderr).toContain('not a healthy database');
    writeFileSync(path, whole);
    await expectJournaled(dir);
  });

  it('with the database gone', async () => {
    const dir = await rollingAt25With('flag: { driver: file }\n');
    rmSync(join(dir, '.cutover'), { recursive: true });
    const ran = await emergency(dir);
    expect(ran.code, ran.stderr).toBe(0);
    expect(flagOf(dir)).toBe(0);
    await expectJournaled(dir);
  });

  it('with a database from a newer version', async () => {
    const dir = await rollingAt25();
    const path = join(dir, '.cutover', 'state.db');
    const db = new Database(path);
    const version = db.pragma('user_version', { simple: true });
    db.pragma('user_version = 999');
    db.close();
    const ran = await emergency(dir);
    expect(ran.code, ran.stderr).toBe(0);
    expect(ran.stderr).toContain('newer cutover');
    expect(flagOf(dir)).toBe(0);
    expect((await cutover(dir, ['canary', 'start', '--yes'])).code).toBe(65);
    const again = new Database(path);
    again.pragma(`user_version = ${version}`);
    again.close();
    await expectJournaled(dir);
  });

  it('on a full disk', async (context) => {
    const dir = mountTmpfs(context, '1m');
    writeFileSync(join(dir, 'cutover.yaml'), CONFIG);
    await cutoverJson(dir, ['canary', 'start', '--yes']);
    const ballast = openSync(join(dir, 'ballast'), 'w');
    for (const size of [65_536, 4096, 512, 1]) {
      try {
        for (;;) writeSync(ballast, Buffer.alloc(size));
      } catch (error) {
        expect((error as NodeJS.ErrnoException).code).toBe('ENOSPC');
      }
    }
    closeSync(ballast);
    const ran = await emergency(dir);
    expect(ran.code, ran.stderr).toBe(0);
    expect(ran.stdout).toContain('safe');
    expect(flagOf(dir)).toBe(0);
    const full = await cutover(dir, ['status']);
    expect([0, 1]).toContain(full.code);
    rmSync(join(dir, 'ballast'));
    await expectJournaled(dir);
  });

  it('in a folder that cannot be written, with a flag elsewhere', async (context) => {
    let ratio = 0;
    const server = createServer((request, response) => {
      if (request.method === 'GET') return response.end(JSON.stringify({ ratio }));
      let body = '';
      request.on('data', (chunk) => {
        body += chunk;
      });
      request.on('end', () => {
        ratio = JSON.parse(body).ratio;
        response.end('{}');
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    cleanups.push(() => server.close());
    const dir = mountTmpfs(context, '4m');
    const { port } = server.address() as AddressInfo;
    writeFileSync(
      join(dir, 'cutover.yaml'),
      `${CONFIG}flag: { driver: webhook, url: 'http://127.0.0.1:${port}/flag' }\n`,
    );
    await cutoverJson(dir, ['canary', 'start', '--yes']);
    execFileSync('mount', ['-o', 'remount,ro', dir]);
    const ran = await emergency(dir);
    expect(ran.code, ran.stderr).toBe(0);
    expect(ratio).toBe(0);
    execFileSync('mount', ['-o', 'remount,rw', dir]);
    await expectJournaled(dir);
  });

  it('with every hook down or hanging, and says which', async () => {
    const dir = await rollingAt25();
    const hooks = `
hooks:
  dns:
    - { driver: exec, command: [sleep, '60'], timeout: 300ms, retries: 0 }
    - { driver: exec, command: [./is-not-there], retries: 0 }
  notify:
    - { driver: webhook, url: 'http://127.0.0.1:9/hook', timeout: 300ms, retries: 0 }
    - { driver: exec, command: [sh, -c, 'exit 3'], retries: 0 }
`;
    appendFileSync(join(dir, 'cutover.yaml'), hooks);
    const started = Date.now();
    const ran = await emergency(dir);
    expect(Date.now() - started).toBeLessThan(8000);
    expect(ran.code).toBe(4);
    expect(flagOf(dir)).toBe(0);
    expect(ran.stdout).toContain('DNS could not be moved');
    expect(ran.stdout).toContain('cutover resume');
    const state = await cutoverJson<StatusDocument>(dir, ['status']);
    expect(state).toMatchObject({ status: 'rollback', ratio: 0, drift: [] });
    expect(state.unfinished).not.toBeNull();
  });

  it('in 48 columns, where there are no more', async () => {
    const dir = await rollingAt25();
    const hooks = `hooks: { dns: [{ driver: exec, command: [sh, -c, 'exit 3'], retries: 0 }],
  notify: [{ driver: webhook, url: 'http://127.0.0.1:9/hook', timeout: 300ms, retries: 0 }] }\n`;
    appendFileSync(join(dir, 'cutover.yaml'), hooks);
    const env = { COLUMNS: '48' };
    const { stdout, stderr } = await cutover(dir, ['rollback', '--emergency', '--dryrun'], { env });
    for (const line of `${stdout}\n${stderr}`.split('\n')) expect(line.length, line).toBeLessThanOrEqual(48);
    const words = stdout.replace(/\s+/g, ' ');
    expect(words).toContain('sends every request to legacy (0 %, read back); DNS could not be moved');
    expect(words).toContain('left to do cutover resume (dns[0] exec sh, notify[0] webhook');
    expect(stderr.replace(/\s+/g, ' ')).toContain(
      'warning: --dryrun means nothing to an emergency and is ignored',
    );
  });

  it('against a running shift, which does not win afterwards', async () => {
    const dir = await rollingAt25With(`
hooks:
  notify: [{ driver: exec, command: [sh, -c, 'touch started; sleep 2'], retries: 0 }]
`);
    rmSync(join(dir, 'started'));
    const shift = cutover(dir, ['shift', '50%', ...FORCE]);
    while (!existsSync(join(dir, 'started'))) await new Promise((resolve) => setTimeout(resolve, 10));
    expect(flagOf(dir)).toBe(0.5);
    const ran = await emergency(dir);
    expect([0, 4]).toContain(ran.code);
    expect(flagOf(dir)).toBe(0);
    const loser = await shift;
    expect(loser.code, loser.stderr).toBe(75);
    expect(loser.stderr.replaceAll(/\s+/g, ' ')).toMatch(IN_FORCE);
    expect(flagOf(dir)).toBe(0);
    expect(await cutoverJson<StatusDocument>(dir, ['status'])).toMatchObject({
      status: 'rollback',
      ratio: 0,
      drift: [],
    });
  });

  it('in a dry run by what the state says, and makes up nothing where that cannot be read', async () => {
    const dir = await rollingAt25();
    await cutoverJson(dir, ['shift', '100%', ...FORCE, '--confirm', 'chat-prod']);
    await cutoverJson(dir, ['rollback', '--yes', '--anyway', '--confirm', 'chat-prod']);
    const known = await cutover(dir, ['rollback', '--emergency', '--dry-run']);
    expect(known.stdout).toContain('25 % → 0 %, rolling → rollback');
    writeFileSync(join(dir, '.cutover', 'state.db'), 'no database');
    for (const end of ['-wal', '-shm']) rmSync(join(dir, '.cutover', `state.db${end}`), { force: true });
    const unknown = await cutover(dir, ['rollback', '--emergency', '--dry-run']);
    expect(unknown.code, unknown.stderr).toBe(0);
    expect(unknown.stdout.replaceAll(/\s+/g, ' ')).toContain(
      'to 0 %, rollback; what the state says is not known:',
    );
    expect(unknown.stdout).not.toContain('rolling');
    const { plan } = await cutoverJson<{ plan: { from: unknown } }>(dir, [
      'rollback',
      '--emergency',
      '--dry-run',
    ]);
    expect(plan.from).toBeNull();
  });

  it('against another emergency: the one that is overtaken says which is in force, and what the flag says', async () => {
    const dir = await rollingAt25();
    const held = await heldAtItsFlag(dir, ['rollback', '--emergency']);
    expect((await emergency(dir)).code).toBe(0);
    const ran = await emergency(dir, '--json');
    expect(ran.code, ran.stderr).toBe(0);
    held.child.kill('SIGCONT');
    const loser = await held.ended;
    expect(loser.code, loser.stderr).toBe(75);
    expect(loser.stderr.replaceAll(/\s+/g, ' ')).toMatch(IN_FORCE);
    expect(loser.stderr).toContain(JSON.parse(ran.stdout).operation.id);
    expect(loser.stdout).not.toContain('safe');
    await expectJournaled(dir);
  });

  it('against a shift that was stopped right before its flag write', async () => {
    const dir = await rollingAt25();
    const { child, ended } = await heldAtItsFlag(dir, ['shift', '50%', ...FORCE]);
    expect((await emergency(dir)).code).toBe(0);
    expect(flagOf(dir)).toBe(0);
    child.kill('SIGCONT');
    expect((await ended).code).toBe(75);
    expect(flagOf(dir)).toBe(0);
    await expectJournaled(dir);
  });

  it('with a config whose other parts are broken', async () => {
    const dir = await rollingAt25();
    const path = join(dir, 'cutover.yaml');
    appendFileSync(path, 'ladder: [50%, 10%]\nnonsense: true\ncanary: { ratio: 900% }\n');
    expect((await cutover(dir, ['status'])).code).toBe(78);
    const ran = await emergency(dir);
    expect(ran.code, ran.stderr).toBe(0);
    expect(ran.stderr).toContain('warning');
    expect(flagOf(dir)).toBe(0);
  });

  it('with a config that is not YAML any more, by the last one that was whole', async () => {
    const dir = await rollingAt25();
    writeFileSync(join(dir, 'cutover.yaml'), 'migration: [chat-prod\nflag: {{{{\n');
    const ran = await emergency(dir);
    expect(ran.code, ran.stderr).toBe(0);
    expect(flagOf(dir)).toBe(0);
  });

  it('over a flag file that nobody can read', async () => {
    const dir = await rollingAt25();
    writeFileSync(join(dir, 'flags.json'), '{"flags": {"llm-pro');
    const ran = await emergency(dir);
    expect(ran.code, ran.stderr).toBe(0);
    expect(flagOf(dir)).toBe(0);
    await expectJournaled(dir);
  });

  it.each([Number.MAX_SAFE_INTEGER, 1e15, 5e14, 5e14 + 1, 1e300])(
    'over a flag whose token somebody has set to %d, at the first try, and is in the journal then',
    async (token) => {
      const dir = await rollingAt25();
      const path = join(dir, 'flags.json');
      writeFileSync(
        path,
        readFileSync(path, 'utf8').replace(/"cutoverToken": \d+/, `"cutoverToken": ${token}`),
      );
      expect(readFileSync(path, 'utf8')).toContain(String(token));
      const ran = await emergency(dir);
      expect(ran.code, ran.stderr + ran.stdout).toBe(0);
      expect(ran.stdout).toContain('safe: the flag sends every request to legacy');
      expect(flagOf(dir)).toBe(0);
      await expectJournaled(dir);
      // What comes after can write the flag.
      await cutoverJson(dir, ['canary', 'start', '--yes']);
      expect((await emergency(dir)).code).toBe(0);
    },
  );

  it('and says so loudly, with its own exit code, when the flag cannot be set', async () => {
    const dir = await rollingAt25();
    rmSync(join(dir, 'flags.json'));
    mkdirSync(join(dir, 'flags.json'));
    const ran = await emergency(dir);
    expect(ran.code).toBe(69);
    expect(ran.stdout).toContain('NOT SAFE');
    expect(ran.stdout).toContain('cutover resume');
    rmSync(join(dir, 'flags.json'), { recursive: true });
    await cutoverJson(dir, ['resume']);
    expect(flagOf(dir)).toBe(0);
    await expectJournaled(dir);
  });

  it('asks nothing and takes a wrong flag for a mistake', async () => {
    const dir = await rollingAt25();
    const ran = await cutover(dir, ['rollback', '--emergancy']);
    expect(ran.code).toBe(64);
    expect(flagOf(dir)).toBe(0.25);
  });
});
