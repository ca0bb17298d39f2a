import { execFile, execFileSync, spawn } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import Database from 'better-sqlite3';
import { afterEach, describe, expect, it, type TestContext } from 'vitest';
import { firstKey, sideOf } from '../histories/stores.ts';
import { installed } from '../servers/require.ts';
import { BIN, cutover, cutoverJson, makeFolder, type StatusDocument } from './cli.ts';
import { prepared } from './prepared.ts';

/** What `rollback --emergency` says has to be true for whoever reads the flag. */

const FORCE = ['--yes', '--force', '--reason', 'test'];
const PROD = 'flag: { driver: file, path: prod/flags.json, key: llm }\n';
const CONFIG = `migration: chat-prod
providers:
  legacy: { name: deepseek, baseUrl: http://127.0.0.1:9/v1 }
  target: { name: holysheep, baseUrl: http://127.0.0.1:9/v1 }
`;

const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const cleanup of cleanups.splice(0).reverse()) cleanup();
});

async function make(extra: string): Promise<string> {
  const dir = makeFolder(extra);
  mkdirSync(join(dir, 'prod'));
  await cutoverJson(dir, ['canary', 'start', ...FORCE]);
  return dir;
}

/** A migration at 10 %, its flag at prod/flags.json. */
const canaryAt10 = prepared(() => make(PROD));

