import { spawn } from 'node:child_process';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { BIN, cutover, cutoverJson, makeFolder, type Ran, type StatusDocument } from './cli.ts';
import { prepared } from './prepared.ts';

/** `rollback --over`: a row of operations that never lifts traffic, whatever happens between two of them. */

const FORCE = ['--yes', '--force', '--reason', 'test'];

/** A store that keeps no tokens and takes whatever it is told, with a log of it. */
const STORE = 'flag: { driver: exec, command: [sh, flag.sh], retries: 0 }\n';
const SCRIPT = `if [ $1 = get ]; then cat ratio; exit; fi
if [ -e broken ]; then exit 1; fi
echo $CUTOVER_FLAG_RATIO >> sets; echo $CUTOVER_FLAG_RATIO > ratio.new; mv ratio.new ratio
`;

/** Makes a migration that stands at 50 %, started at `canary`. */
async function make(canary = '1%', flag = STORE): Promise<string> {
  const dir = makeFolder(flag);
  writeFileSync(join(dir, 'flag.sh'), SCRIPT);
  writeFileSync(join(dir, 'ratio'), '0\n');
  await cutoverJson(dir, ['canary', 'start', '--yes', '--ratio', canary]);
  await cutoverJson(dir, ['shift', '50%', ...FORCE]);
  rmSync(join(dir, 'sets'), { force: true });
  return dir;
}
const at50 = prepared(make);
const at50From5 = prepared(() => make('5%'));
const at50InAFile = prepared(() => make('1%', ''));

const sets = (dir: string) => readFileSync(join(dir, 'sets'), 'utf8').trim().split('\n').map(Number);
const status = (dir: string) => cutoverJson<StatusDocument>(dir, ['status']);
const OVER = ['rollback', '--yes', '--anyway', '--over'];

