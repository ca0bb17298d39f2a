import { spawn } from 'node:child_process';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { BIN, cutover, cutoverJson, makeFolder } from './cli.ts';

/** The call of a DNS hook that cannot be read: that of a killed or overtaken step does not have the last word. */

vi.setConfig({ testTimeout: 60_000 });

const SHIFT = ['shift', '100%', '--force', '--reason', 'test', '--confirm', 'chat-prod'];
const BACK = ['rollback', '--to', '1', '--anyway', '--confirm', 'chat-prod'];
const EMERGENCY = ['rollback', '--emergency'];

/** A migration whose shift to 100 % is at its hook, and how the shift ends. */
async function underWay(hook: object, kill: boolean, prepare: (dir: string) => void = () => {}) {
  const dir = makeFolder(`hooks: ${JSON.stringify({ dns: [hook] })}\n`);
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  prepare(dir);
  await cutoverJson(dir, ['canary', 'start', '--yes']);
  const child = spawn(process.execPath, [BIN, ...SHIFT], {
    cwd: dir,
    env: { PATH: process.env.PATH, HOME: dir },
    stdio: 'ignore',
  });
  const ended = new Promise<number | null>((resolve) => child.on('close', resolve));
  await expect.poll(() => existsSync(join(dir, 'begun')), { timeout: 20_000 }).toBe(true);
  if (kill) child.kill('SIGKILL');
  return { dir, ended };
}

const route = (body: string) => (dir: string) =>
  writeFileSync(
    join(dir, 'route.sh'),
    `[ $CUTOVER_OPERATION_KIND = shift ] && { echo $$ > pid; touch begun; ${body}; }\necho $CUTOVER_PROVIDER >> where\n`,
  );
/** Until another operation has called the hook, and a moment longer. */
const LATE = 'i=0; until [ -e where ] || [ $i -ge 150 ]; do i=$((i+1)); sleep 0.1; done; sleep 1';
const words = (dir: string) => readFileSync(join(dir, 'where'), 'utf8').trim().split('\n');
const exec = (timeout: string) => ({ driver: 'exec', command: ['sh', 'route.sh'], timeout, retries: 0 });