/** The same in a folder of its own. */
async function anotherAt10(extra = PROD): Promise<string> {
  const dir = await make(extra);
  cleanups.push(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

function ratioIn(path: string, key: string): number {
  const flag = JSON.parse(readFileSync(path, 'utf8')).flags[key];
  if (flag.targeting) return flag.targeting.fractional[0][1] / 100_000;
  return flag.defaultVariant === 'target' ? 1 : 0;
}
const prodRatio = (dir: string) => ratioIn(join(dir, 'prod/flags.json'), 'llm');
const emergency = (dir: string, ...args: string[]) => cutover(dir, ['rollback', '--emergency', ...args]);
const configPath = (dir: string) => join(dir, 'cutover.yaml');

/** A webhook store that takes its first raise only some time after it was asked. */
async function slowStore(delayMs: number) {
  let ratio = 0;
  let asked = 0;
  let raised = false;
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += String(chunk);
    const wanted = request.method === 'POST' ? (JSON.parse(body) as { ratio: number }).ratio : ratio;
    if (wanted > 0 && request.method === 'POST' && ++asked === 1) {
      await new Promise((resolve) => setTimeout(resolve, delayMs));
      raised = true;
    }
    ratio = wanted;
    response.end(JSON.stringify({ ratio }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  cleanups.push(() => void server.close());
  const { port } = server.address() as AddressInfo;
  return {
    flag: `driver: webhook, url: "http://127.0.0.1:${port}/"`,
    ratio: () => ratio,
    asked: () => asked,
    raised: () => raised,
  };
}

describe('which flag an emergency sets', () => {
  it.each([
    ['the key is mistyped', (text: string) => text.replace('flag:', 'flagg:')],
    ['the file is cut off', (text: string) => text.slice(0, text.indexOf('flag:'))],
    ['only the first line is left', (text: string) => text.slice(0, text.indexOf('\n') + 1)],
    ['the quotes around * were forgotten', (text: string) => `${text.replace(PROD, '')}models: { *: tm }\n`],
    ['an alias has no anchor', (text: string) => `${text.replace(PROD, '')}models: *nope\n`],
    [
      'aliases multiply',
      (text: string) =>
        `${text.replace(PROD, '')}a: &a [x,x,x,x,x,x,x,x]\n${['b', 'c', 'd', 'e', 'f', 'g', 'h']
          .map((name, i) => {
            const before = String.fromCharCode('a'.charCodeAt(0) + i);
            return `${name}: &${name} [${Array(8).fill(`*${before}`).join(',')}]`;
          })
          .join('\n')}\n`,
    ],
    ['it is empty', () => ''],
    ['it is no text', () => '\u0000\u0001\ufffd'],
  ])('is the one of the last good config when %s', async (_name, damage) => {
    const dir = await canaryAt10();
    writeFileSync(configPath(dir), damage(readFileSync(configPath(dir), 'utf8')));
    const ran = await emergency(dir);
    expect(ran.code, ran.stderr).toBe(0);
    expect(ran.stdout).toContain('safe');
    expect(ran.stdout).toContain('prod/flags.json');
    expect(prodRatio(dir)).toBe(0);
    const status = await cutover(dir, ['status']);
    // What was cut off may leave a config that is whole, with the default flag.
    expect([0, 78]).toContain(status.code);
    expect(status.stderr).not.toMatch(/^\s+at /m);
  });

  it('is both, named, when the config writes another one than the last good config did', async () => {
    const dir = await canaryAt10();
    const text = readFileSync(configPath(dir), 'utf8');
    writeFileSync(configPath(dir), text.replace('prod/flags.json', 'prod/new.json'));
    const ran = await emergency(dir);
    expect(ran.code, ran.stderr).toBe(0);
    expect(prodRatio(dir)).toBe(0);
    expect(ratioIn(join(dir, 'prod/new.json'), 'llm')).toBe(0);
    expect(ran.stdout).toContain('prod/flags.json');
    expect(ran.stdout).toContain('prod/new.json');
  });

  it('is both when only the key differs', async () => {
    const dir = await canaryAt10();
    const text = readFileSync(configPath(dir), 'utf8');
    writeFileSync(configPath(dir), text.replace('key: llm', 'key: llm2'));
    const ran = await emergency(dir, '--json');
    expect(ran.code, ran.stderr).toBe(0);
    expect(JSON.parse(ran.stdout)).toMatchObject({ safe: true, flags: [{ ratio: 0 }, { ratio: 0 }] });
    expect(prodRatio(dir)).toBe(0);
    expect(ratioIn(join(dir, 'prod/flags.json'), 'llm2')).toBe(0);
  });

  it('is not called safe when one of the two cannot be set', async () => {
    const dir = await canaryAt10();
    const text = readFileSync(configPath(dir), 'utf8');
    mkdirSync(join(dir, 'prod/new.json'));
    writeFileSync(configPath(dir), text.replace('prod/flags.json', 'prod/new.json'));
    const ran = await emergency(dir);
    expect(ran.code).toBe(69);
    expect(ran.stdout).toContain('NOT SAFE');
    expect(prodRatio(dir)).toBe(0);
  });

  it('is never called safe when it is only the default', async () => {
    const dir = makeFolder();
    cleanups.push(() => rmSync(dir, { recursive: true, force: true }));
    const ran = await emergency(dir, '--json');
    expect(ran.code).toBe(78);
    expect(JSON.parse(ran.stdout)).toMatchObject({ safe: false, flags: [{ ratio: 0 }] });
    const told = await emergency(dir);
    expect(told.stdout).toContain('NOT KNOWN TO BE SAFE');
  });

  it.each(['hash', 'flag', 'cut', 'folder', 'fifo'])(
    'does not come from a damaged copy (%s)',
    async (how) => {
      const dir = await canaryAt10();
      const copy = join(dir, '.cutover', 'last-config.json');
      const text = readFileSync(copy, 'utf8');
      if (how === 'flag') writeFileSync(copy, text.replace('prod/flags.json', 'prod/flags.jsoo'));
      if (how === 'hash') writeFileSync(copy, text.replace(/"hash":"./, '"hash":"x'));
      if (how === 'cut') writeFileSync(copy, text.slice(0, -20));
      if (how === 'folder' || how === 'fifo') rmSync(copy);
      if (how === 'folder') mkdirSync(copy);
      if (how === 'fifo') execFileSync('mkfifo', [copy]);
      const ran = await emergency(dir);
      expect(ran.code, ran.stderr).toBe(0);
      expect(prodRatio(dir)).toBe(0);
      expect(existsSync(join(dir, 'prod/flags.jsoo'))).toBe(false);
    },
  );

  it('is found by the last good config wherever the state is kept', async () => {
    const dir = makeFolder();
    cleanups.push(() => rmSync(dir, { recursive: true, force: true }));
    mkdirSync(join(dir, 'prod'));
    writeFileSync(configPath(dir), `${CONFIG}state: elsewhere\n${PROD}`);
    await cutoverJson(dir, ['canary', 'start', ...FORCE]);
    writeFileSync(configPath(dir), `${CONFIG}state: elsewhere\nflagg: x\n`);
    const ran = await emergency(dir);
    expect(ran.code, ran.stderr).toBe(0);
    expect(prodRatio(dir)).toBe(0);
  });
});

describe('a config that names another flag in the middle of a canary', () => {
  async function moved(): Promise<string> {
    const dir = await canaryAt10();
    const text = readFileSync(configPath(dir), 'utf8');
    writeFileSync(configPath(dir), text.replace('prod/flags.json', 'prod/new.json'));
    return dir;
  }

  it('is told of, and rolled back at both flags', async () => {
    const dir = await moved();
    const before = await cutover(dir, ['status']);
    expect(before.stdout).toContain('not safe');
    const ran = await cutover(dir, ['rollback', '--yes', '--anyway']);
    expect(ran.code, ran.stderr).toBe(0);
    expect(ran.stderr).toContain('(of an earlier config)');
    expect(prodRatio(dir)).toBe(0);
    expect(ratioIn(join(dir, 'prod/new.json'), 'llm')).toBe(0);
    expect((await cutover(dir, ['status'])).stdout).toContain('safe: ');
  });

  it('is not safe while the earlier flag still sends requests to target', async () => {
    const dir = await moved();
    await cutover(dir, ['rollback', '--yes', '--anyway']);
    const path = join(dir, 'prod/flags.json');
    const text = readFileSync(join(dir, 'prod/new.json'), 'utf8');
    writeFileSync(path, text.replace('"defaultVariant": "legacy"', '"defaultVariant": "target"'));
    const status = await cutover(dir, ['status', '--check']);
    expect(status.code).toBe(2);
    expect(status.stdout).toContain('(of an earlier config) says 100 %');
    const start = await cutover(dir, ['canary', 'start', '--yes']);
    expect(start.code).toBe(2);
  });

  const DRY_RUN = ['canary', 'start', '--dry-run'];
  const REFUSED = ['shift', '50%', '--yes'];
  const CHECKPOINT = ['checkpoint', 'create'];
  it.each([
    ['dry runs and refused steps', [DRY_RUN, REFUSED, DRY_RUN]],
    ['checkpoints', [CHECKPOINT, CHECKPOINT, CHECKPOINT]],
  ])('is not forgotten over several configs and %s in between', async (_name, commands) => {
    const dir = await canaryAt10();
    const text = readFileSync(configPath(dir), 'utf8');
    for (const [i, args] of commands.entries()) {
      writeFileSync(configPath(dir), text.replace('prod/flags.json', `${i}.json`));
      await cutover(dir, args);
    }
    const ran = await emergency(dir);
    expect(ran.stdout).toContain('prod/flags.json');
    expect(prodRatio(dir)).toBe(0);
    expect(ran.code, ran.stderr).toBe(0);
  });

  it('keeps a flag that still sends requests to target, also after a forced step at the new one', async () => {
    const dir = await moved();
    const forced = await cutover(dir, ['shift', '25%', ...FORCE]);
    expect(forced.code, forced.stderr).toBe(0);
    expect(prodRatio(dir)).toBe(0.1);
    expect((await cutover(dir, ['status', '--check'])).code).toBe(2);
    expect((await emergency(dir)).code).toBe(0);
    expect(prodRatio(dir)).toBe(0);
  });

  it('is followed alone once a forward step has succeeded there', async () => {
    const dir = await moved();
    await cutover(dir, ['rollback', '--yes', '--anyway']);
    await cutoverJson(dir, ['canary', 'start', '--yes']);
    const ran = await cutover(dir, ['rollback', '--yes', '--anyway']);
    expect(ran.stderr).not.toContain('(of an earlier config)');
  });
});

describe('an emergency of one migration', () => {
  it('leaves that of another in the same folder alone', async () => {
    const dir = await canaryAt10();
    const other = `${CONFIG.replace('chat-prod', 'other')}state: elsewhere\nflag: { driver: file, path: other.json }\n`;
    writeFileSync(join(dir, 'other.yaml'), other);
    const ran = await cutover(dir, ['-c', 'other.yaml', 'rollback', '--emergency']);
    expect(ran.stdout).not.toContain('prod/flags.json');
    expect(prodRatio(dir)).toBe(0.1);
  });
});

describe('other ways to the same flag', () => {
  it('see the new ratio by another name of the file', async () => {
    const dir = await canaryAt10();
    linkSync(join(dir, 'prod/flags.json'), join(dir, 'other-name.json'));
    const ran = await emergency(dir);
    expect(ran.code, ran.stderr).toBe(0);
    expect(ran.stderr).toContain('hard links');
    expect(ratioIn(join(dir, 'other-name.json'), 'llm')).toBe(0);
  });

  it('are found from another folder with the same state', async () => {
    const dir = await canaryAt10();
    const other = makeFolder();
    cleanups.push(() => rmSync(other, { recursive: true, force: true }));
    mkdirSync(join(other, 'prod'));
    writeFileSync(join(other, 'cutover.yaml'), `${CONFIG}${PROD}state: ${join(dir, '.cutover')}\n`);
    await emergency(other);
    expect(prodRatio(dir)).toBe(0);
  });

  it('are not those of a state folder of former days', async () => {
    const dir = await anotherAt10('flag: { driver: file, path: old.json }\n');
    await cutover(dir, ['rollback', '--yes', '--anyway']);
    writeFileSync(configPath(dir), `${CONFIG}stage: { bake: 0s }\n${PROD}state: moved\n`);
    await cutoverJson(dir, ['canary', 'start', ...FORCE]);
    writeFileSync(configPath(dir), 'migration: chat-prod\n');
    const ran = await emergency(dir);
    expect(ran.code).not.toBe(0);
    expect(ran.stdout + ran.stderr).not.toMatch(/: safe: /);
  });
});

it('a rollback works on a database that was put back from a copy', async () => {
  const dir = await canaryAt10();
  const state = (name: string) => join(dir, '.cutover', name);
  const copy = readFileSync(state('state.db'));
  await emergency(dir);
  await cutoverJson(dir, ['canary', 'start', ...FORCE]);
  for (const name of ['state.db-wal', 'state.db-shm']) rmSync(state(name), { force: true });
  writeFileSync(state('state.db'), copy);
  const ran = await cutover(dir, ['rollback', '--yes', '--anyway']);
  expect(ran.code, ran.stderr).toBe(0);
  expect(prodRatio(dir)).toBe(0);
});

describe('an emergency from a folder that was deleted', () => {
  it('sets the flag of the config that it is given', async () => {
    const dir = await canaryAt10();
    const command = `mkdir gone && cd gone && rmdir ../gone && '${process.execPath}' '${BIN}' -c '${configPath(dir)}' rollback --emergency`;
    const ran = execFileSync('sh', ['-c', command], {
      cwd: dir,
      env: { ...process.env, HOME: dir },
    }).toString();
    expect(ran).toContain('safe: ');
    expect(prodRatio(dir)).toBe(0);
  });
});

describe('options that an emergency does not need', () => {
  it.each([
    [['--anyway']],
    [['--force', '--confirm', 'X', '--wait', '5s', '--to', '1']],
    [['--over', '10m', '--nonsense', '--verbose=3']],
  ])('are warned about and ignored: %j', async (extra) => {
    const dir = await canaryAt10();
    const ran = await emergency(dir, ...extra);
    expect(ran.code, ran.stderr).toBe(0);
    expect(ran.stderr).toContain(`warning: ${extra[0]} `);
    expect(prodRatio(dir)).toBe(0);
  });

  it('may stand before the command', async () => {
    const dir = await canaryAt10();
    const ran = await cutover(dir, ['--json', '-c', 'cutover.yaml', '--no-input', 'rollback', '--emergency']);
    expect(ran.code, ran.stderr).toBe(0);
    expect(JSON.parse(ran.stdout)).toMatchObject({ safe: true });
  });

  it('is no emergency when the words are the value of another option', async () => {
    const dir = await canaryAt10();
    await cutover(dir, ['checkpoint', 'create', '--reason', 'rollback', '--emergency']);
    await cutover(dir, ['-c', 'rollback', 'status', '--emergency']);
    await cutover(dir, ['history', '--', 'rollback', '--emergency']);
    expect(prodRatio(dir)).toBe(0.1);
  });
});

function asRoot(context: TestContext): void {
  if (process.getuid?.() === 0) return;
  process.stderr.write('SKIPPED: needs to be root to act as another user\n');
  context.skip();
}

describe('the readers of a flag file', () => {
  /** What another user sees; throws when it may not read. */
  const asNobody = (path: string) =>
    execFileSync('su', ['nobody', '-s', '/bin/sh', '-c', `cat '${path}'`], { stdio: 'pipe' }).toString();

  it.each([
    [0o640, 'nobody', '077'],
    [0o600, 'nobody', '022'],
    [0o644, 'root', '077'],
    [0o660, 'nobody', '077'],
  ])('keep reading it: mode %o of %s, changed under umask %s', async (mode, owner, umask) => {
    const dir = await canaryAt10();
    const path = join(dir, 'prod/flags.json');
    chmodSync(dir, 0o755);
    chmodSync(join(dir, 'prod'), 0o755);
    execFileSync('chown', [`${owner}:${owner === 'root' ? 'root' : 'nogroup'}`, path]);
    chmodSync(path, mode);
    const before = statSync(path);
    const ran = await new Promise<{ code: number | null; stdout: string }>((resolve) => {
      const child = spawn(
        'sh',
        ['-c', `umask ${umask}; exec "$@"`, 'sh', process.execPath, BIN, 'rollback', '--emergency'],
        { cwd: dir },
      );
      let stdout = '';
      child.stdout.on('data', (text) => {
        stdout += text;
      });
      child.on('close', (code) => resolve({ code, stdout }));
    });
    expect(ran.code).toBe(0);
    expect(ran.stdout).toContain('safe');
    const after = statSync(path);
    expect([after.mode, after.uid, after.gid]).toEqual([before.mode, before.uid, before.gid]);
    expect(asNobody(path)).toContain('"defaultVariant": "legacy"');
    expect(asNobody(path)).not.toContain('fractional');
  });

  it.skipIf(!installed({ name: 'access lists', commands: ['setfacl'] }))(
    'keep reading it where only an access list lets them',
    async (context) => {
      asRoot(context);
      const dir = await canaryAt10();
      const path = join(dir, 'prod/flags.json');
      chmodSync(dir, 0o755);
      chmodSync(join(dir, 'prod'), 0o755);
      chmodSync(path, 0o600);
      execFileSync('setfacl', ['-m', 'u:nobody:r', path]);
      const list = () => execFileSync('getfacl', ['-p', path]).toString();
      const before = list();
      const ran = await emergency(dir);
      expect([ran.code, ran.stdout]).toEqual([0, expect.stringContaining('safe')]);
      expect(list()).toBe(before);
      expect(asNobody(path)).not.toContain('fractional');
    },
  );

  it('may all read a file that is made anew, whatever the umask', async () => {
    const dir = await canaryAt10();
    const path = join(dir, 'prod/flags.json');
    rmSync(path);
    const command = `umask 077; '${process.execPath}' '${BIN}' rollback --emergency`;
    execFileSync('sh', ['-c', command], { cwd: dir, env: { ...process.env, HOME: dir }, stdio: 'pipe' });
    expect(statSync(path).mode & 0o777).toBe(0o644);
    expect(prodRatio(dir)).toBe(0);
  });

  it('see it also when the owner cannot be kept: then everyone may read it, and that is said', async (context) => {
    asRoot(context);
    const dir = await canaryAt10();
    const path = join(dir, 'prod/flags.json');
    execFileSync('chown', ['-R', 'nobody:nogroup', dir]);
    execFileSync('chown', ['root:root', path]);
    chmodSync(path, 0o640);
    const ran = execFileSync(
      'su',
      [
        'nobody',
        '-s',
        '/bin/sh',
        '-c',
        `cd '${dir}' && HOME='${dir}' '${process.execPath}' '${BIN}' rollback --emergency 2>&1`,
      ],
      { stdio: 'pipe' },
    ).toString();
    expect(ran).toContain('safe');
    expect(ran).toMatch(/owner/);
    expect(statSync(path).mode & 0o444).toBe(0o444);
    expect(prodRatio(dir)).toBe(0);
  });

  it('are not taken a file away from by a change that is no emergency', async (context) => {
    asRoot(context);
    const dir = await canaryAt10();
    const path = join(dir, 'prod/flags.json');
    execFileSync('chown', ['-R', 'nobody:nogroup', dir]);
    execFileSync('chown', ['root:root', path]);
    chmodSync(path, 0o640);
    const command = `cd '${dir}' && HOME='${dir}' '${process.execPath}' '${BIN}' shift 25% --yes --force --reason x 2>&1; echo "exit $?"`;
    const ran = execFileSync('su', ['nobody', '-s', '/bin/sh', '-c', command], { stdio: 'pipe' }).toString();
    expect(ran).toContain('exit 69');
    expect(statSync(path).uid).toBe(0);
    expect(prodRatio(dir)).toBe(0.1);
  });

  it('are not kept from it by another flag that is broken: they would refuse the whole file', async () => {
    const dir = await canaryAt10();
    const path = join(dir, 'prod/flags.json');
    const before = JSON.parse(readFileSync(path, 'utf8'));
    before.flags.checkout = { variants: { on: true, off: false }, defaultVariant: 'off' };
    before.flags.banner = { state: 'ENABLED', variants: { a: 'A' }, defaultVariant: 'a' };
    writeFileSync(path, JSON.stringify(before));

    const status = await cutover(dir, ['status']);
    expect(status.stdout).toContain('flag checkout: its state must be ENABLED or DISABLED');
    const back = await cutover(dir, ['rollback', ...FORCE]);
    expect(back.code).not.toBe(0);
    expect(JSON.parse(readFileSync(path, 'utf8'))).toEqual(before);

    const { code, stderr } = await emergency(dir);
    expect(code).toBe(0);
    expect(stderr).toContain('left out flag checkout');
    expect(sideOf(readFileSync(path, 'utf8'), 'llm', firstKey('llm')).share).toBe(0);
    expect(JSON.parse(readFileSync(path, 'utf8')).flags.banner).toEqual(before.flags.banner);
    const [kept = ''] = readdirSync(join(dir, 'prod')).filter((name) => name.includes('cutover-kept'));
    expect(JSON.parse(readFileSync(join(dir, 'prod', kept), 'utf8'))).toEqual(before);
  });

  it('leaves no temporary file that follows a link', async () => {
    const dir = await canaryAt10();
    const ran = await emergency(dir);
    expect(ran.code).toBe(0);
    expect(readdirSync(join(dir, 'prod'))).toEqual(['flags.json']);
  });
});

describe('an emergency that is known by its mark in the flag alone', () => {
  it('is recorded as somebody unknown, not as whoever finds it', async () => {
    const dir = makeFolder();
    cleanups.push(() => rmSync(dir, { recursive: true, force: true }));
    await cutoverJson(dir, ['canary', 'start', '--yes']);
    const path = join(dir, 'flags.json');
    const database = join(dir, '.cutover', 'state.db');
    const files = ['', '-wal', '-shm'].map((end) => database + end);
    const before = files
      .filter((file) => existsSync(file))
      .map((file) => [file, readFileSync(file)] as const);
    expect((await cutover(dir, ['rollback', '--emergency', '--reason', 'fire'])).code).toBe(0);
    // The same after a crash right behind the flag write.
    for (const file of files) rmSync(file, { force: true });
    for (const [file, bytes] of before) writeFileSync(file, bytes);
    expect(readFileSync(path, 'utf8')).toContain('emergency');
    await cutover(dir, ['resume'], { env: { USER: 'finder' } });
    const { lastOperation } = await cutoverJson<{ lastOperation: Record<string, unknown> }>(dir, ['status']);
    expect(lastOperation).toMatchObject({ kind: 'emergency', actor: 'unknown' });
    expect(lastOperation.reason).toBe('unknown: found by its mark in the flag');
  });
});

describe('an emergency that makes the database', () => {
  it.each([
    ['root', 0o640],
    ['no-such-group', 0o600],
  ])('gives it to the group %s that the config names, where there is such a group', async (group, mode) => {
    const dir = await canaryAt10();
    rmSync(join(dir, '.cutover'), { recursive: true });
    appendFileSync(configPath(dir), `state: { path: .cutover, group: ${group} }\n`);
    const ran = await emergency(dir, '--json');
    expect(ran.code, ran.stderr).toBe(0);
    expect(JSON.parse(ran.stdout)).toMatchObject({ safe: true, operation: { outcome: 'done' } });
    expect(JSON.parse(ran.stdout).sideFile).toBeUndefined();
    expect(statSync(join(dir, '.cutover', 'state.db')).mode & 0o777).toBe(mode);
    expect(ran.stderr.includes('cannot be given to the group')).toBe(mode === 0o600);
  });
});

/** An exec flag store that keeps no tokens; a forward change takes `seconds`. */
const SLOW_STORE = (seconds: number) => `case "$1" in
get) cat ratio 2>/dev/null || true ;;
set) cat > /dev/null
  if [ "$CUTOVER_FLAG_RATIO" != 0 ]; then : > begun; sleep ${seconds}; fi
  echo "$CUTOVER_FLAG_RATIO" > ratio.$$ && mv ratio.$$ ratio
  if [ "$CUTOVER_FLAG_RATIO" != 0 ]; then : > raised; fi ;;
esac
`;
const execFlag = (extra = '') =>
  `flag: { driver: exec, command: [sh, store.sh], timeout: 10s, retries: 0 }\n${extra}`;

async function waitFor(what: string, done: () => boolean): Promise<void> {
  for (let i = 0; i < 1000; i++) {
    if (done()) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`waited in vain for ${what}`);
}

describe('a slower writer that has lost', () => {
  function storeFolder(seconds: number): string {
    const dir = makeFolder(execFlag());
    cleanups.push(() => rmSync(dir, { recursive: true, force: true }));
    writeFileSync(join(dir, 'store.sh'), SLOW_STORE(seconds));
    return dir;
  }
  const ratio = (dir: string) => readFileSync(join(dir, 'ratio'), 'utf8').trim();

  it('does not have the last word after "safe"', async () => {
    const dir = storeFolder(3);
    const start = cutover(dir, ['canary', 'start', '--yes']);
    await waitFor('the write to begin', () => existsSync(join(dir, 'begun')));
    const ran = await emergency(dir);
    expect(ran.code, ran.stderr).toBe(0);
    expect(ran.stdout).toContain('safe');
    expect(ratio(dir)).toBe('0');
    const loser = await start;
    expect(loser.code).toBe(75);
    expect(ratio(dir)).toBe('0');
    expect(await cutoverJson<StatusDocument>(dir, ['status'])).toMatchObject({ ratio: 0, drift: [] });
  });

  it('is outlasted by two emergencies at once, one of which takes over from the other', async () => {
    const dir = storeFolder(2);
    const start = cutover(dir, ['canary', 'start', '--yes']);
    await waitFor('the write to begin', () => existsSync(join(dir, 'begun')));
    const both = await Promise.all([emergency(dir), emergency(dir)]);
    for (const { code, stderr } of both) {
      expect([0, 75], stderr).toContain(code);
      expect(stderr).not.toMatch(/Error|^ +at /m);
    }
    expect(both.map(({ code }) => code)).toContain(0);
    await start;
    expect(ratio(dir)).toBe('0');
  });

  it('is waited for also when only its script is left', async () => {
    const dir = storeFolder(3);
    const start = spawn(process.execPath, [BIN, 'canary', 'start', '--yes'], { cwd: dir, stdio: 'ignore' });
    await waitFor('the write to begin', () => existsSync(join(dir, 'begun')));
    start.kill('SIGKILL');
    const ran = await emergency(dir);
    expect(ran.code, ran.stderr).toBe(0);
    expect(ratio(dir)).toBe('0');
    await waitFor('the write that was begun', () => existsSync(join(dir, 'raised')));
    expect(ratio(dir)).toBe('0');
  });

  it('does not undo a rollback either', async () => {
    const dir = storeFolder(3);
    const start = spawn(process.execPath, [BIN, 'canary', 'start', '--yes'], { cwd: dir, stdio: 'ignore' });
    await waitFor('the write to begin', () => existsSync(join(dir, 'begun')));
    start.kill('SIGKILL');
    const ran = await cutover(dir, ['rollback', '--yes', '--anyway']);
    expect(ran.code, ran.stderr).toBe(0);
    expect(ratio(dir)).toBe('0');
    await waitFor('the write that was begun', () => existsSync(join(dir, 'raised')));
    expect(ratio(dir)).toBe('0');
  });

  it('does not undo a rollback either where it lands as soon as the flag was read back', async () => {
    const dir = storeFolder(0);
    writeFileSync(
      join(dir, 'store.sh'),
      `case "$1" in
get) cat ratio 2>/dev/null || true
  if [ -e zero ]; then rm zero; : > go; while kill -0 $(cat raising) 2>/dev/null; do sleep 0.02; done; fi ;;
set) cat > /dev/null
  if [ "$CUTOVER_FLAG_RATIO" != 0 ]; then
    echo $$ > raising; : > begun
    while [ ! -e go ]; do sleep 0.02; done
  else [ -e go ] || : > zero; fi
  echo "$CUTOVER_FLAG_RATIO" > ratio.$$ && mv ratio.$$ ratio ;;
esac
`,
    );
    const start = spawn(process.execPath, [BIN, 'canary', 'start', '--yes'], { cwd: dir, stdio: 'ignore' });
    await waitFor('the write to begin', () => existsSync(join(dir, 'begun')));
    start.kill('SIGKILL');
    const ran = await cutover(dir, ['rollback', '--yes', '--anyway']);
    expect(ran.code, ran.stderr).toBe(0);
    expect(ratio(dir)).toBe('0');
  });

  it.each([
    ['by whatever clock it was asked', 'started_at = started_at - 7200000'],
    ['by whatever clock on another machine', 'started_at = started_at + 7200000, started_uptime = null'],
  ])('may be a store that still takes what nobody waits for any more, %s', async (_name, change) => {
    const store = await slowStore(6500);
    const dir = makeFolder(`flag: { ${store.flag}, timeout: 3s, retries: 0, settlesIn: 9s }\n`);
    cleanups.push(() => rmSync(dir, { recursive: true, force: true }));
    const start = await cutover(dir, ['canary', 'start', '--yes']);
    expect(start.code).toBe(69);
    expect(start.stdout).not.toContain('nothing was changed');
    expect(start.stdout.replace(/\s+/g, ' ')).toContain(
      'whether the flag was changed is not known: what its store was asked for may still be done; now it says 0 %',
    );
    expect(start.stdout).toContain('cutover resume');
    expect(start.stdout).toContain('cutover rollback');
    const status = await cutover(dir, ['status', '--check']);
    expect([status.code, status.stdout]).toEqual([75, expect.stringContaining('is not finished')]);
    const db = new Database(join(dir, '.cutover', 'state.db'));
    db.exec(`UPDATE steps SET ${change}`);
    db.close();
    const ran = await emergency(dir);
    expect([ran.code, store.ratio()], ran.stdout + ran.stderr).toEqual([0, 0]);
    expect(ran.stderr).toContain('left under way');
    await waitFor('the write that nobody waits for', () => store.raised());
    expect((await cutover(dir, ['status', '--check'])).code).toBe(0);
    expect(store.ratio()).toBe(0);
  });

  it('may be a store that gave no answer to the first try, and one to the second', async () => {
    const store = await slowStore(5000);
    const dir = makeFolder(`flag: { ${store.flag}, timeout: 2s, retries: 1, settlesIn: 5s }\n`);
    cleanups.push(() => rmSync(dir, { recursive: true, force: true }));
    expect((await cutover(dir, ['canary', 'start', '--yes'])).code).toBe(0);
    const ran = await emergency(dir);
    expect([ran.code, store.ratio()], ran.stdout + ran.stderr).toEqual([0, 0]);
    await waitFor('the first try', () => store.raised());
    expect(store.ratio()).toBe(0);
  });

  /** A migration whose start was killed while its store was asked to raise the flag. */
  async function killedAtStore() {
    const store = await slowStore(4000);
    const dir = makeFolder(`flag: { ${store.flag}, timeout: 10s, retries: 0, settlesIn: 6s }\n`);
    cleanups.push(() => rmSync(dir, { recursive: true, force: true }));
    const start = spawn(process.execPath, [BIN, 'canary', 'start', '--yes'], { cwd: dir, stdio: 'ignore' });
    await waitFor('the write to be asked for', () => store.asked() > 0);
    start.kill('SIGKILL');
    return { dir, store };
  }

  it('may be a store that was asked by a killed start, which was resumed since', async () => {
    const { dir, store } = await killedAtStore();
    const resumed = await cutover(dir, ['resume', '--yes']);
    expect(resumed.code, resumed.stderr).toBe(0);
    expect(resumed.stderr).toContain('waiting at most 6 s');
    const ran = await emergency(dir);
    expect([ran.code, store.ratio()], ran.stdout + ran.stderr).toEqual([0, 0]);
    await new Promise((resolve) => setTimeout(resolve, 4500));
    expect(store.ratio()).toBe(0);
  });

  it.each([
    ['a rollback', ['rollback', '--yes', '--anyway']],
    ['an emergency', ['rollback', '--emergency']],
  ])(
    'may be a store that was asked by a killed start: %s outlasts it, and says so for good',
    async (_name, way) => {
      const { dir, store } = await killedAtStore();
      const ran = await cutover(dir, way);
      expect([ran.code, store.raised(), store.ratio()], ran.stdout + ran.stderr).toEqual([0, true, 0]);
      expect((await cutover(dir, ['status', '--check'])).code).toBe(0);
    },
  );

  it('may be such a store that the config names no more: a rollback outlasts it, and status says so', async () => {
    const { dir, store } = await killedAtStore();
    const config = readFileSync(configPath(dir), 'utf8');
    writeFileSync(
      configPath(dir),
      config.replace(/flag: .*/, 'flag: { driver: file, path: flags.json, key: llm }'),
    );
    const ran = await cutover(dir, ['rollback', '--yes', '--anyway', '--to', '1']);
    expect([ran.code, store.raised(), store.ratio()], ran.stdout + ran.stderr).toEqual([0, true, 0]);
    expect((await cutover(dir, ['status', '--check'])).code).toBe(0);
  });

  it.runIf(process.getuid?.() === 0)(
    'may be such a store where a container has an uptime of its own',
    async () => {
      const { dir, store } = await killedAtStore();
      // As lxcfs does.
      const masked = join(dir, 'uptime');
      writeFileSync(masked, '90000000.00 1.00\n');
      const inside = `mount --bind '${masked}' /proc/uptime && exec '${process.execPath}' '${BIN}' rollback --emergency`;
      await promisify(execFile)('unshare', ['--mount', 'sh', '-c', inside], { cwd: dir });
      expect([store.raised(), store.ratio()]).toEqual([true, 0]);
    },
  );

  it('may be whoever has locked the database, of whom nothing can be seen', async () => {
    const dir = storeFolder(0);
    await cutoverJson(dir, ['canary', 'start', '--yes']);
    const other = new Database(join(dir, '.cutover', 'state.db'));
    cleanups.push(() => void other.close());
    other.exec('BEGIN IMMEDIATE');
    const ran = await emergency(dir);
    expect(ran.code).toBe(69);
    expect(ran.stdout).toContain('NOT KNOWN TO BE SAFE');
    expect(ran.stdout).toContain('whoever has locked the database');
    expect(ratio(dir)).toBe('0');
    other.exec('ROLLBACK');
    const again = await emergency(dir);
    expect(again.code, again.stdout).toBe(0);
    expect(again.stdout).toContain('safe: ');
  });

  it('may be one whose host is gone: it is named, with what a person who knows that can do', async () => {
    const dir = storeFolder(1);
    const start = spawn(process.execPath, [BIN, 'canary', 'start', '--yes'], { cwd: dir, stdio: 'ignore' });
    await waitFor('the write to begin', () => existsSync(join(dir, 'begun')));
    start.kill('SIGKILL');
    const db = new Database(join(dir, '.cutover', 'state.db'));
    db.exec(`UPDATE operations SET holder = json_set(holder, '$.boot', 'another', '$.host', 'web-7');
      UPDATE lease SET boot = 'another', host = 'web-7'`);
    const { id } = db.prepare('SELECT id FROM operations').get() as { id: string };
    db.close();
    const gone = `cutover lease --gone ${id} --reason "…"`;
    const ran = await emergency(dir);
    expect([ran.code, ratio(dir)], ran.stderr).toEqual([69, '0']);
    expect(ran.stdout).toContain(gone);
    expect(ran.stdout).toMatch(
      /on web-7, which cannot be seen from here; last heartbeat \S+Z, counts until \S+Z/,
    );
    const status = await cutoverJson<{ next: { command: string }[] }>(dir, ['status']);
    expect(status).toMatchObject({ next: { command: 'cutover status' } });
    const shown = await cutover(dir, ['status', '--check']);
    expect([shown.code, shown.stdout]).toEqual([75, expect.stringContaining(`cutover lease --gone ${id}`)]);
    const cli = ['lease', '--gone', id, '--reason', 'web-7 was scaled down'];
    expect((await cutover(dir, ['lease', '--gone', id])).code).toBe(64);
    expect((await cutover(dir, cli.with(2, 'op-none'))).code).toBe(64);
    expect((await cutover(dir, cli)).code).toBe(0);
    const { entries } = await cutoverJson<{ entries: object[] }>(dir, [
      'history',
      '--event',
      'holder given up',
    ]);
    expect(entries).toMatchObject([{ operationId: id, detail: { reason: 'web-7 was scaled down' } }]);
    expect((await cutover(dir, ['status', '--check'])).code).toBe(0);
  });

  it('is not called safe while it is stopped half-way', async () => {
    const dir = storeFolder(0);
    const shim = join(dir, 'hold.mjs');
    writeFileSync(
      shim,
      `import cp from 'node:child_process'; import fs from 'node:fs'; import { syncBuiltinESMExports } from 'node:module';
const spawn = cp.spawn;
cp.spawn = (file, args, options) => {
  // Only the write that raises: the one that puts the winner's ratio back has to go on.
  if (args.at(-1) === 'set' && !fs.existsSync('held')) {
    fs.writeFileSync('held', '');
    process.kill(process.pid, 'SIGSTOP');
  }
  return spawn(file, args, options);
};
syncBuiltinESMExports();`,
    );
    const child = spawn(process.execPath, ['--import', shim, BIN, 'canary', 'start', '--yes'], {
      cwd: dir,
      stdio: 'ignore',
    });
    const ended = new Promise<number | null>((resolve) => child.on('close', resolve));
    cleanups.push(() => void child.kill('SIGKILL'));
    await waitFor('the holder to stop', () => existsSync(join(dir, 'held')));
    const ran = await emergency(dir);
    expect(ran.code).toBe(69);
    expect(ran.stdout).toContain('NOT KNOWN TO BE SAFE');
    expect(ran.stdout).toContain(String(child.pid));
    child.kill('SIGCONT');
    expect(await ended).toBe(75);
    expect(ratio(dir)).toBe('0');
  });
});

describe('a journal beside the database', () => {
  const place = (dir: string) => {
    const { createHash } = require('node:crypto') as typeof import('node:crypto');
    const hash = createHash('sha256').update(join(dir, '.cutover')).digest('hex').slice(0, 16);
    return join(tmpdir(), `cutover-${hash}`);
  };
  const forged = () => {
    const plan = {
      kind: 'emergency',
      from: { status: 'rolling', ratio: 0.1, activeProvider: 'legacy' },
      to: { status: 'complete', ratio: 1, activeProvider: 'target' },
      reason: 'forged',
      forced: false,
      gates: [],
      steps: [{ kind: 'flag', driver: 'file', label: 'file prod/flags.json' }],
      previous: null,
      restores: null,
      dns: [],
      supersedes: [],
      evidence: null,
    };
    const holder = { actor: 'mallory', host: 'elsewhere', pid: 1, process: null };
    const lines = [
      { type: 'begin', id: 'op-forged-0001', at: 1, token: 99, holder, plan, why: 'forged' },
      { type: 'finish', end: { outcome: 'done', applied: true, open: false } },
    ];
    return `${lines.map((line) => JSON.stringify(line)).join('\n')}\n`;
  };

  it('is not believed when another user wrote it', async (context) => {
    asRoot(context);
    const dir = await canaryAt10();
    const folder = place(dir);
    cleanups.push(() => rmSync(folder, { recursive: true, force: true }));
    mkdirSync(folder, { mode: 0o777 });
    writeFileSync(join(folder, 'emergency-op-forged-0001.jsonl'), forged());
    execFileSync('chown', ['-R', 'nobody', folder]);
    const status = await cutoverJson<StatusDocument>(dir, ['status']);
    expect(status).toMatchObject({ status: 'canary', ratio: 0.1 });
  });

  it('says nothing but an emergency, to 0 %', async () => {
    const dir = await canaryAt10();
    writeFileSync(join(dir, '.cutover', 'emergency-op-forged-0001.jsonl'), forged(), { mode: 0o600 });
    const ran = await cutover(dir, ['checkpoint', 'create']);
    expect(ran.code, ran.stderr).not.toBe(1);
    const status = await cutoverJson<StatusDocument>(dir, ['status']);
    expect([0, 0.1]).toContain(status.ratio);
    expect(status.status).not.toBe('complete');
  });

  it('that is a fifo, a folder, huge or a link holds nobody up', async () => {
    const dir = await canaryAt10();
    const path = (kind: string) => join(dir, '.cutover', `emergency-op-odd-${kind}.jsonl`);
    execFileSync('mkfifo', [path('fifo')]);
    mkdirSync(path('folder'));
    writeFileSync(path('huge'), 'x'.repeat(20_000_000));
    execFileSync('ln', ['-s', '/dev/zero', path('link')]);
    const ran = await cutover(dir, ['checkpoint', 'create']);
    expect(ran.code, ran.stderr).toBe(0);
    for (const kind of ['fifo', 'folder', 'huge', 'link'])
      expect(ran.stderr).toContain(`${path(kind)}: not taken for the journal of an emergency`);
    expect((await emergency(dir)).code).toBe(0);
  });

  it('of a host that is gone is taken in once its heartbeat is old', async () => {
    const dir = makeFolder(
      `${execFlag()}hooks: { dns: [{ driver: exec, command: [sh, dns.sh], retries: 0 }] }\n`,
    );
    cleanups.push(() => rmSync(dir, { recursive: true, force: true }));
    writeFileSync(join(dir, 'store.sh'), SLOW_STORE(0));
    writeFileSync(join(dir, 'dns.sh'), 'if [ -e gone ]; then exit 0; fi; : > dns-begun; sleep 60');
    await cutoverJson(dir, ['canary', 'start', ...FORCE]);
    const holder = new Database(join(dir, '.cutover', 'state.db'));
    holder.exec('BEGIN EXCLUSIVE');
    // A host of its own, in its own namespace of processes; when its first process dies, all of it is gone.
    const host = spawn(
      'unshare',
      [
        '--uts',
        '--pid',
        '--fork',
        '--kill-child',
        '--mount-proc',
        'sh',
        '-c',
        `hostname other; '${process.execPath}' '${BIN}' rollback --emergency`,
      ],
      { cwd: dir, stdio: 'ignore', env: { ...process.env, HOME: dir } },
    );
    const ended = new Promise((resolve) => host.on('close', resolve));
    await waitFor('its DNS step', () => existsSync(join(dir, 'dns-begun')));
    host.kill('SIGKILL');
    await ended;
    holder.exec('ROLLBACK');
    holder.close();
    writeFileSync(join(dir, 'gone'), '');
    const file = readdirSync(join(dir, '.cutover')).find((name) => name.startsWith('emergency-'));
    expect(file).toBeDefined();
    execFileSync('touch', ['-d', '2 minutes ago', join(dir, '.cutover', String(file))]);
    await cutover(dir, ['checkpoint', 'create']);
    const status = await cutoverJson<StatusDocument>(dir, ['status']);
    expect(status.unfinished).toMatchObject({ kind: 'emergency' });
    const resumed = await cutover(dir, ['resume']);
    expect(resumed.code, resumed.stderr).toBe(0);
    expect(await cutoverJson<StatusDocument>(dir, ['status'])).toMatchObject({ ratio: 0, unfinished: null });
  });
});
