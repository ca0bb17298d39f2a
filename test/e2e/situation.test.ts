import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { failing, healthy } from '../unit/canary/world.ts';
import { serve } from '../unit/provider/servers.ts';
import { BIN, cutover, cutoverJson, type Ran } from './cli.ts';
import { prepared } from './prepared.ts';

/** One truth for every command: what is true now, whether it is safe, and what each command may do about it. */

const FORCE = ['--yes', '--force', '--reason', 'test'];

interface Status {
  situation: string;
  headline: string;
  safe: boolean;
  status: string;
  ratio: number;
  flag: { ratio: number | null };
  drift: unknown[];
  unfinished: { id: string; kind: string } | null;
  lease: { state: string } | null;
  stage: { ratio: number; since: string } | null;
  lastOperation: {
    kind: string;
    what: string;
    actor: string;
    outcome: string | null;
    running: boolean;
  } | null;
  lastFail: { runId: string; ratio: number; document: { guardrails: unknown[] } } | null;
  evidence: { verdict: string; pairs: number } | null;
  rollback: { eligible: boolean };
  next: { command: string; why: string };
  otherwise: { command: string }[];
  may: Record<string, { allowed: boolean; code?: string; exitCode?: number }>;
}

const status = (dir: string) => cutoverJson<Status>(dir, ['status']);

interface Errors {
  error: { code: string; exitCode: number; message: string; hint: string | null };
}

/** The refusal of a command, as its JSON document tells it. */
async function refused(dir: string, args: string[]): Promise<Errors['error']> {
  const ran = await cutover(dir, [...args, '--json']);
  const { error } = JSON.parse(ran.stdout) as Partial<Errors>;
  if (!error) throw new Error(`cutover ${args.join(' ')} was not refused: exit ${ran.code}\n${ran.stdout}`);
  expect(error.exitCode, args.join(' ')).toBe(ran.code);
  return error;
}

/** The providers of every folder: what was judged is not judged anew as long as their addresses stay. */
let good = '';
let bad = '';
const servers: (() => Promise<void>)[] = [];
beforeAll(async () => {
  good = await serve(healthy, (close) => servers.push(close));
  bad = await serve(failing, (close) => servers.push(close));
});
afterAll(async () => {
  for (const close of servers) await close();
});

/** Makes a folder with a config over two providers that answer well; the target need not. */
async function make(extra = '', target = good): Promise<string> {
  const dir = mkdtempSync(join(tmpdir(), 'cutover-test-'));
  writeFileSync(
    join(dir, 'cutover.yaml'),
    `migration: chat-situation
providers:
  legacy: { name: deepseek, baseUrl: ${good} }
  target: { name: holysheep, baseUrl: ${target} }
models: { old-model: new-model }
stage: { bake: 0s }
canary: { guardrails: { errors: { margin: 5pp } }, concurrency: 8 }
${extra}`,
  );
  return dir;
}

