import { spawn } from 'node:child_process';
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { describe, expect, it, onTestFinished } from 'vitest';
import { installed } from '../servers/require.ts';
import { BIN, cutover, cutoverJson, makeFolder } from './cli.ts';
import { prepared } from './prepared.ts';

function folder(extra = ''): string {
  const dir = makeFolder(extra);
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}
/** A migration at 10 %. */
const started = prepared(async () => {
  const dir = makeFolder('models: { a: b }\ncanary: { pairsPerRun: 2 }');
  await cutoverJson(dir, ['canary', 'start', '--yes']);
  return dir;
});

it.each([
  [['-c', '', 'status'], {}, 'cutover: -c needs a path'],
  [['status'], { CUTOVER_CONFIG: '' }, 'cutover: CUTOVER_CONFIG is empty: it needs a path'],
])('a config that is named and empty: cutover %j %j', async (args, env, says) => {
  const { code, stderr } = await cutover(folder(), args, { env });
  expect(stderr.split('\n')[0]).toBe(says);
  expect(code).toBe(64);
});

it.each([
  [['rollback', '--emergency', '-c', ''], {}, '-c'],
  [['--config=', 'rollback', '--emergency'], {}, '-c'],
  [['rollback', '--emergency'], { CUTOVER_CONFIG: '' }, 'CUTOVER_CONFIG'],
])('an emergency goes by ./cutover.yaml then, and says so: cutover %j %j', async (args, env, name) => {
  const dir = await started();
  const { code, stdout, stderr } = await cutover(dir, args, { env });
  expect(stderr.split('\n')[0]).toBe(`warning: ${name} is empty and is ignored`);
  expect(code, stderr).toBe(0);
  expect(stdout).toMatch(/^chat-prod: safe/m);
});

it('an emergency takes what CUTOVER_CONFIG names where -c is empty', async () => {
  const dir = await started();
  renameSync(join(dir, 'cutover.yaml'), join(dir, 'other.yaml'));
  const env = { CUTOVER_CONFIG: 'other.yaml' };
  const { code, stdout, stderr } = await cutover(dir, ['rollback', '--emergency', '-c', ''], { env });
  expect(code, stderr).toBe(0);
  expect(stdout).toMatch(/^chat-prod: safe/m);
});

it.each([
  [['freeze', '--reason', 'a', '--for', '99999999d'], /--for 99999999d: /],
  [['freeze', '--reason', 'a', '--for', '367d'], /--for 367d: longer than a freeze may be \(366 days\)/],
  [
    ['freeze', '--reason', 'a', '--until', '+200000-01-01T00:00:00Z'],
    /--until \S+: longer than a freeze may be/,
  ],
  [['history', '--since', '99999999999d'], /--since 99999999999d: /],
  [['shift', '25%', '--wait', '99999999999d'], /--wait 99999999999d: /],
  [['rollback', '--over', '99999999999d'], /--over 99999999999d: /],
  [['canary', 'run', '--duration', '99999999999d'], /--duration 99999999999d: /],
  [['assess', '-', '--last', '99999999999d'], /--last/],
  [['assess', '-', '--since', '99999999999d'], /--since/],
])('a time without end is refused, and no stack is shown: cutover %j', async (args, says) => {
  const { code, stderr } = await cutover(folder(), args);
  expect(stderr).not.toMatch(/\n\s+at |RangeError/);
  expect(stderr.replace(/\s*\n\s*/g, ' ')).toMatch(says);
  expect(code).toBe(64);
});

it('a freeze for a part of a millisecond ends with that millisecond', async () => {
  const { until } = await cutoverJson<{ until: string }>(folder(), [
    'freeze',
    '--reason',
    'a',
    '--for',
    '1000.5ms',
  ]);
  expect(Date.parse(until)).toBeGreaterThan(0);
});

it('a stage that need not bake says nothing of it', async () => {
  const dir = await started();
  expect((await cutover(dir, ['status'])).stdout).toMatch(/^ *stage +.* at 10 %$/m);
});