describe('a command that is under way', () => {
  it.each([
    ['a killed shift, by a rollback', true, BACK],
    ['a killed shift, by an emergency', true, EMERGENCY],
    ['an overtaken shift, by an emergency', false, EMERGENCY],
  ])('of %s: is waited for, and the hook is told once more', async (_name, kill, way) => {
    const { dir, ended } = await underWay(exec('20s'), kill, route(LATE));
    const ran = await cutover(dir, way);
    expect(ran.code, ran.stdout + ran.stderr).toBe(0);
    expect(ran.stderr).toMatch(
      /waiting at most \d\d? s for what another operation may still do at dns\[0\] exec sh/,
    );
    expect(words(dir)).toEqual(['legacy', 'target', 'legacy']);
    expect(await ended).toBe(kill ? null : 75);
    expect(words(dir)).toHaveLength(3);
  });

  it.each([
    ['a rollback', BACK],
    ['an emergency', EMERGENCY],
  ])('of a killed shift that was resumed: is over before %s that follows', async (_name, way) => {
    const { dir } = await underWay(exec('20s'), true, route('[ -e first ] || { touch first; sleep 5; }'));
    const resumed = await cutover(dir, ['resume', '--yes', '--confirm', 'chat-prod']);
    expect(resumed.code, resumed.stdout + resumed.stderr).toBe(0);
    expect((await cutover(dir, way)).code).toBe(0);
    expect(words(dir)).toEqual(['target', 'target', 'legacy']);
    await new Promise((resolve) => setTimeout(resolve, 5500));
    expect(words(dir).at(-1)).toBe('legacy');
  });

  it.each([
    ['a rollback', BACK],
    ['an emergency', EMERGENCY],
  ])('of a killed shift, which cannot be seen: is outlasted by %s', async (_name, way) => {
    const unseen = 'exec env -i PATH="$PATH" sh -c "sleep 3; echo target >> where"';
    const { dir } = await underWay(exec('5s'), true, route(unseen));
    const ran = await cutover(dir, way);
    expect(ran.code, ran.stdout + ran.stderr).toBe(0);
    expect(words(dir)).toEqual(['legacy', 'target', 'legacy']);
  });

  it('of a killed shift: is waited for by an emergency beside a locked database, too', async () => {
    const { dir } = await underWay(exec('20s'), true, route(LATE));
    const db = new Database(join(dir, '.cutover', 'state.db'));
    onTestFinished(() => void db.close());
    db.exec('BEGIN EXCLUSIVE');
    const ran = await cutover(dir, [...EMERGENCY, '--json']);
    expect([ran.code, JSON.parse(ran.stdout)], ran.stderr).toMatchObject([0, { dnsFrom: 'journal' }]);
    expect(words(dir)).toEqual(['legacy', 'target', 'legacy']);
  });

  it('and does not end in its time is named: the way back is not done until it is gone', async () => {
    const { dir } = await underWay(exec('1s'), true, route('exec sleep 60'));
    const pid = Number(readFileSync(join(dir, 'pid'), 'utf8'));
    onTestFinished(() => {
      if (existsSync(`/proc/${pid}`)) process.kill(pid);
    });
    const ran = await cutover(dir, [...EMERGENCY, '--json']);
    expect(ran.code).toBe(4);
    expect(JSON.parse(ran.stdout)).toMatchObject({
      steps: expect.arrayContaining([
        expect.objectContaining({
          code: 'DNS_UNDER_WAY',
          error: expect.stringContaining(`process ${pid}`),
        }),
      ]),
    });
    process.kill(pid);
    expect((await cutover(dir, ['resume'])).code).toBe(0);
    expect((await cutover(dir, ['status', '--check'])).code).toBe(0);
  });

  it('of a hook that has left the config is named, and nobody is taken at their word before it is gone', async () => {
    const { dir } = await underWay(exec('2s'), true, route('exec sleep 60'));
    const pid = Number(readFileSync(join(dir, 'pid'), 'utf8'));
    onTestFinished(() => {
      if (existsSync(`/proc/${pid}`)) process.kill(pid);
    });
    const config = readFileSync(join(dir, 'cutover.yaml'), 'utf8');
    writeFileSync(join(dir, 'cutover.yaml'), config.replace(/hooks: .*\n/, ''));
    const running = expect.stringMatching(
      new RegExp(
        `the\\s+command\\s+of\\s+the\\s+shift\\s+op-\\S+\\s+still\\s+runs\\s+\\(process\\s+${pid}\\)`,
      ),
    );
    const keep = () => cutover(dir, ['dns', 'apply', '--keep', '--yes']);
    for (const ran of [await cutover(dir, BACK), await keep()]) {
      expect([ran.code, ran.stderr]).toEqual([4, running]);
    }
    process.kill(pid);
    const kept = await keep();
    expect(kept.code, kept.stdout + kept.stderr).toBe(0);
    expect((await cutover(dir, ['status', '--check'])).code).toBe(0);
  });

  it('of an overtaken shift is not called again for another try', async () => {
    const { dir, ended } = await underWay(
      { ...exec('20s'), retries: 3 },
      false,
      route('echo x >> calls; sleep 2; exit 1'),
    );
    expect((await cutover(dir, EMERGENCY)).code).toBe(0);
    expect(await ended).toBe(75);
    expect(readFileSync(join(dir, 'calls'), 'utf8')).toBe('x\n');
  });
});