async function folder(extra = '', target = good): Promise<string> {
  const dir = await make(extra, target);
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

/** A migration at 10 %. */
const started = prepared(async () => {
  const dir = await make();
  await cutoverJson(dir, ['canary', 'start', '--yes']);
  return dir;
});

/** A flag of the user's own, kept in the file `ratio`; after a write it takes a while. */
const SLOW_FLAG = `flag: { driver: exec, command: [sh, flag.sh], retries: 0 }\n`;
function slowFlag(dir: string, seconds: number): void {
  writeFileSync(
    join(dir, 'flag.sh'),
    `[ $1 = get ] && { cat ratio 2> /dev/null; exit 0; }
echo "$CUTOVER_FLAG_RATIO" > ratio
[ ${seconds} = 0 ] || { touch written; exec sleep ${seconds}; }
`,
  );
}

async function until(happened: () => boolean): Promise<void> {
  for (let tries = 0; !happened(); tries++) {
    if (tries > 1000) throw new Error('waited in vain');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** `canary start`, killed right after it has written the flag: nothing else knows of it. */
const killedStart = prepared(async () => {
  const dir = await make(SLOW_FLAG);
  slowFlag(dir, 3);
  const child = spawn(process.execPath, [BIN, 'canary', 'start', '--yes'], { cwd: dir, stdio: 'ignore' });
  const ended = new Promise((resolve) => child.on('close', resolve));
  await until(() => existsSync(join(dir, 'written')));
  child.kill('SIGKILL');
  await ended;
  slowFlag(dir, 0);
  return dir;
});

const plain = ({ stdout }: Ran) => stdout.trimEnd().split('\n');

it('a rollback beside an emergency that was killed is refused as every other command is', async () => {
  const dir = await folder(`hooks:
  dns: [{ driver: exec, command: [sh, -c, '[ $CUTOVER_OPERATION_KIND = emergency ] || exit 0; touch asked; exec sleep 3'], retries: 0 }]
`);
  await cutoverJson(dir, ['canary', 'start', '--yes']);
  const child = spawn(process.execPath, [BIN, 'rollback', '--emergency'], { cwd: dir, stdio: 'ignore' });
  const ended = new Promise((resolve) => child.on('close', resolve));
  await until(() => existsSync(join(dir, 'asked')));
  child.kill('SIGKILL');
  await ended;
  for (const args of [
    ['rollback', '--yes'],
    ['rollback', '--dry-run'],
    ['rollback', '--over', '10s', '--yes'],
  ]) {
    const error = await refused(dir, args);
    expect(error, args.join(' ')).toMatchObject({ code: 'UNFINISHED', exitCode: 75 });
    expect(error.message).toMatch(/^the emergency op-\S+ is not finished/);
    expect(error.hint).toBe('`cutover resume` finishes it');
  }
  expect((await status(dir)).may.rollback).toMatchObject({
    allowed: false,
    code: 'UNFINISHED',
    exitCode: 75,
  });
});

describe('an operation that was killed after its flag write', () => {
  it('is named by every command that changes or judges, before any other reason to refuse', async () => {
    const dir = await killedStart();
    const exported = await cutover(dir, ['checkpoint', 'export']);
    expect(exported.code).toBe(0);
    writeFileSync(join(dir, 'checkpoints.json'), exported.stdout);
    const commands = [
      ['canary', 'check', '--auto-rollback'],
      ['canary', 'run', '--duration', '2s'],
      ['canary', 'status'],
      ['canary', 'start', '--yes'],
      ['canary', 'start', ...FORCE],
      ['shift', '50%', ...FORCE],
      ['shift', '--next', '--dry-run'],
      ['checkpoint', 'create', '--reason', 'now'],
      ['checkpoint', 'pin', '1'],
      ['checkpoint', 'unpin', '1', '--dry-run'],
      ['checkpoint', 'prune', '--keep', '1'],
      ['checkpoint', 'import', 'checkpoints.json'],
      ['resume', '--flag', '--yes'],
    ];
    for (const command of commands) {
      const error = await refused(dir, command);
      expect(error, command.join(' ')).toMatchObject({ code: 'UNFINISHED', exitCode: 75 });
      expect(error.message).toMatch(/^the canary start op-\S+ is not finished/);
      expect(error.hint).toContain('cutover resume');
      expect(error.hint).toContain('cutover rollback');
    }
    const now = await status(dir);
    expect(now).toMatchObject({
      situation: 'unfinished',
      safe: false,
      next: { command: 'cutover resume' },
      otherwise: [{ command: 'cutover rollback' }],
      lastOperation: { kind: 'canary start', outcome: null, running: false },
    });
    expect(now.headline).toMatch(/^not safe: /);
    expect(now.may).toMatchObject({
      shift: { allowed: false, code: 'UNFINISHED', exitCode: 75 },
      resume: { allowed: true },
      rollback: { allowed: true },
      freeze: { allowed: true },
    });
    expect((await cutover(dir, ['status', '--check'])).code).toBe(75);
  });

  it('is undone by a rollback that says what it changed at the flag', async () => {
    const dir = await killedStart();
    const told = await cutover(dir, ['rollback', '--yes']);
    expect(told.code, told.stderr).toBe(0);
    expect(told.stdout).toContain('the flag went from 10 % to 0 %');
    expect(told.stdout).not.toContain('stays at 0 %');
    expect(told.stdout).not.toContain('to undo');
    expect(readFileSync(join(dir, 'ratio'), 'utf8').trim()).toBe('0');
    expect(await status(dir)).toMatchObject({ situation: 'idle', safe: true, unfinished: null });
  });

  it('shows in the dry run what the rollback will do to the flag', async () => {
    const dir = await killedStart();
    const dry = await cutover(dir, ['rollback', '--dry-run']);
    expect(dry.stdout).toContain('the flag goes from 10 % to 0 %');
  });

  it('is finished by resume, but not forward in a freeze', async () => {
    const dir = await killedStart();
    const frozen = await cutover(dir, ['freeze', '--reason', 'incident 7']);
    expect(frozen.code, frozen.stderr).toBe(0);
    expect(frozen.stderr).toContain('is not finished');
    expect(await refused(dir, ['resume'])).toMatchObject({ code: 'FROZEN', exitCode: 75 });
    expect((await cutover(dir, ['unfreeze'])).code).toBe(0);
    await cutoverJson(dir, ['resume']);
    expect(await status(dir)).toMatchObject({ situation: 'waiting for evidence', safe: true, ratio: 0.1 });
  });
});

describe('an operation that runs', () => {
  const SLOW_NOTIFY = `hooks:
  notify: [{ driver: exec, command: [sh, -c, "cat > /dev/null; touch telling; while [ ! -e told ]; do sleep 0.1; done"], timeout: 20s, retries: 0 }]
`;

  it('is neither drift nor unfinished: it is shown as running, and what comes next is to wait', async () => {
    const dir = await folder(SLOW_NOTIFY);
    const start = cutover(dir, ['canary', 'start', '--yes']);
    await until(() => existsSync(join(dir, 'telling')));
    const checked = await cutover(dir, ['status', '--check', '--json']);
    expect(checked.code, checked.stderr).toBe(0);
    const now = JSON.parse(checked.stdout) as Status;
    expect(now).toMatchObject({
      situation: 'running',
      safe: false,
      drift: [],
      unfinished: null,
      lease: { state: 'running' },
      lastOperation: { kind: 'canary start', running: true },
      next: { command: 'wait' },
    });
    expect(now.headline).toMatch(/^moving: canary start, 0 % → 10 %/);
    const face = await cutover(dir, ['status']);
    expect(face.stdout).not.toMatch(/^drift|^unfinished/m);
    for (const command of [['shift', '25%', ...FORCE], ['rollback', '--yes'], ['resume']])
      expect(await refused(dir, command)).toMatchObject({ code: 'LEASE_HELD', exitCode: 75 });
    // Judging goes on: an operation that hangs must not keep a FAIL from being seen.
    expect((await cutover(dir, ['canary', 'check'])).stdout).toContain('no canary is running');
    writeFileSync(join(dir, 'told'), '');
    expect((await start).code).toBe(0);
    expect(await status(dir)).toMatchObject({ situation: 'waiting for evidence', safe: true });
  });

  it('is no drift either when it begins and ends while the flag is being read', async () => {
    const dir = await folder(SLOW_FLAG);
    slowFlag(dir, 0);
    await cutoverJson(dir, ['canary', 'start', '--yes']);
    // The reader of the status is slow: it gets what the flag says at the end.
    writeFileSync(
      join(dir, 'flag.sh'),
      `[ $1 = get ] && { [ -z "$SLOW" ] || { touch reading; sleep 2; }; cat ratio; exit 0; }
echo "$CUTOVER_FLAG_RATIO" > ratio
`,
    );
    const looking = cutover(dir, ['status', '--check', '--json'], { env: { SLOW: '1' } });
    await until(() => existsSync(join(dir, 'reading')));
    await cutoverJson(dir, ['shift', '25%', ...FORCE]);
    const looked = await looking;
    expect(JSON.parse(looked.stdout)).toMatchObject({ ratio: 0.25, flag: { ratio: 0.25 }, drift: [] });
    expect(looked.code).toBe(0);
  });
});

/** Runs a canary until it has failed; with `--auto-rollback` it has rolled back then. */
async function fail(dir: string, ...args: string[]): Promise<string> {
  await cutoverJson(dir, ['canary', 'start', '--yes']);
  for (let looks = 0; looks < 5; looks++) {
    const { code } = await cutover(dir, ['canary', 'check', ...args]);
    if (code === 2) return dir;
  }
  throw new Error('the canary does not fail');
}
const failed = prepared(async () => fail(await make('', bad), '--auto-rollback'));

const settings = (dir: string, from: string, to: string) =>
  writeFileSync(
    join(dir, 'cutover.yaml'),
    readFileSync(join(dir, 'cutover.yaml'), 'utf8').replace(`margin: ${from}`, `margin: ${to}`),
  );

describe('a FAIL', () => {
  it('takes a second run, and the first says how many pairs it still needs', async () => {
    const dir = await folder('', bad);
    await cutoverJson(dir, ['canary', 'start', '--yes']);
    const first = await cutover(dir, ['canary', 'check']);
    expect(first.code, first.stdout).toBe(3);
    expect(first.stdout.replaceAll(/\s+/g, ' ')).toMatch(
      /errors: [^;]*; about \d+ more pairs, in another run, to FAIL/,
    );
    expect((await cutover(dir, ['canary', 'check'])).code).toBe(2);
  });

  it('is shown with its evidence after the automatic rollback, and nothing forward begins by itself', async () => {
    const dir = await failed();
    const now = await status(dir);
    expect(now).toMatchObject({
      situation: 'failed',
      safe: true,
      status: 'idle',
      lastFail: { ratio: 0.1, document: { verdict: 'FAIL' } },
      next: { command: 'cutover canary status' },
      may: { 'canary start': { allowed: false, code: 'FAIL_UNANSWERED', exitCode: 2 } },
    });
    expect(now.headline).toMatch(/^safe: the flag sends every request to legacy; the canary failed at 10 %/);
    const face = (await cutover(dir, ['status'])).stdout;
    expect(face).toMatch(/^failed +at 10 %/m);
    expect(face).toContain('errors 0 % → 100 %');
    expect(face).not.toMatch(/^next +cutover canary start/m);
    const shown = await cutover(dir, ['canary', 'status']);
    expect(shown.code).toBe(2);
    expect(shown.stdout).toMatch(/^FAIL {2}canary of chat-situation at 10 %/);
    expect(shown.stdout).toMatch(/^errors +0 % +100 %.*FAIL$/m);
    expect(shown.stdout).toContain('no canary is running');
    expect(await refused(dir, ['canary', 'start', '--yes'])).toMatchObject({
      code: 'FAIL_UNANSWERED',
      exitCode: 2,
    });
    expect(await refused(dir, ['canary', 'start', '--dry-run'])).toMatchObject({ code: 'FAIL_UNANSWERED' });
    expect(await refused(dir, ['canary', 'start', '--yes', '--force'])).toMatchObject({ exitCode: 64 });
  });

  it('whose automatic rollback an emergency overtakes names the emergency, and what the flag says', async () => {
    const hooks = `hooks:
  notify: [{ driver: exec, command: [sh, -c, '[ ! -e slow ] || { touch telling; sleep 2; }'], retries: 0 }]`;
    const dir = await fail(await folder(hooks, bad));
    const told = (ran: Ran) => {
      expect(ran.code, ran.stderr).toBe(75);
      expect(ran.stdout).toMatch(/^FAIL /);
      expect(ran.stderr.replaceAll(/\s+/g, ' ')).toMatch(
        /the emergency op-\S+ of \S+@\S+ has taken over and is in force: file flags\.json says 0 %/,
      );
    };
    writeFileSync(join(dir, 'slow'), '');
    const check = cutover(dir, ['canary', 'check', '--auto-rollback']);
    await until(() => existsSync(join(dir, 'telling')));
    const emergency = cutover(dir, ['rollback', '--emergency']);
    told(await check);
    expect((await emergency).code).toBe(0);
    expect(await status(dir)).toMatchObject({ status: 'rollback', ratio: 0, flag: { ratio: 0 } });
  });

  it('is remembered in a freeze', async () => {
    const dir = await failed();
    await cutoverJson(dir, ['freeze', '--reason', 'incident 7']);
    expect(await status(dir)).toMatchObject({
      situation: 'frozen',
      lastFail: { ratio: 0.1 },
      next: { command: 'cutover canary status' },
      otherwise: [{ command: 'cutover unfreeze' }],
    });
    expect((await cutover(dir, ['status'])).stdout).toMatch(/^failed +at 10 %/m);
    // Nobody is sent to what the freeze refuses.
    expect((await cutover(dir, ['canary', 'status'])).stdout).not.toContain('canary start');
    expect((await refused(dir, ['shift', '--next', '--yes'])).hint).toContain('cutover status');
    expect(await refused(dir, ['canary', 'start', ...FORCE])).toMatchObject({ code: 'FROZEN', exitCode: 75 });
    await cutoverJson(dir, ['unfreeze']);
    expect(await refused(dir, ['canary', 'start', '--yes'])).toMatchObject({ code: 'FAIL_UNANSWERED' });
  });

  it('is answered by a person who says why', async () => {
    const dir = await failed();
    await cutoverJson(dir, ['canary', 'start', '--yes', '--force', '--reason', 'target was restarted']);
    expect(await status(dir)).toMatchObject({
      lastFail: null,
      situation: 'waiting for evidence',
      safe: true,
    });
    await cutoverJson(dir, ['rollback', '--yes']);
    expect(await status(dir)).toMatchObject({
      lastFail: null,
      situation: 'idle',
      next: { command: 'cutover canary start' },
    });
    const shown = await cutover(dir, ['canary', 'status']);
    expect([shown.code, shown.stdout.includes('no canary is running')]).toEqual([3, true]);
    expect(shown.stdout).toMatch(/FAIL {2}canary of chat-situation at 10 %/);
  });

  it('is answered by a canary under changed settings, and again one when they are changed back', async () => {
    const dir = await failed();
    settings(dir, '5pp', '6pp');
    expect(await status(dir)).toMatchObject({ lastFail: null, next: { command: 'cutover canary start' } });
    await cutoverJson(dir, ['canary', 'start', '--yes']);
    await cutoverJson(dir, ['rollback', '--yes']);
    settings(dir, '6pp', '5pp');
    expect(await refused(dir, ['canary', 'start', '--yes'])).toMatchObject({ code: 'FAIL_UNANSWERED' });
  });

  it('with traffic on target is not safe, whatever the settings say by now', async () => {
    const dir = await fail(await folder('', bad));
    for (const margin of ['5pp', '6pp']) {
      const now = await status(dir);
      expect(now, margin).toMatchObject({
        situation: 'failed',
        safe: false,
        ratio: 0.1,
        next: { command: 'cutover rollback' },
        may: { shift: { allowed: false, code: 'FAIL_UNANSWERED', exitCode: 2 } },
      });
      expect((await cutover(dir, ['status', '--check'])).code).toBe(2);
      expect(await refused(dir, ['shift', '--next', '--yes'])).toMatchObject({ code: 'FAIL_UNANSWERED' });
      settings(dir, '5pp', '6pp');
    }
    settings(dir, '6pp', '5pp');
    await cutoverJson(dir, ['shift', '5%', '--yes']);
    expect((await cutover(dir, ['canary', 'status'])).stdout).toMatch(
      /^INCONCLUSIVE.* at 5 %[\s\S]*^the last FAIL, which nobody has answered:\nFAIL .* at 10 %/m,
    );
    await cutoverJson(dir, ['shift', '25%', ...FORCE]);
    expect(await status(dir)).toMatchObject({ lastFail: null, safe: true });
  });
});

/** Somebody sets the flag by hand, as if it had been at this ratio from the start. */
function byHand(dir: string, ratio: number): void {
  const path = join(dir, 'flags.json');
  const document = JSON.parse(readFileSync(path, 'utf8'));
  const flag = document.flags['llm-provider'];
  const share = Math.round(ratio * 100_000);
  if (flag.targeting) {
    flag.targeting.fractional[0][1] = share;
    flag.targeting.fractional[1][1] = 100_000 - share;
  }
  writeFileSync(path, JSON.stringify(document));
}

describe('drift', () => {
  it('is mended back by rollback, or forward by resume --flag, which is journaled and can be undone', async () => {
    const dir = await started();
    const before = await status(dir);
    byHand(dir, 0.4);
    const now = await status(dir);
    expect(now).toMatchObject({
      situation: 'drifted',
      safe: false,
      headline: 'not safe: the flag says 40 %, the state 10 %',
      drift: [{ state: 0.1, actual: 0.4, mend: 'cutover rollback' }],
      next: { command: 'cutover rollback' },
      otherwise: [{ command: 'cutover resume --flag' }],
    });
    const dry = await cutoverJson(dir, ['resume', '--flag', '--dry-run']);
    expect(dry).toMatchObject({ dryRun: true, plan: { from: { ratio: 0.4 }, to: { ratio: 0.1 } } });
    expect((await status(dir)).flag.ratio).toBe(0.4);
    expect(await refused(dir, ['resume', '--flag'])).toMatchObject({ code: 'CONSENT_MISSING', exitCode: 64 });

    const mended = await cutoverJson<{ undo: string }>(dir, ['resume', '--flag', '--yes']);
    expect(mended).toMatchObject({
      operation: { outcome: 'done' },
      from: { ratio: 0.4 },
      to: { ratio: 0.1 },
    });
    const after = await status(dir);
    expect(after).toMatchObject({
      safe: true,
      drift: [],
      status: 'canary',
      ratio: 0.1,
      flag: { ratio: 0.1 },
      lastOperation: { what: 'resume --flag', outcome: 'done' },
    });
    // The time with another ratio is no time of this stage.
    expect(after.stage?.since).not.toBe(before.stage?.since);
    expect(await refused(dir, ['resume', '--flag', '--yes'])).toMatchObject({
      code: 'NOT_DRIFTED',
      exitCode: 64,
    });

    await cutoverJson(dir, [...mended.undo.replace('"…"', 'test').split(' ').slice(1), '--yes']);
    expect(await status(dir)).toMatchObject({
      ratio: 0.4,
      flag: { ratio: 0.4 },
      status: 'canary',
      safe: true,
    });
    await cutoverJson(dir, ['rollback', '--yes']);
    expect(await status(dir)).toMatchObject({ ratio: 0, flag: { ratio: 0 }, status: 'idle', safe: true });
    await cutoverJson(dir, ['history', '--verify']);
  });

  it('is raised only by who says why, and never in a freeze', async () => {
    const dir = await started();
    byHand(dir, 0.01);
    expect(await refused(dir, ['resume', '--flag', '--yes'])).toMatchObject({
      code: 'FLAG_RAISES',
      exitCode: 64,
    });
    await cutoverJson(dir, ['freeze', '--reason', 'incident 7']);
    expect(await refused(dir, ['resume', '--flag', ...FORCE])).toMatchObject({
      code: 'FROZEN',
      exitCode: 75,
    });
    await cutoverJson(dir, ['unfreeze']);
    await cutoverJson(dir, ['resume', '--flag', ...FORCE]);
    expect(await status(dir)).toMatchObject({ safe: true, ratio: 0.1, flag: { ratio: 0.1 } });
    await cutoverJson(dir, ['rollback', '--yes']);
    expect(await status(dir)).toMatchObject({ status: 'idle', ratio: 0, flag: { ratio: 0 } });
  });

  it('towards legacy: the way back must not raise what the flag says, unless that is meant', async () => {
    const dir = await started();
    await cutoverJson(dir, ['shift', '50%', ...FORCE]);
    byHand(dir, 0.01);
    const error = await refused(dir, ['rollback', '--yes']);
    expect(error).toMatchObject({ code: 'ROLLBACK_RAISES', exitCode: 64 });
    expect(error.message).toContain('1 % → 10 %');
    const now = await status(dir);
    expect(now.may.rollback).toMatchObject({ allowed: false, code: 'ROLLBACK_RAISES' });
    expect([now.next, ...now.otherwise].map(({ command }) => command)).not.toContain('cutover rollback');
    await cutoverJson(dir, ['freeze', '--reason', 'incident 7']);
    expect(await refused(dir, ['rollback', ...FORCE])).toMatchObject({ code: 'FROZEN', exitCode: 75 });
    await cutoverJson(dir, ['rollback', '--to', '1', '--yes']);
    expect(await status(dir)).toMatchObject({ ratio: 0, flag: { ratio: 0 }, status: 'idle' });
  });

  it('is also a flag that is gone: its readers go by a default of their own', async () => {
    const dir = await started();
    await cutoverJson(dir, ['rollback', '--yes']);
    rmSync(join(dir, 'flags.json'));
    expect(await status(dir)).toMatchObject({
      situation: 'drifted',
      safe: false,
      headline: 'not safe: the flag is gone, the state says 0 %',
      next: { command: 'cutover resume --flag' },
    });
    await cutoverJson(dir, ['resume', '--flag', '--yes']);
    expect(await status(dir)).toMatchObject({ situation: 'idle', safe: true, flag: { ratio: 0 } });
  });

  it('is what --force and --reason of resume are for: without --flag they are refused', async () => {
    const dir = await folder();
    expect(await refused(dir, ['resume', ...FORCE])).toMatchObject({ code: 'USAGE', exitCode: 64 });
  });

  it('cannot be told while the flag cannot be read: nothing forward, and no word of safe', async () => {
    const dir = await started();
    writeFileSync(join(dir, 'flags.json'), '{"flags": {"llm-pro');
    const now = await status(dir);
    expect(now).toMatchObject({ situation: 'unreadable', safe: false, flag: { ratio: null } });
    expect(now.headline).toMatch(/^not safe: the flag cannot be read/);
    expect((await cutover(dir, ['status', '--check'])).code).toBe(69);
    const { code, exitCode } = await refused(dir, ['shift', '25%', ...FORCE]);
    expect(now.may.shift).toMatchObject({ allowed: false, code, exitCode });
  });
});

describe('the face of status', () => {
  it('says safe or not first, and reads at 80 and at 48 columns without a word cut', async () => {
    const dir = await failed();
    for (const columns of [80, 48]) {
      const lines = plain(await cutover(dir, ['status'], { env: { COLUMNS: String(columns) } }));
      for (const line of lines) expect(line.length, line).toBeLessThanOrEqual(columns);
      for (const word of ['failed', 'cutover canary status', 'than its margin'])
        expect(lines.join(' ').replace(/ +/g, ' ')).toContain(word);
      expect(lines[0]).toMatch(/^chat-situation {2}safe: the flag sends every/);
      if (columns === 80) expect(lines.length).toBeLessThanOrEqual(24);
    }
    const [, ...lines] = plain(await cutover(dir, ['status']));
    expect(lines.join('\n')).toMatch(/^ratio +\[0\]─ 1 ─ 5 ─ 10 ─ 25 ─ 50 ─ 100 %/m);
    expect(lines.join('\n')).toMatch(/^last +rollback, 10 % → 0 %, .* by .*: done/m);
  });

  it('shows stage and evidence in figures', async () => {
    const dir = await started();
    await cutover(dir, ['canary', 'check']);
    const face = (await cutover(dir, ['status'])).stdout;
    expect(face).toMatch(/^ratio +1 ─ 5 ─\[10\]─ 25 ─ 50 ─ 100 %/m);
    expect(face).toMatch(/^evidence +INCONCLUSIVE, 20 pairs, \d+ s ago/m);
    expect(await status(dir)).toMatchObject({ evidence: { verdict: 'INCONCLUSIVE', pairs: 20 } });
  });
});