it.each([[[]], [['assess']], [['rollback']], [['canary', 'check']]])(
  'help fits 48 columns: %j',
  async (args: string[]) => {
    const { stdout } = await cutover(folder(), [...args, '--help'], { env: { COLUMNS: '48' } });
    // An example is to be copied as it stands.
    for (const line of stdout.split('\n').filter((text) => !text.includes('cutover assess ')))
      expect(line.length, line).toBeLessThanOrEqual(48);
    // No column so narrow that it holds a word a line.
    expect(stdout).toMatch(/^ {6}\S+ \S+ \S+/m);
  },
);

it.each(['80', '48'])(
  'assess tells models apart whose names differ in the middle, at %s columns',
  async (columns) => {
    const dir = folder();
    const names = ['405b-instruct-turbo-2025', '8b-instruct-turbo-2025', '405b-instruct-turbo-2024'].map(
      (name) => `accounts/fireworks/models/llama-v3p1-${name}-with-a-tail`,
    );
    const line = (model: string) => JSON.stringify({ model, input_tokens: 10, output_tokens: 1 });
    writeFileSync(join(dir, 'usage.jsonl'), names.map(line).join('\n'));
    const { stdout } = await cutover(dir, ['assess', 'usage.jsonl'], { env: { COLUMNS: columns } });
    for (const name of names) {
      // In the table and where it is said to be without a price.
      expect(stdout.split(name).length - 1, stdout).toBe(2);
    }
  },
);

describe('names of commands', () => {
  it.each([['constructor'], ['__proto__'], ['canary', 'constructor'], ['status', 'constructor']])(
    'cutover %s %s is none: exit 64, no stack',
    async (...args) => {
      const { code, stderr } = await cutover(folder(), args);
      expect(code).toBe(64);
      expect(stderr).not.toMatch(/\n\s+at |TypeError/);
    },
  );

  it.each([
    ['help', 'constructor'],
    ['help', 'canary', 'toString'],
    ['canary', 'help', 'statsu'],
  ])('cutover %s %s %s is no help: exit 64', async (...args) => {
    const { code, stdout, stderr } = await cutover(folder(), args);
    expect([code, stdout]).toEqual([64, '']);
    expect(stderr).toContain(`unknown command ${args.at(-1)}`);
  });

  it.each([
    [['help']],
    [['help', 'canary', 'start']],
    [['canary', 'help', 'start']],
    [['help', 'shift', '25%']],
  ])('cutover %j is', async (args) => {
    const { code, stdout } = await cutover(folder(), args);
    expect([code, stdout]).toEqual([0, expect.stringContaining('Usage: cutover')]);
  });

  it.each([
    [['emergency'], 'cutover rollback --emergency'],
    [['rollback', 'emergency'], 'cutover rollback --emergency'],
    [['-c', 'x.yaml', 'rollback', 'emergency'], 'cutover rollback --emergency'],
    [['undo'], 'cutover rollback'],
    [['promote'], 'cutover shift --next'],
    [['pause'], 'cutover freeze --reason "…"'],
    [['unpause'], 'cutover unfreeze'],
    [['statsu'], 'status'],
  ])('cutover %j suggests %s', async (args, command) => {
    const { code, stderr } = await cutover(folder(), args);
    expect(code).toBe(64);
    expect(stderr).toContain(command);
  });

  it('global options stand before or after the command, and take their values', async () => {
    const dir = folder();
    writeFileSync(join(dir, 'status'), readFileSync(join(dir, 'cutover.yaml')));
    for (const args of [
      ['--json', 'status'],
      ['status', '--json'],
      ['-c', 'cutover.yaml', 'status', '--json'],
      ['--config=cutover.yaml', '--json', 'status'],
      ['status', '--json', '-c', 'cutover.yaml'],
      ['--no-color', '-c', 'status', 'status', '--json'],
    ]) {
      const { code, stdout, stderr } = await cutover(dir, args);
      expect(code, stderr).toBe(0);
      expect(JSON.parse(stdout)).toMatchObject({ command: 'status' });
    }
    const history = await cutover(dir, ['-c', 'status', 'history', '--json']);
    expect(history.code, history.stderr).toBe(0);
    expect(JSON.parse(history.stdout)).toMatchObject({ command: 'history', entries: [] });
  });
});

