import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { startOpenAiServer } from '../servers/start.ts';
import { BIN, cutover, cutoverJson, makeFolder, type Ran, type StatusDocument } from './cli.ts';
import { prepared } from './prepared.ts';

/**
 * Who holds the lease, seen from where the holder's process cannot be seen: from another PID namespace, with a clock
 * that is wrong, from another host. All for real: namespaces by unshare, clocks by faketime.
 */

const FORCE = ['--yes', '--force', '--reason', 'test'];
const CONTAINER = ['unshare', '--uts', '--pid', '--fork', '--kill-child', '--mount-proc'];
const ELSEWHERE = [...CONTAINER, 'sh', '-c', 'hostname elsewhere; exec "$@"', 'sh'];

/** Runs what follows with its clock set off. faketime's own wrapper cannot be pid 1 twice, its library can. */
const clock = (offset: string) => ['env', `LD_PRELOAD=${library}`, `FAKETIME=${offset}`];
let library = '';

function canIsolate(): boolean {
  try {
    execFileSync('unshare', [...CONTAINER.slice(1), 'true'], { stdio: 'pipe' });
    library = execFileSync('faketime', ['-f', '+0s', 'printenv', 'LD_PRELOAD'], { encoding: 'utf8' }).trim();
    return true;
  } catch (error) {
    if (process.env.CUTOVER_REQUIRE_SERVERS === '1') throw error;
    process.stderr.write('SKIPPED: leases across namespaces and clocks: needs unshare and faketime\n');
    return false;
  }
}

/** The flag's script keeps a log of what it was set to; an operation waits in its notify hook for the file `go`. */
const CONFIG = `
flag: { driver: exec, command: [sh, flag.sh], retries: 0 }
hooks:
  notify: [{ driver: exec, command: [sh, -c, 'cat > /dev/null; touch told; until [ -e go ]; do sleep 0.1; done'], timeout: 60s, retries: 0 }]
`;

const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const cleanup of cleanups.splice(0).reverse()) cleanup();
});

/** A migration at 10 %. */
async function made(): Promise<string> {
  const dir = makeFolder(CONFIG);
  writeFileSync(
    join(dir, 'flag.sh'),
    '[ $1 = get ] && { cat ratio; exit; }; echo $CUTOVER_FLAG_RATIO >> sets; echo $CUTOVER_FLAG_RATIO > ratio\n',
  );
  writeFileSync(join(dir, 'ratio'), '0\n');
  writeFileSync(join(dir, 'go'), '');
  await cutoverJson(dir, ['canary', 'start', '--yes']);
  for (const name of ['go', 'told', 'sets']) rmSync(join(dir, name));
  return dir;
}
const folder = prepared(made);

function run(dir: string, wrapper: string[], args: string[]): { child: ChildProcess; ended: Promise<Ran> } {
  const [command, ...rest] = [...wrapper, process.execPath, BIN, ...args] as [string, ...string[]];
  const child = spawn(command, rest, {
    cwd: dir,
    env: { PATH: process.env.PATH ?? '', HOME: dir },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const ended = new Promise<Ran>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => resolve({ code, signal, stdout, stderr }));
  });
  return { child, ended };
}