async function until(what: string, done: () => boolean): Promise<void> {
  for (let tries = 0; !done(); tries++) {
    expect(tries, `never: ${what}`).toBeLessThan(800);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}
/** Begins a gradual rollback and waits until its first rung is done. */
async function gradually(dir: string, over: string) {
  const child = spawn(process.execPath, [BIN, ...OVER, over], {
    cwd: dir,
    env: { PATH: process.env.PATH ?? '', HOME: dir },
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
  await until('the first rung', () => /^chat-prod: 25 %$/m.test(said.stderr));
  return { child, ended };
}

function expectFalling(ratios: number[]): void {
  for (const [i, ratio] of ratios.entries()) {
    if (i > 0) expect(ratio, ratios.join(' ')).toBeLessThanOrEqual(ratios[i - 1] as number);
  }
}

describe('a gradual rollback', () => {
  it('takes the rungs in between, spread over the time, and tells where it came from', async () => {
    const dir = await at50From5();
    const started = performance.now();
    const ran = await cutover(dir, [...OVER, '2s', '--json']);
    const took = performance.now() - started;
    expect(ran.code, ran.stderr).toBe(0);
    expect(sets(dir)).toEqual([0.25, 0.1, 0.05]);
    expect(took).toBeGreaterThan(2000);
    const document = JSON.parse(ran.stdout);
    expect(document).toMatchObject({ from: { ratio: 0.5 }, to: { ratio: 0.05, status: 'canary' } });
    expect(document.rungs.map(({ ratio }: { ratio: number }) => ratio)).toEqual([0.25, 0.1, 0.05]);
    expect(await status(dir)).toMatchObject({ ratio: 0.05, status: 'canary', drift: [], unfinished: null });
    // What it prints leads back to where it began.
    await cutoverJson(dir, ['rollback', '--to', String(document.checkpoint), '--anyway', ...FORCE]);
    expect(await status(dir)).toMatchObject({ ratio: 0.5 });
  });

  it('shows its rungs in a dry run and changes nothing', async () => {
    const dir = await at50From5();
    const { rungs } = await cutoverJson<{ rungs: { to: { ratio: number } }[] }>(dir, [
      ...OVER,
      '2s',
      '--dry-run',
    ]);
    expect(rungs.map(({ to }) => to.ratio)).toEqual([0.25, 0.1, 0.05]);
    expect((await cutover(dir, [...OVER, '2s', '--dry-run'])).stdout).toContain('25 %, 10 %, 5 %');
    expect(existsSync(join(dir, 'sets'))).toBe(false);
  });

  it.each([
    ['an exec flag', at50],
    ['a flag in a file', at50InAFile],
  ])('ends with 75 after an emergency, and lifts nothing (%s)', async (_name, folder) => {
    const dir = await folder();
    const gradual = await gradually(dir, '60s');
    const emergency = await cutover(dir, ['rollback', '--emergency']);
    expect(emergency.code, emergency.stderr).toBe(0);
    const seen: number[] = [];
    const timer = setInterval(() => seen.push(flagOf(dir)), 5);
    const ran = await gradual.ended;
    clearInterval(timer);
    expect(Math.max(0, ...seen)).toBe(0);
    expect(ran.code, ran.stderr).toBe(75);
    expect(ran.stderr).toMatch(/emergency op-\S+ by \S+@/);
    expect(ran.stderr).toContain('25 %');
    expect(await status(dir)).toMatchObject({ status: 'rollback', ratio: 0, flag: { ratio: 0 }, drift: [] });
  });

  it('ends with 75 after a shift, and says whose', async () => {
    const dir = await at50();
    const gradual = await gradually(dir, '60s');
    await cutoverJson(dir, ['shift', '10%', '--yes']);
    const ran = await gradual.ended;
    expect(ran.code, ran.stderr).toBe(75);
    expect(ran.stderr).toMatch(/shift op-\S+ by \S+@/);
    expect(sets(dir)).toEqual([0.25, 0.1]);
  });

  it.each([0, 0.05, 0.6])('ends with 75 when somebody edited the flag to %s by hand', async (ratio) => {
    const dir = await at50();
    const gradual = await gradually(dir, '9s');
    writeFileSync(join(dir, 'ratio'), `${ratio}\n`);
    const ran = await gradual.ended;
    expect(ran.code, ran.stderr).toBe(75);
    expect(ran.stderr).toContain(
      `it was set by somebody else (its store does not keep by whom): the flag says ${ratio * 100} %`,
    );
    expect(sets(dir)).toEqual([0.25]);
    expect(flagOf(dir)).toBe(ratio);
  });

  it('a second one at the same time: one goes on, the other says who', async () => {
    const dir = await at50();
    const both = [cutover(dir, [...OVER, '2s']), cutover(dir, [...OVER, '2s'])];
    const [first, second] = (await Promise.all(both)) as [Ran, Ran];
    expect([first.code, second.code].sort(), first.stderr + second.stderr).toEqual([0, 75]);
    expectFalling(sets(dir));
    expect(await status(dir)).toMatchObject({
      ratio: 0.01,
      flag: { ratio: 0.01 },
      drift: [],
      unfinished: null,
    });
  });

  it('begins below a flag that was set lower by hand, and is refused when its end is above', async () => {
    const dir = await at50();
    writeFileSync(join(dir, 'ratio'), '0.07\n');
    expect((await cutover(dir, [...OVER, '200ms'])).code).toBe(0);
    expect(sets(dir)).toEqual([0.05, 0.01]);

    const other = await at50From5();
    writeFileSync(join(other, 'ratio'), '0.02\n');
    const ran = await cutover(other, [...OVER, '200ms']);
    expect(ran.code, ran.stderr).toBe(75);
    expect(ran.stderr).toContain('2 %');
    expect(existsSync(join(other, 'sets'))).toBe(false);
  });

  it('stopped by Ctrl-C: says where, and how to go on', async () => {
    const dir = await at50();
    const gradual = await gradually(dir, '1h');
    gradual.child.kill('SIGINT');
    const { code, stderr } = await gradual.ended;
    expect(code).not.toBe(0);
    expect(stderr).toContain('stopped at 25 %');
    const goOn = /`cutover (rollback --to \d+ --over 1h)`/.exec(stderr)?.[1] as string;
    expect(await status(dir)).toMatchObject({ ratio: 0.25, unfinished: null, drift: [] });
    const ran = await cutover(dir, [...goOn.replace('1h', '1s').split(' '), '--yes', '--anyway']);
    expect(ran.code, ran.stderr).toBe(0);
    expect(sets(dir)).toEqual([0.25, 0.1, 0.05, 0.01]);
  });

  describe('killed between two rungs', () => {
    async function kill(flag: string): Promise<string> {
      const dir = await make('1%', flag);
      const gradual = await gradually(dir, '1h');
      const meanwhile = await status(dir);
      expect(meanwhile).toMatchObject({ gradualRollback: { process: 'running' }, next: { command: 'wait' } });
      expect((await cutover(dir, ['resume'])).stderr).toContain('goes on by itself');
      gradual.child.kill('SIGKILL');
      await gradual.ended;
      return dir;
    }
    const killedAt25 = prepared(() => kill(STORE));
    const killedAt25InAFile = prepared(() => kill(''));
    const FINISHED = { ratio: 0.01, drift: [], unfinished: null, gradualRollback: null };

    it('status names it, and where it was to lead', async () => {
      const dir = await killedAt25();
      const now = await status(dir);
      expect(now).toMatchObject({
        headline: 'safe: the flag sends 25 % of requests to target; the rollback to 1 % stopped at 25 %',
        next: { command: 'cutover rollback' },
        gradualRollback: { at: 0.25, to: { ratio: 0.01, status: 'canary' }, process: 'gone' },
      });
      const { stdout } = await cutover(dir, ['status']);
      expect(stdout).toMatch(/^ *gradual +the rollback to 1 % stopped at 25 %; by \S+@/m);
    });

    it.each([
      ['resume', ['resume']],
      ['rollback', ['rollback', '--yes', '--anyway']],
      ['another gradual one', [...OVER, '100ms']],
    ])('%s finishes it', async (_name, args) => {
      const dir = await killedAt25();
      await cutoverJson(dir, args);
      expect(await status(dir)).toMatchObject(FINISHED);
      expectFalling(sets(dir));
    });

    it('resume --dry-run shows the plan and changes nothing', async () => {
      const dir = await killedAt25();
      const { plan } = await cutoverJson<{ plan: unknown }>(dir, ['resume', '--dry-run']);
      expect(plan).toMatchObject({ kind: 'rollback', from: { ratio: 0.25 }, to: { ratio: 0.01 } });
      expect(sets(dir)).toEqual([0.25]);
    });

    it.each([
      ['an emergency', ['rollback', '--emergency'], 0],
      ['a step forward', ['shift', '50%', ...FORCE], 0.5],
    ])('%s ends it', async (_name, args, ratio) => {
      const dir = await killedAt25InAFile();
      await cutoverJson(dir, args);
      expect(await status(dir)).toMatchObject({ gradualRollback: null, ratio });
      expect((await cutover(dir, ['resume'])).stdout).toContain('nothing to resume');
    });

    it('resume does not go on when the flag was set below its end since', async () => {
      const dir = await killedAt25();
      writeFileSync(join(dir, 'ratio'), '0\n');
      const ran = await cutover(dir, ['resume']);
      expect(ran.code, ran.stdout).toBe(64);
      expect(flagOf(dir)).toBe(0);
    });
  });

  it('with a flag that cannot be set on the way: ends, never says done, and can be gone on with', async () => {
    const dir = await at50();
    const gradual = await gradually(dir, '9s');
    writeFileSync(join(dir, 'broken'), '');
    const ran = await gradual.ended;
    expect(ran.code, ran.stderr).toBe(69);
    expect(ran.stdout).not.toContain('→');
    expect(ran.stderr + ran.stdout).toContain('cutover resume');
    expect(sets(dir)).toEqual([0.25]);
    rmSync(join(dir, 'broken'));
    expect((await cutover(dir, ['resume'])).stderr).toContain('on the way to 1 %');
    expect(await status(dir)).toMatchObject({ ratio: 0.1, gradualRollback: { at: 0.1 } });
    await cutoverJson(dir, ['resume']);
    expectFalling(sets(dir));
    expect(await status(dir)).toMatchObject({ ratio: 0.01, drift: [], unfinished: null });
  });
});

/** What a reader of the flag sees. */
function flagOf(dir: string): number {
  if (!existsSync(join(dir, 'flags.json'))) return Number(readFileSync(join(dir, 'ratio'), 'utf8'));
  const flag = JSON.parse(readFileSync(join(dir, 'flags.json'), 'utf8')).flags['llm-provider'];
  if (flag.targeting) return flag.targeting.fractional[0][1] / 100_000;
  return flag.defaultVariant === 'target' ? 1 : 0;
}