describe('--dry-run', () => {
  /** All that a dry run must leave alone. */
  function world(dir: string) {
    const db = new Database(join(dir, '.cutover/state.db'), { readonly: true });
    const tables = db
      .prepare("SELECT name FROM sqlite_master WHERE type = 'table'")
      .pluck()
      .all() as string[];
    const rows = Object.fromEntries(
      tables.map((name) => [name, db.prepare(`SELECT * FROM "${name}"`).all()]),
    );
    db.close();
    const flag = join(dir, 'flags.json');
    const told = join(dir, 'told');
    return {
      rows,
      flag: existsSync(flag) && readFileSync(flag, 'utf8'),
      told: existsSync(told) && readFileSync(told, 'utf8'),
    };
  }

  const migration = prepared(async () => {
    const dir = makeFolder(`
models: { a: b }
ladder: [1%, 5%, 10%, 25%, 100%]
hooks: { notify: [{ driver: exec, command: [sh, -c, 'echo x >> told; test ! -e broken'], retries: 0 }] }`);
    await cutoverJson(dir, ['canary', 'start', '--yes', '--ratio', '1%']);
    for (let i = 0; i < 3; i++) await cutoverJson(dir, ['checkpoint', 'create', '--reason', `number ${i}`]);
    writeFileSync(join(dir, 'export.json'), (await cutover(dir, ['checkpoint', 'export'])).stdout);
    return dir;
  });

  it.each([
    ['checkpoint create --reason why --pin', { action: 'create', reason: 'why', pinned: true }],
    ['checkpoint prune --keep 1', { action: 'prune', checkpoints: [2, 3] }],
    ['checkpoint import export.json', { action: 'import' }],
    ['checkpoint pin 2', { action: 'pin', checkpoint: 2 }],
    ['checkpoint unpin 2', { action: 'unpin', checkpoint: 2 }],
    ['freeze --reason why --for 2h', { action: 'freeze', reason: 'why' }],
    ['unfreeze', { action: 'unfreeze', lifts: false }],
    [
      'canary check',
      { stage: { ratio: 0.01 }, pairs: 20, requests: 40, models: [{ legacy: 'a', target: 'b' }] },
    ],
    ['canary run --pairs 3 --auto-rollback', { pairs: 3, autoRollback: true }],
    ['shift 5% --force --reason why', { to: { ratio: 0.05 } }],
    ['rollback', { to: { ratio: 0 } }],
    ['rollback --emergency', { kind: 'emergency' }],
  ])('of %s changes nothing, and says what would be', async (line, plan) => {
    const dir = await migration();
    const before = world(dir);
    const args = [...line.split(' '), '--dry-run'];
    const document = await cutoverJson(dir, args);
    expect(document).toMatchObject({ schemaVersion: 1, dryRun: true, plan });
    const { code, stdout, stderr } = await cutover(dir, args);
    expect(code, stderr).toBe(0);
    expect(stdout).toMatch(/\nA dry run: nothing was changed\.\n$/);
    expect(world(dir)).toEqual(before);
  });

  it('of canary start, and of resume: the steps that are left', async () => {
    const fresh = folder();
    expect(await cutoverJson(fresh, ['canary', 'start', '--dry-run'])).toMatchObject({
      plan: { to: { ratio: 0.1 } },
    });
    for (const name of ['flags.json', '.cutover']) expect(existsSync(join(fresh, name))).toBe(false);

    const dir = await migration();
    writeFileSync(join(dir, 'broken'), '');
    expect((await cutover(dir, ['shift', '5%', '--yes', '--force', '--reason', 'test'])).code).toBe(4);
    const before = world(dir);
    const document = await cutoverJson<{ plan: { steps: unknown[] } }>(dir, ['resume', '--dry-run']);
    expect(document).toMatchObject({
      command: 'resume',
      dryRun: true,
      plan: { operation: { kind: 'shift' } },
    });
    expect(document.plan.steps).toEqual([{ kind: 'notify', driver: 'exec', label: 'notify[0] exec sh' }]);
    expect((await cutover(dir, ['resume', '--dry-run'])).stdout).toMatch(
      /notify\[0\] exec sh[\s\S]*A dry run/,
    );
    expect(world(dir)).toEqual(before);
  });
});

