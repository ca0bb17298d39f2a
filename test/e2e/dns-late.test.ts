import { spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { BIND, type BindBench, KEYS, startBind } from '../servers/bind.ts';
import { installed, pathOf } from '../servers/require.ts';
import { BIN, cutover, cutoverJson, makeFolder } from './cli.ts';

/** An update that is under way when its operation is killed, or overtaken, does not land behind a way back that is done. */

vi.setConfig({ testTimeout: 120_000 });

const FORCE = ['--force', '--reason', 'test'];
const CONFIRM = ['--confirm', 'chat-prod'];
const SHIFT = ['shift', '100%', ...FORCE, ...CONFIRM];
const BACK = ['rollback', '--to', '1', '--anyway', ...CONFIRM];
const EMERGENCY = ['rollback', '--emergency'];
const [LEGACY, TARGET] = ['192.0.2.1', '198.51.100.9'];
/** How long the update is under way. */
const SLOW_S = 3;

let serial = 0;

describe.skipIf(!installed(BIND))('an update that lands late', () => {
  let bench: BindBench;
  beforeAll(async () => {
    bench = await startBind();
  });
  afterAll(async () => {
    await bench?.stop();
  });
  const look = async (name: string) => (await bench.look(name, 'A')).join();

  /** A migration whose shift to 100 % has sent its update, which the server carries out seconds later. */
  async function underWay(first: string, more: { timeout?: string } = {}) {
    const name = `late${++serial}.example.test.`;
    await bench.put(name, 'A', 300, [LEGACY]);
    const record = { name, type: 'A', ttl: 30, legacy: LEGACY, target: TARGET };
    const dir = makeFolder();
    onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
    copyFileSync(join(bench.dir, KEYS.right), join(dir, KEYS.right));
    const config = readFileSync(join(dir, 'cutover.yaml'), 'utf8');
    const dns = [bench.entry([record], { retries: 0, ...more })];
    writeFileSync(join(dir, 'cutover.yaml'), `${config}hooks: ${JSON.stringify({ dns })}\n`);
    await cutoverJson(dir, ['canary', 'start', '--yes']);
    const bin = join(dir, 'bin');
    mkdirSync(bin);
    const script = `#!/bin/sh
update=$(cat)
touch ${join(dir, 'sent')}
${first}
sleep ${SLOW_S}
printf '%s\\n' "$update" | ${pathOf('nsupdate')} "$@"
touch ${join(dir, 'landed')}
`;
    writeFileSync(join(bin, 'nsupdate'), script, { mode: 0o755 });
    const child = spawn(process.execPath, [BIN, ...SHIFT], {
      cwd: dir,
      env: { PATH: `${bin}:${process.env.PATH}`, HOME: dir },
      stdio: 'ignore',
    });
    const ended = new Promise<number | null>((resolve) => child.on('close', resolve));
    await expect.poll(() => existsSync(join(dir, 'sent')), { timeout: 20_000 }).toBe(true);
    return { dir, name, ended };
  }
  const landed = (dir: string) =>
    expect.poll(() => existsSync(join(dir, 'landed')), { timeout: 20_000 }).toBe(true);

  it.each([
    ['a rollback', BACK],
    ['an emergency', EMERGENCY],
  ])('%s waits for that of a killed shift, and puts its record back', async (_name, way) => {
    const { dir, name, ended } = await underWay('kill -9 $PPID');
    await ended;
    const ran = await cutover(dir, way);
    expect(ran.code, ran.stdout + ran.stderr).toBe(0);
    expect(await look(name)).toBe(LEGACY);
    await landed(dir);
    expect(await look(name)).toBe(LEGACY);
    expect((await bench.exact(name)).join()).toMatch(/\s300\s/);
  });

  it.each([[['dns', 'apply']], [['dns', 'apply', '--keep']]])(
    '`%s` waits for that of a killed shift where the record is right until then',
    async (args) => {
      const { dir, name, ended } = await underWay('kill -9 $PPID');
      await ended;
      const ran = await cutover(dir, [...args, '--yes']);
      expect(ran.code, ran.stdout + ran.stderr).toBe(0);
      await landed(dir);
      expect(await look(name)).toBe(LEGACY);
    },
  );

  it.each([
    ['that it began by a clock that was a day ahead', 86_400_000, ''],
    ['that it began by a clock that was 15 s behind', -15_000, ''],
    ['and whose hook has less time by now', 0, 'timeout: 1s'],
  ])('a rollback waits for that of a killed shift %s', async (_name, aheadMs, time) => {
    const { dir, name, ended } = await underWay('kill -9 $PPID');
    await ended;
    const db = new Database(join(dir, '.cutover', 'state.db'));
    db.prepare("UPDATE steps SET started_at = started_at + ? WHERE outcome = 'running'").run(aheadMs);
    db.close();
    if (time) {
      const path = join(dir, 'cutover.yaml');
      const config = readFileSync(path, 'utf8');
      writeFileSync(path, config.replace('"retries":0', '"retries":0,"timeout":"1s"'));
    }
    const ran = await cutover(dir, BACK);
    expect(ran.code, ran.stdout + ran.stderr).toBe(0);
    await landed(dir);
    expect(await look(name)).toBe(LEGACY);
  });

  it('a rollback waits for that of a shift that got no answer in its time', async () => {
    // What is on its way to the server is out of reach of whoever stops waiting for it.
    const sent = `setsid sh -c 'sleep ${SLOW_S}; printf "%s\\n" "$0" | ${pathOf('nsupdate')} "$@"; touch landed' "$update" "$@" & exec sleep 60`;
    const { dir, name, ended } = await underWay(sent, { timeout: '2s' });
    expect(await ended).toBe(4);
    const ran = await cutover(dir, BACK);
    expect(ran.code, ran.stdout + ran.stderr).toBe(0);
    await landed(dir);
    expect(await look(name)).toBe(LEGACY);
  });

  it('is sent once in each try: of what is repeated unseen nobody could know that it lands', async () => {
    const real = Number(String(bench.entry([]).server).split(':').at(-1));
    let updates = 0;
    const front = createSocket('udp4', (message, from) => {
      // The opcode UPDATE (RFC 2136) is 5.
      if ((((message[2] ?? 0) >> 3) & 15) === 5) return void updates++;
      const back = createSocket('udp4', (answer) => {
        front.send(answer, from.port, from.address);
        back.close();
      });
      back.send(message, real, '127.0.0.1');
    });
    await new Promise<void>((resolve) => front.bind(0, '127.0.0.1', resolve));
    onTestFinished(() => void front.close());
    const name = `late${++serial}.example.test.`;
    await bench.put(name, 'A', 300, [LEGACY]);
    const dir = makeFolder();
    onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
    copyFileSync(join(bench.dir, KEYS.right), join(dir, KEYS.right));
    const config = readFileSync(join(dir, 'cutover.yaml'), 'utf8');
    const record = { name, type: 'A', ttl: 30, legacy: LEGACY, target: TARGET };
    const server = `127.0.0.1:${front.address().port}`;
    const dns = [bench.entry([record], { server, timeout: '5s', retries: 0 })];
    writeFileSync(join(dir, 'cutover.yaml'), `${config}hooks: ${JSON.stringify({ dns })}\n`);
    await cutoverJson(dir, ['canary', 'start', '--yes']);
    expect((await cutover(dir, SHIFT)).code).toBe(4);
    expect(updates).toBe(1);
  });

  it('a resume waits for that of its killed run, which had more time: nothing lands behind a rollback', async () => {
    const { dir, name, ended } = await underWay('kill -9 $PPID');
    await ended;
    const path = join(dir, 'cutover.yaml');
    writeFileSync(path, readFileSync(path, 'utf8').replace('"retries":0', '"retries":0,"timeout":"1s"'));
    const resumed = await cutover(dir, ['resume', '--yes', ...CONFIRM]);
    expect(resumed.code, resumed.stdout + resumed.stderr).toBe(0);
    const ran = await cutover(dir, BACK);
    expect(ran.code, ran.stdout + ran.stderr).toBe(0);
    await landed(dir);
    expect(await look(name)).toBe(LEGACY);
  });

  it('an emergency beside a locked database waits for that of a killed shift', async () => {
    const { dir, name, ended } = await underWay('kill -9 $PPID');
    await ended;
    const db = new Database(join(dir, '.cutover', 'state.db'));
    onTestFinished(() => void db.close());
    db.exec('BEGIN EXCLUSIVE');
    const ran = await cutover(dir, EMERGENCY);
    expect(ran.code, ran.stdout + ran.stderr).toBe(0);
    await landed(dir);
    expect(await look(name)).toBe(LEGACY);
  });

  it('an emergency waits for that of a shift which it has overtaken', async () => {
    const { dir, name, ended } = await underWay('');
    const ran = await cutover(dir, EMERGENCY);
    expect(ran.code, ran.stdout + ran.stderr).toBe(0);
    expect(existsSync(join(dir, 'landed'))).toBe(true);
    expect(await look(name)).toBe(LEGACY);
    expect(await ended).toBe(75);
    expect(await look(name)).toBe(LEGACY);
  });

  it('a rollback that was killed after its update can be taken forward again', async () => {
    const { dir, name, ended } = await underWay('');
    expect(await ended).toBe(0);
    expect(await look(name)).toBe(TARGET);
    const bin = join(dir, 'bin');
    writeFileSync(join(bin, 'nsupdate'), `#!/bin/sh\n${pathOf('nsupdate')} "$@"\nkill -9 $PPID\n`, {
      mode: 0o755,
    });
    const { signal } = await cutover(dir, BACK, { env: { PATH: `${bin}:${process.env.PATH}` } });
    expect([signal, await look(name)]).toEqual(['SIGKILL', LEGACY]);
    const complete = (
      await cutoverJson<{ checkpoints: { id: number; status: string }[] }>(dir, ['checkpoint', 'list'])
    ).checkpoints.find(({ status }) => status === 'complete');
    const forth = await cutover(dir, [
      'rollback',
      '--to',
      String(complete?.id),
      ...FORCE,
      '--anyway',
      ...CONFIRM,
    ]);
    expect(forth.code, forth.stdout + forth.stderr).toBe(0);
    expect(await look(name)).toBe(TARGET);
  });
});
