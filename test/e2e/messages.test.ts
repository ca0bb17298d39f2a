import { mkdirSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { cutover, cutoverJson } from './cli.ts';
import { COMPLETE, DNS, FORCE, folder, gist, hookAt, pager, pagerAt, receiver, told } from './told.ts';

/** Who is told of what, how often, and when what could not be sent arrives after all. */

// Each starts several commands, on a machine that may be busy.
vi.setConfig({ testTimeout: 120_000 });

describe('a failed step is told, and so is what mends it', () => {
  it('a DNS step that failed, then `resume`: both are told once, and the incident is over', async () => {
    const to = await receiver();
    const dir = folder(hookAt(to.url) + pagerAt(to.url), DNS);
    const env = { KEY: 'planted-routing-key' };
    await cutoverJson(dir, ['canary', 'start', '--yes'], env);
    writeFileSync(join(dir, 'broken'), '');
    expect((await cutover(dir, COMPLETE, { env })).code).toBe(4);
    expect((await cutover(dir, ['resume'], { env })).code).toBe(4);
    rmSync(join(dir, 'broken'));
    await cutoverJson(dir, ['resume'], env);
    await cutoverJson(dir, ['resume'], env);
    expect(told(to).map(gist)).toEqual(['canary start done', 'shift partial', 'shift done']);
    expect(told(to).at(-1)).toMatchObject({ resumed: true, to: { ratio: 1 } });
    expect(pager(to)).toEqual(['resolve', 'trigger', 'resolve']);
  });

  it('a forward step whose flag cannot be set: told, with the ratio that was asked for', async () => {
    const to = await receiver();
    const dir = folder(hookAt(to.url) + pagerAt(to.url));
    writeFileSync(
      join(dir, 'cutover.yaml'),
      `${readFileSync(join(dir, 'cutover.yaml'), 'utf8')}flag: { driver: exec, command: [sh, flag.sh], retries: 0 }\n`,
    );
    writeFileSync(join(dir, 'ratio'), '0');
    writeFileSync(
      join(dir, 'flag.sh'),
      'cat > in\n[ $1 = get ] && exec cat ratio\n[ -e broken ] && exit 1\necho $CUTOVER_FLAG_RATIO > ratio\n',
    );
    const env = { KEY: 'planted-routing-key' };
    await cutoverJson(dir, ['canary', 'start', '--yes'], env);
    writeFileSync(join(dir, 'broken'), '');
    const ran = await cutover(dir, ['shift', '50%', ...FORCE], { env });
    expect(ran.code).toBe(69);
    expect(ran.stdout).toContain('the flag could not be set to 50 %');
    expect(ran.stdout).toContain('nothing was changed');
    expect(told(to).at(-1)).toMatchObject({
      outcome: 'failed',
      asked: { ratio: 0.5 },
      to: { ratio: 0.1 },
      flag: { before: 0.1, after: 0.1 },
    });
    expect(pager(to)).toEqual(['resolve', 'trigger']);
    rmSync(join(dir, 'broken'));
    await cutoverJson(dir, ['shift', '50%', ...FORCE], env);
    expect(pager(to)).toEqual(['resolve', 'trigger', 'resolve']);
  });

  it('a try after a kill has the key of the one before, for DNS and for people', async () => {
    const dir = folder(
      `    - { driver: exec, command: [sh, -c, 'cat > /dev/null; echo $CUTOVER_STEP $CUTOVER_IDEMPOTENCY_KEY >> keys; test -e on || kill -9 $PPID'], retries: 0 }\n`,
      `  dns: [{ driver: exec, command: [sh, -c, 'cat > /dev/null; echo $CUTOVER_STEP $CUTOVER_IDEMPOTENCY_KEY >> keys; mkdir dns-was || kill -9 $PPID'], retries: 0 }]\n`,
    );
    writeFileSync(join(dir, 'on'), '');
    await cutoverJson(dir, ['canary', 'start', '--yes']);
    mkdirSync(join(dir, 'dns-was'));
    expect((await cutover(dir, COMPLETE)).signal).toBe('SIGKILL');
    rmdirSync(join(dir, 'dns-was'));
    rmSync(join(dir, 'on'));
    expect((await cutover(dir, ['resume'])).signal).toBe('SIGKILL');
    writeFileSync(join(dir, 'on'), '');
    await cutoverJson(dir, ['resume']);
    const [, dns, again, told, toldAgain, ...more] = readFileSync(join(dir, 'keys'), 'utf8')
      .trim()
      .split('\n');
    expect([dns, told]).toEqual([expect.stringMatching(/^dns op-/), expect.stringMatching(/^notify op-/)]);
    expect([again, toldAgain, more]).toEqual([dns, told, []]);
  });

  it('of a gradual rollback only the last rung is told', async () => {
    const to = await receiver();
    const dir = folder(hookAt(to.url));
    await cutoverJson(dir, ['canary', 'start', '--yes', '--ratio', '5%', ...FORCE]);
    await cutoverJson(dir, ['shift', '50%', ...FORCE]);
    const { rungs } = await cutoverJson<{ rungs: unknown[] }>(dir, [
      ...['rollback', '--over', '300ms', '--yes', '--anyway'],
    ]);
    expect(rungs.length).toBeGreaterThan(1);
    expect(told(to).map(gist)).toEqual(['canary start done', 'shift done', 'rollback done']);
    expect(told(to).at(-1)).toMatchObject({ to: { ratio: 0.05 } });
  });

  it('an operation that was killed and then undone is told as that', async () => {
    const to = await receiver();
    const dir = folder(
      hookAt(to.url),
      `  dns: [{ driver: exec, command: [sh, -c, 'cat > /dev/null; test $CUTOVER_OPERATION_KIND = rollback || kill -9 $PPID'], retries: 0 }]\n`,
    );
    await cutoverJson(dir, ['canary', 'start', '--yes']);
    expect((await cutover(dir, COMPLETE)).signal).toBe('SIGKILL');
    await cutoverJson(dir, ['rollback', '--anyway', '--confirm', 'chat-prod']);
    expect(told(to).map(gist)).toEqual(['canary start done', 'shift undone', 'rollback done']);
  });

  it('says what the flag said, where that was not what the state said', async () => {
    const to = await receiver();
    const dir = folder(hookAt(to.url));
    await cutoverJson(dir, ['canary', 'start', '--yes']);
    const flags = readFileSync(join(dir, 'flags.json'), 'utf8');
    await cutoverJson(dir, ['shift', '90%', ...FORCE]);
    const at90 = readFileSync(join(dir, 'flags.json'), 'utf8');
    writeFileSync(join(dir, 'flags.json'), flags);
    await cutoverJson(dir, ['rollback', '--anyway', ...FORCE]);
    expect(at90).not.toBe(flags);
    expect(told(to).at(-1)).toMatchObject({ flag: { before: 0.1, after: 0.1 }, to: { ratio: 0.1 } });
  });
});

describe('what could not be sent', () => {
  it('waits, and is sent in order by the next command, each once', async () => {
    const to = await receiver();
    const dir = folder(hookAt(to.url));
    to.mood = () => 'refuses';
    expect((await cutover(dir, ['canary', 'start', '--yes'])).code).toBe(4);
    expect((await cutover(dir, ['shift', '25%', ...FORCE])).code).toBe(4);
    const waits = await cutover(dir, ['resume', '--json']);
    expect(waits.code).toBe(4);
    expect(await cutoverJson(dir, ['status'])).toMatchObject({
      untold: [{ hook: 'notify[0] webhook', error: expect.stringContaining('HTTP 503') }, { attempts: 0 }],
    });
    expect((await cutover(dir, ['status'])).stdout).toMatch(/^untold +notify\[0\] webhook: 2 messages wait/m);
    to.mood = () => 'takes';
    const ran = await cutover(dir, ['checkpoint', 'create', '--reason', 'x']);
    expect(ran.stderr).toContain('2 messages that had waited were sent');
    expect(told(to).map(gist)).toEqual(['canary start done', 'shift done']);
    const nothing = await cutoverJson(dir, ['resume']);
    expect(nothing).toMatchObject({ operation: null, messages: { sent: 0, waiting: [] } });
    expect(await cutoverJson(dir, ['status'])).toMatchObject({
      lastOperation: { outcome: 'done' },
      unfinished: null,
    });
    expect(told(to)).toHaveLength(2);
  });

  it('is sent by `canary check` from cron, though that is refused', async () => {
    const to = await receiver();
    const dir = folder(hookAt(to.url));
    to.mood = () => 'refuses';
    await cutover(dir, ['canary', 'start', '--yes']);
    to.mood = () => 'takes';
    await cutover(dir, ['canary', 'check']);
    expect(told(to).map(gist)).toEqual(['canary start done']);
  });

  it('is named by `resume`, which never says that all is finished', async () => {
    const to = await receiver();
    const dir = folder(hookAt(to.url));
    to.mood = () => 'refuses';
    await cutover(dir, ['canary', 'start', '--yes']);
    await cutover(dir, ['freeze', '--reason', 'x']);
    await cutover(dir, ['rollback', '--yes', '--anyway']);
    await cutover(dir, ['resume']);
    const ran = await cutover(dir, ['resume']);
    expect(ran.code).toBe(4);
    expect(ran.stdout + ran.stderr).toMatch(/wait/);
  });

  it('waits as long as the receiver asks, within the time of the hook', async () => {
    const to = await receiver();
    const dir = folder(`    - { driver: webhook, url: "${to.url}/hook", retries: 1, timeout: 5s }\n`);
    let calls = 0;
    const at: number[] = [];
    to.mood = () => {
      at.push(Date.now());
      return calls++ === 0 ? 'busy' : 'takes';
    };
    await cutoverJson(dir, ['canary', 'start', '--yes']);
    expect(told(to).map(gist)).toEqual(['canary start done']);
    expect((at[1] ?? 0) - (at[0] ?? 0)).toBeGreaterThanOrEqual(1000);
  });

  it('is left alone until the receiver wants to be asked again, when that is longer than the hook may take', async () => {
    const to = await receiver();
    const dir = folder(`    - { driver: webhook, url: "${to.url}/hook", retries: 3, timeout: 5s }\n`);
    to.retryAfter = '6';
    to.mood = () => 'busy';
    expect((await cutover(dir, ['canary', 'start', '--yes'])).code).toBe(4);
    expect(to.calls.get('/hook')).toBe(1);
    to.mood = () => 'takes';
    await new Promise((resolve) => setTimeout(resolve, 6100));
    await cutover(dir, ['checkpoint', 'create']);
    expect(told(to).map(gist)).toEqual(['canary start done']);
  });

  it('is said by a later word about the same operation, which takes its place', async () => {
    const to = await receiver();
    const dir = folder(hookAt(to.url), DNS);
    await cutoverJson(dir, ['canary', 'start', '--yes']);
    writeFileSync(join(dir, 'broken'), '');
    to.mood = () => 'refuses';
    expect((await cutover(dir, COMPLETE)).code).toBe(4);
    rmSync(join(dir, 'broken'));
    to.mood = () => 'takes';
    await cutoverJson(dir, ['resume']);
    expect(told(to).map(gist)).toEqual(['canary start done', 'shift done']);
    expect(told(to).at(-1)?.untold).toEqual([expect.stringContaining('but dns failed')]);
  });

  it('is tried once by a command that does something else, and by `resume` as often as the hook says, or three times', async () => {
    const to = await receiver();
    to.mood = () => 'refuses';
    const triesIn = (dir: string) => async (command: string) => {
      const before = to.calls.get('/hook') ?? 0;
      await cutover(dir, command.split(' '));
      return (to.calls.get('/hook') ?? 0) - before;
    };
    const hook = `    - { driver: webhook, url: "${to.url}/hook", retries: 1, on: [forward, freeze] }\n`;
    const operation = triesIn(folder(hook));
    expect(await operation('canary start --yes')).toBe(2);
    expect(await operation('checkpoint create')).toBe(1);
    expect(await operation('resume')).toBe(2);
    const noOperation = triesIn(folder(hook));
    await noOperation('freeze --reason x');
    expect(await noOperation('checkpoint create')).toBe(1);
    expect(await noOperation('resume')).toBe(3);
  });

  it('holds up nothing else when the receiver will not have it, and comes late', async () => {
    const to = await receiver();
    const dir = folder(hookAt(to.url));
    to.mood = () => 'unwanted';
    await cutover(dir, ['canary', 'start', '--yes']);
    let calls = 0;
    to.mood = () => (calls++ === 0 ? 'unwanted' : 'takes');
    await cutoverJson(dir, ['shift', '25%', ...FORCE]);
    expect(told(to).map(gist)).toEqual(['shift done']);
    await cutover(dir, ['checkpoint', 'create']);
    expect(told(to).map(gist)).toEqual(['shift done', 'canary start done']);
    expect(told(to).at(-1)).toMatchObject({ late: true });
  });
});

describe('of several commands at once', () => {
  it('one sends what waits, and each message comes once', async () => {
    const dir = folder(
      `    - { driver: exec, command: [sh, -c, 'cat > /dev/null; test -e up || exit 1; sleep 1; echo $CUTOVER_IDEMPOTENCY_KEY >> told'], retries: 0 }\n`,
    );
    await cutover(dir, ['canary', 'start', '--yes']);
    await cutover(dir, ['shift', '25%', ...FORCE]);
    writeFileSync(join(dir, 'up'), '');
    await Promise.all([1, 2, 3].map(() => cutover(dir, ['checkpoint', 'create'])));
    await cutover(dir, ['checkpoint', 'create']);
    const keys = readFileSync(join(dir, 'told'), 'utf8').trim().split('\n');
    expect(keys).toHaveLength(2);
    expect(new Set(keys).size).toBe(2);
  });

  it('a wait of a million years is one of a day', async () => {
    const to = await receiver();
    const dir = folder(hookAt(to.url));
    to.retryAfter = '99999999999999';
    to.mood = () => 'busy';
    const ran = await cutover(dir, ['canary', 'start', '--yes']);
    expect([ran.code, ran.stderr]).toEqual([4, expect.stringMatching(/left\s+alone\s+until/)]);
  });
});