describe('exit codes', () => {
  const KEYLESS = (side: string) =>
    `migration: chat-prod
providers:
  legacy: { name: l, baseUrl: http://127.0.0.1:9/v1${side === 'legacy' ? ", apiKey: '${env:NO_SUCH_KEY}'" : ''} }
  target: { name: t, baseUrl: http://127.0.0.1:9/v1${side === 'target' ? ", apiKey: '${env:NO_SUCH_KEY}'" : ''} }
models: { a: b }
`;

  it('78 for a key that is missing: canary, rollback, gateway, flag', async () => {
    const dir = await started();
    writeFileSync(join(dir, 'cutover.yaml'), KEYLESS('target'));
    for (const args of [
      ['canary', 'check'],
      ['canary', 'check', '--dry-run'],
      ['canary', 'run'],
      ['gateway'],
    ]) {
      const { code, stdout, stderr } = await cutover(dir, args);
      expect([args, code, `${stdout}${stderr}`]).toEqual([args, 78, expect.stringContaining('NO_SUCH_KEY')]);
    }
    writeFileSync(join(dir, 'cutover.yaml'), KEYLESS('legacy'));
    const rollback = await cutover(dir, ['rollback', '--yes']);
    expect([rollback.code, rollback.stderr]).toEqual([78, expect.stringContaining('NO_SUCH_KEY')]);

    const flagged = folder(
      `flag: { driver: webhook, url: 'http://127.0.0.1:9/', headers: { a: '\${env:NO_SUCH_KEY}' }, retries: 0 }`,
    );
    const start = await cutover(flagged, ['canary', 'start', '--yes']);
    expect([start.code, start.stderr]).toEqual([78, expect.stringContaining('NO_SUCH_KEY')]);
  });

  it('78 also where the key is gone by the time the flag is set', async () => {
    const dir = folder();
    await cutoverJson(dir, ['canary', 'start', '--yes']);
    writeFileSync(
      join(dir, 'cutover.yaml'),
      `${readFileSync(join(dir, 'cutover.yaml'), 'utf8')}flag: { driver: webhook, url: 'http://127.0.0.1:9/', headers: { a: '\${env:NO_SUCH_KEY}' }, retries: 0 }\n`,
    );
    const { code, stdout } = await cutover(dir, ['rollback', '--yes', '--anyway']);
    expect([code, stdout]).toEqual([78, expect.stringContaining('could not be set')]);
  });

  it('75 for a locked database, but for what only looks', async () => {
    const dir = await started();
    const db = new Database(join(dir, '.cutover/state.db'));
    onTestFinished(() => void db.close());
    db.exec('BEGIN EXCLUSIVE');
    const changes = [
      ['canary', 'check'],
      ['checkpoint', 'pin', '1'],
      ['shift', '25%', '--yes', '--force', '--reason', 'x'],
    ];
    const looks = [['history'], ['history', '--verify'], ['status'], ['lease'], ['checkpoint', 'list']];
    const [changed, looked] = await Promise.all(
      [changes, looks].map((commands) => Promise.all(commands.map((args) => cutover(dir, args)))),
    );
    expect(changed?.map(({ code, stderr }) => [code, /locked by another process/.test(stderr)])).toEqual(
      changes.map(() => [75, true]),
    );
    expect(looked?.map(({ code }) => code)).toEqual(looks.map(() => 0));
    // Another journal than ours, half-way: what stands in the file is of no one moment.
    writeFileSync(join(dir, '.cutover/state.db-journal'), 'x');
    expect((await cutover(dir, ['status'])).code).toBe(75);
  });

  it('75 for a database that is locked between reading and writing', async () => {
    const dir = await started();
    const db = new Database(join(dir, '.cutover/state.db'));
    onTestFinished(() => void db.close());
    db.exec('BEGIN IMMEDIATE');
    for (const args of [
      ['canary', 'check'],
      ['freeze', '--reason', 'x'],
      ['checkpoint', 'create'],
    ]) {
      const { code, stderr } = await cutover(dir, args);
      expect([args, code, stderr]).toEqual([args, 75, expect.stringContaining('locked by another process')]);
    }
  }, 60_000);
});