it.each([
  ['', 0],
  [', by whatever clock it began', 86_400_000],
])(
  'a call over HTTP that is under way is waited for%s, and the hook is called once more, by another key',
  async (_name, aheadMs) => {
    const where: string[] = [];
    const keys = new Set<unknown>();
    let begun = () => {};
    const server = createServer(async (request, response) => {
      let body = '';
      for await (const chunk of request) body += String(chunk);
      const { provider, operation } = JSON.parse(body) as { provider: string; operation: { kind: string } };
      if (operation.kind === 'shift') {
        begun();
        await vi.waitUntil(() => where.includes('legacy'), { timeout: 15_000 });
        await new Promise((resolve) => setTimeout(resolve, 1000));
      }
      const key = request.headers['idempotency-key'];
      if (!keys.has(key)) where.push(provider);
      keys.add(key);
      response.end('{}');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void server.close());
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const hook = { driver: 'webhook', url, timeout: '4s', retries: 0 };
    let folder = '';
    begun = () => writeFileSync(join(folder, 'begun'), '');
    const { dir } = await underWay(hook, true, (dir) => {
      folder = dir;
    });
    const db = new Database(join(dir, '.cutover', 'state.db'));
    db.prepare("UPDATE steps SET started_at = started_at + ? WHERE outcome = 'running'").run(aheadMs);
    db.close();
    const ran = await cutover(dir, BACK);
    expect(ran.code, ran.stdout + ran.stderr).toBe(0);
    expect(where).toEqual(['legacy', 'target', 'legacy']);
  },
);

describe('a request that got no answer', () => {
  /** A hook whose calls do what `plan` says, in order: they are carried out after so many milliseconds, or refused. */
  async function slowHook(plan: (number | 'refused')[]) {
    const where: string[] = [];
    const server = createServer(async (request, response) => {
      let body = '';
      for await (const chunk of request) body += String(chunk);
      const { provider } = JSON.parse(body) as { provider: string };
      const next = plan.shift() ?? 0;
      if (next === 'refused') return void response.writeHead(500).end('{}');
      if (next > 0) writeFileSync(join(folder.dir, 'begun'), '');
      await new Promise((resolve) => setTimeout(resolve, next));
      where.push(provider);
      response.end('{}');
    });
    const folder = { dir: '' };
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void server.close());
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    return { where, hook: { driver: 'webhook', url, timeout: '2s', retries: 0 }, folder };
  }

  it('of a killed shift whose resume is refused at once lands before a rollback that follows', async () => {
    const { where, hook, folder } = await slowHook([2500, 'refused']);
    const { dir } = await underWay(hook, true, (made) => {
      folder.dir = made;
    });
    expect((await cutover(dir, ['resume', '--yes', '--confirm', 'chat-prod'])).code).toBe(4);
    expect((await cutover(dir, BACK)).code).toBe(0);
    expect(where).toEqual(['target', 'legacy']);
  });

  it('at a first try, with an answer to the second, is outlasted', async () => {
    const { where, hook, folder } = await slowHook([4500]);
    const { dir, ended } = await underWay({ ...hook, retries: 1 }, false, (made) => {
      folder.dir = made;
    });
    expect(await ended).toBe(0);
    expect((await cutover(dir, EMERGENCY)).code).toBe(0);
    expect(where.slice(-2)).toEqual(['target', 'legacy']);
    expect(where.filter((provider) => provider === 'target')).toHaveLength(2);
  });

  it('of a killed resume that had more time than its shift is outlasted', async () => {
    const { where, hook, folder } = await slowHook([500, 6000]);
    const { dir } = await underWay(hook, true, (made) => {
      folder.dir = made;
    });
    const config = join(dir, 'cutover.yaml');
    const text = readFileSync(config, 'utf8');
    writeFileSync(config, text.replace('"2s"', '"8s"'));
    rmSync(join(dir, 'begun'));
    const args = [BIN, 'resume', '--yes', '--confirm', 'chat-prod'];
    const child = spawn(process.execPath, args, { cwd: dir, stdio: 'ignore' });
    await expect.poll(() => existsSync(join(dir, 'begun')), { timeout: 20_000 }).toBe(true);
    child.kill('SIGKILL');
    writeFileSync(config, text);
    expect((await cutover(dir, BACK)).code).toBe(0);
    expect(where).toEqual(['target', 'legacy', 'target', 'legacy']);
  });
});

it('a way back that led to target has outlasted nothing that leads there', async () => {
  const { dir } = await underWay(exec('20s'), false, route('[ -e slow ] && { rm slow; sleep 4; }'));
  await expect.poll(() => existsSync(join(dir, 'where')), { timeout: 20_000 }).toBe(true);
  await expect
    .poll(async () => (await cutover(dir, ['status', '--check'])).code, { timeout: 20_000 })
    .toBe(0);
  expect((await cutover(dir, BACK)).code).toBe(0);
  await cutoverJson(dir, ['canary', 'start', '--yes', '--force', '--reason', 'test']);
  rmSync(join(dir, 'begun'));
  writeFileSync(join(dir, 'slow'), '');
  const child = spawn(process.execPath, [BIN, ...SHIFT], { cwd: dir, stdio: 'ignore' });
  await expect.poll(() => !existsSync(join(dir, 'slow')), { timeout: 20_000 }).toBe(true);
  child.kill('SIGKILL');
  const { checkpoints } = await cutoverJson<{ checkpoints: { id: number; activeProvider: string }[] }>(dir, [
    'checkpoint',
    'list',
  ]);
  const target = checkpoints.find(({ activeProvider }) => activeProvider === 'target');
  const forth = [
    'rollback',
    '--anyway',
    '--to',
    `${target?.id}`,
    '--force',
    '--reason',
    'test',
    '--confirm',
    'chat-prod',
  ];
  const led = await cutover(dir, forth);
  expect(led.code, led.stderr).toBe(0);
  expect((await cutover(dir, BACK)).code).toBe(0);
  expect(words(dir).slice(-2)).toEqual(['target', 'legacy']);
});

it('`dns apply` tells a hook that cannot be read once more where that is what is left', async () => {
  const { dir } = await underWay(exec('1s'), true, route('exec sleep 60'));
  const pid = Number(readFileSync(join(dir, 'pid'), 'utf8'));
  onTestFinished(() => {
    if (existsSync(`/proc/${pid}`)) process.kill(pid);
  });
  expect((await cutover(dir, BACK)).code).toBe(4);
  for (const more of [[], ['--keep']]) {
    const ran = await cutover(dir, ['dns', 'apply', '--yes', ...more]);
    expect([ran.code, ran.stderr.replace(/\s+/g, ' ')]).toEqual([
      4,
      expect.stringContaining(`still runs (process ${pid})`),
    ]);
  }
  process.kill(pid);
  expect((await cutover(dir, ['resume', '--yes'])).code).toBe(0);
  expect((await cutover(dir, ['status', '--check'])).code).toBe(0);
});