/** Begins a shift to 25 % that has set the flag and holds the lease in its notify hook. */
async function holding(dir: string, wrapper: string[]) {
  const holder = run(dir, wrapper, ['shift', '25%', ...FORCE]);
  cleanups.push(() => void holder.child.kill('SIGKILL'));
  for (let tries = 0; !existsSync(join(dir, 'told')); tries++) {
    expect(holder.child.exitCode, 'the shift ended').toBeNull();
    expect(tries, 'the shift never told anyone').toBeLessThan(400);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return holder;
}

const sets = (dir: string) => readFileSync(join(dir, 'sets'), 'utf8').trim().split('\n');
const SECOND = ['rollback', '--yes', '--anyway'];

it('a change that waits ends when traffic is led back meanwhile: nothing lifts it by itself', async () => {
  const dir = await folder();
  const holder = await holding(dir, []);
  const waiter = run(dir, [], ['canary', 'start', ...FORCE, '--wait', '60s']);
  let noted = '';
  waiter.child.stderr?.on('data', (text: string) => {
    noted += text;
  });
  await expect.poll(() => noted, { timeout: 20_000 }).toContain('waiting');
  const emergency = run(dir, [], ['rollback', '--emergency']);
  const began = async () =>
    (await cutoverJson<{ entries: { event: string }[] }>(dir, ['history'])).entries.some(
      ({ event }) => event === 'emergency began',
    );
  await expect.poll(began, { timeout: 20_000 }).toBe(true);
  writeFileSync(join(dir, 'go'), '');
  const [shifted, back, waited] = await Promise.all([holder.ended, emergency.ended, waiter.ended]);
  expect([shifted.code, back.code], back.stdout + back.stderr).toEqual([75, 0]);
  expect(back.stdout).toContain('safe: ');
  expect(waited.code, waited.stdout + waited.stderr).toBe(75);
  expect(waited.stderr).toMatch(/the emergency op-\S+ of \S+ has begun\s+while\s+this\s+waited/);
  expect(readFileSync(join(dir, 'ratio'), 'utf8').trim()).toBe('0');
});

const isolates = canIsolate();

async function ownFolder(): Promise<string> {
  const dir = await made();
  cleanups.push(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

async function keptWhileItBeats(): Promise<void> {
  const dir = await ownFolder();
  const holder = await holding(dir, ELSEWHERE);
  const second = run(dir, clock('+60s'), [...SECOND, '--wait', '35s']);
  expect((await second.ended).code).toBe(75);
  expect(sets(dir)).toEqual(['0.25']);
  writeFileSync(join(dir, 'go'), '');
  expect(await holder.ended).toMatchObject({ code: 0 });
}

/** Kept at first, too. */
async function takenByResume(): Promise<void> {
  const dir = await ownFolder();
  const holder = await holding(dir, ELSEWHERE);
  holder.child.kill('SIGKILL');
  await holder.ended;
  writeFileSync(join(dir, 'go'), '');
  const refused = await cutover(dir, ['resume']);
  expect(refused.code, refused.stderr).toBe(75);
  expect(refused.stderr).toContain('--wait 1m');
  expect(await cutoverJson(dir, ['lease'])).toMatchObject({
    lease: { host: 'elsewhere', state: 'unknown', stale: false },
  });
  const started = performance.now();
  const taken = await cutover(dir, ['resume', '--wait', '1m']);
  expect(taken.code, taken.stderr).toBe(0);
  expect(performance.now() - started).toBeGreaterThan(29_000);
  expect(await cutoverJson<StatusDocument>(dir, ['status'])).toMatchObject({
    ratio: 0.25,
    unfinished: null,
  });
}

/** A dead holder does not keep a failed target in traffic. */
async function takenByAutoRollback(): Promise<void> {
  const dir = await ownFolder();
  const config = readFileSync(join(dir, 'cutover.yaml'), 'utf8');
  const [legacy, target] = await Promise.all([
    startOpenAiServer('legacy'),
    startOpenAiServer('target', ['--error-rate', '1']),
  ]);
  cleanups.push(
    () => void legacy.stop(),
    () => void target.stop(),
  );
  const holder = await holding(dir, ELSEWHERE);
  // Its flag and its state are as it wanted them; it dies in its notify hook.
  holder.child.kill('SIGKILL');
  await holder.ended;
  writeFileSync(join(dir, 'go'), '');
  writeFileSync(
    join(dir, 'cutover.yaml'),
    `${config.replace('http://127.0.0.1:9', legacy.url).replace('http://127.0.0.1:9', target.url)}models: { a: b }\n`,
  );
  // One run alone proves nothing, however bad it was.
  expect((await cutover(dir, ['canary', 'check'])).code).toBe(3);
  const ran = await cutover(dir, ['canary', 'check', '--auto-rollback']);
  expect(ran.stdout).toContain('FAIL');
  expect(ran.stderr).toContain('waiting:');
  expect(ran.code, ran.stderr).toBe(2);
  expect(await cutoverJson<StatusDocument>(dir, ['status'])).toMatchObject({
    ratio: 0,
    flag: { ratio: 0 },
  });
}

describe.runIf(isolates)('a lease', () => {
  it.each([
    ['whose holder is in another PID namespace', CONTAINER, []],
    ['for a command in another PID namespace than its holder', [], CONTAINER],
    ['for a reader whose clock is 60 s ahead, its holder elsewhere', ELSEWHERE, clock('+60s')],
    ['whose holder is elsewhere and its clock 60 s behind', [...ELSEWHERE, ...clock('-60s')], []],
  ])('%s, is not taken from it, and the flag is not set twice', async (_name, theirs, ours) => {
    const dir = await folder();
    const holder = await holding(dir, theirs);
    const second = await run(dir, ours, SECOND).ended;
    expect(second.code, second.stderr).toBe(75);
    expect(second.stderr).toContain('is running operation');
    expect(second.stderr).toContain('cannot be seen from here');
    expect(sets(dir)).toEqual(['0.25']);
    writeFileSync(join(dir, 'go'), '');
    expect(await holder.ended).toMatchObject({ code: 0 });
    expect(sets(dir)).toEqual(['0.25']);
    expect(await cutoverJson<StatusDocument>(dir, ['status'])).toMatchObject({
      ratio: 0.25,
      unfinished: null,
    });
  });

  it('is kept while its holder elsewhere lives, however long others wait, and taken once its heart stood still', async () => {
    // Each waits for half a minute.
    await Promise.all([keptWhileItBeats(), takenByResume(), takenByAutoRollback()]);
  }, 150_000);

  it('of a holder here that was killed: gone at once', async () => {
    const dir = await folder();
    const holder = await holding(dir, []);
    holder.child.kill('SIGKILL');
    await holder.ended;
    expect(await cutoverJson(dir, ['lease'])).toMatchObject({ lease: { state: 'gone', stale: true } });
    writeFileSync(join(dir, 'go'), '');
    expect((await cutover(dir, ['resume'])).code).toBe(0);
  });
});