it('an emergency goes on to its end when nobody reads what it says', async () => {
  const dir = folder(
    `hooks: { dns: [{ driver: exec, command: [sh, -c, 'sleep 0.3; echo x >> moved'], retries: 0 }] }`,
  );
  await cutoverJson(dir, ['canary', 'start', '--yes']);
  const child = spawn(process.execPath, [BIN, 'rollback', '--emergency'], {
    cwd: dir,
    env: { PATH: process.env.PATH ?? '' },
  });
  child.stdout.destroy();
  child.stderr.destroy();
  expect(await new Promise((resolve) => child.on('close', resolve))).toBe(0);
  expect(existsSync(join(dir, 'moved'))).toBe(true);
});

it('a command prints one document, whatever happens on the way', async () => {
  for (const args of [
    ['--json'],
    ['canary', '--json'],
    ['status', '--json', '-c', 'none.yaml'],
    ['frob', '--json'],
    ['emergency', '--json'],
    ['-c', 'x.yaml', 'rollback', 'emergency', '--json'],
  ]) {
    const { code, stdout } = await cutover(folder(), args);
    expect(code).toBeGreaterThan(0);
    expect(JSON.parse(stdout)).toMatchObject({ schemaVersion: 1, error: { exitCode: code } });
  }
});

describe('an interrupt', () => {
  /** A server that takes its time; `asked` says how often it was asked. */
  async function slowServer(): Promise<{ url: string; asked(): number }> {
    let requests = 0;
    const server = createServer(() => {
      requests += 1;
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => {
      server.closeAllConnections();
      server.close();
    });
    return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked: () => requests };
  }

  /** Runs a command and interrupts it as soon as it is where it should be interrupted. */
  async function interrupted(dir: string, args: string[], signal: NodeJS.Signals, ready: () => boolean) {
    const child = spawn(process.execPath, [BIN, ...args], {
      cwd: dir,
      env: { PATH: process.env.PATH ?? '' },
    });
    let said = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (text: Buffer) => {
        said += text.toString();
      });
    }
    const watch = setInterval(() => {
      if (!ready()) return;
      clearInterval(watch);
      child.kill(signal);
    }, 20);
    const late = setTimeout(() => child.kill('SIGKILL'), 20_000);
    const code = await new Promise<number | null>((resolve) => child.on('close', resolve));
    clearTimeout(late);
    clearInterval(watch);
    return { code, said };
  }

  it.each(['SIGINT', 'SIGTERM'] as const)(
    '%s while a command waits: 130, and nothing was changed',
    async (signal) => {
      const { url, asked } = await slowServer();
      const dir = folder(`flag: { driver: webhook, url: '${url}', timeout: 60s, retries: 0 }
models: { a: b }`);
      for (const args of [['status'], ['canary', 'start', '--yes'], ['checkpoint', 'diff', '1']]) {
        if (args[0] === 'checkpoint') await cutoverJson(dir, ['checkpoint', 'create']);
        const before = asked();
        const { code, said } = await interrupted(dir, args, signal, () => asked() > before);
        expect([args, code, said]).toEqual([args, 130, expect.stringContaining('nothing was changed')]);
      }
      const held = await cutoverJson<{ lease: unknown }>(dir, ['lease']);
      expect(held.lease).toBeNull();
    },
    60_000,
  );

  it('during a canary run: 130, and the run leaves no trace', async () => {
    const { url, asked } = await slowServer();
    const dir = await started();
    const config = readFileSync(join(dir, 'cutover.yaml'), 'utf8');
    writeFileSync(join(dir, 'cutover.yaml'), config.replaceAll('http://127.0.0.1:9', url));
    const { code, said } = await interrupted(dir, ['canary', 'run'], 'SIGINT', () => asked() > 0);
    expect([code, said]).toEqual([130, expect.stringContaining('nothing was changed')]);
    const { entries } = await cutoverJson<{ entries: { event: string }[] }>(dir, ['history']);
    expect(entries.some(({ event }) => event === 'canary verdict')).toBe(false);
  });

  it('while a step runs: the step is finished, the next is not begun, 130', async () => {
    const dir = folder(`flag: { driver: exec, command: [sh, flag.sh], timeout: 30s, retries: 0 }
hooks: { notify: [{ driver: exec, command: [sh, -c, 'echo x >> told'] }] }`);
    writeFileSync(
      join(dir, 'flag.sh'),
      'if [ $1 = set ]; then touch begun; sleep 2; echo "$CUTOVER_FLAG_RATIO" > value; fi\ncat value 2>/dev/null\n:\n',
    );
    const { code, said } = await interrupted(dir, ['canary', 'start', '--yes'], 'SIGTERM', () =>
      existsSync(join(dir, 'begun')),
    );
    expect([code, said]).toEqual([
      130,
      expect.stringMatching(/Stopping after the running step[\s\S]*cutover resume/),
    ]);
    expect(readFileSync(join(dir, 'value'), 'utf8')).toBe('0.1\n');
    expect(existsSync(join(dir, 'told'))).toBe(false);
  });

  /** Runs in a terminal of its own; `send` is typed (or done) when it asks. */
  async function atPrompt(dir: string, args: string, answer: (child: ReturnType<typeof spawn>) => void) {
    const command = `${process.execPath} ${BIN} ${args}; echo "code $?"`;
    const child = spawn('script', ['-qec', command, '/dev/null'], {
      cwd: dir,
      env: { PATH: process.env.PATH ?? '', TERM: 'xterm' },
    });
    let said = '';
    let answered = false;
    child.stdout.on('data', (text: Buffer) => {
      said += text.toString();
      if (answered || !/Do this now|go on:/.test(said)) return;
      answered = true;
      answer(child);
    });
    const late = setTimeout(() => child.kill('SIGKILL'), 20_000);
    await new Promise((resolve) => child.on('close', resolve));
    clearTimeout(late);
    return said;
  }

  describe.skipIf(!installed({ name: 'a terminal', commands: ['script', 'pkill'] }))('at a prompt', () => {
    it.each([
      ['Ctrl-C', 'canary start', (child: ReturnType<typeof spawn>) => void child.stdin?.write('\u0003')],
      [
        'Ctrl-C',
        'shift 100% --force --reason x',
        (child: ReturnType<typeof spawn>) => void child.stdin?.write('\u0003'),
      ],
    ])('%s at `%s`: 130, and nothing was changed', async (_name, args, answer) => {
      const dir = args.startsWith('shift') ? await started() : folder();
      const said = await atPrompt(dir, args, answer);
      expect(said).toMatch(/nothing was changed/);
      expect(said).toMatch(/code 130/);
    });

    it('SIGTERM at a prompt: 130, and nothing was changed', async () => {
      const dir = folder();
      const said = await atPrompt(dir, 'canary start', (child) => {
        // The shell that `script` started has one child: the command.
        spawn('sh', ['-c', `for shell in $(pgrep -P ${child.pid}); do pkill -TERM -P $shell; done`]);
      });
      expect(said).toMatch(/nothing was changed/);
      expect(said).toMatch(/code 130/);
    });
  });
});
