import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, describe, expect, it } from 'vitest';
import { cutover, cutoverJson, makeFolder, type StatusDocument } from './cli.ts';
import { prepared } from './prepared.ts';

const FORCE = ['--yes', '--force', '--reason', 'test'];
const folders: string[] = [];
afterEach(() => {
  for (const dir of folders.splice(0)) rmSync(dir, { recursive: true, force: true });
});
function folder(extra = ''): string {
  const dir = makeFolder(extra);
  folders.push(dir);
  return dir;
}
/** A migration at 10 %. */
const started = prepared(async () => {
  const dir = makeFolder('models: { a: b }\n');
  await cutoverJson(dir, ['canary', 'start', '--yes']);
  return dir;
});
const status = (dir: string) => cutoverJson<StatusDocument>(dir, ['status']);

describe('a migration', () => {
  it('goes up the ladder, completes, and comes all the way back', async () => {
    const dir = folder();
    expect(await status(dir)).toMatchObject({
      status: 'idle',
      ratio: 0,
      flag: { ratio: null },
      rollback: { eligible: false },
    });
    await cutoverJson(dir, ['canary', 'start', '--yes']);
    expect(await status(dir)).toMatchObject({
      status: 'canary',
      ratio: 0.1,
      flag: { ratio: 0.1 },
      drift: [],
    });
    for (const [ratio, state] of [
      [0.25, 'rolling'],
      [0.5, 'rolling'],
    ] as const) {
      await cutoverJson(dir, ['shift', '--next', ...FORCE]);
      expect(await status(dir)).toMatchObject({ status: state, ratio, flag: { ratio } });
    }
    await cutoverJson(dir, ['shift', '--next', '--confirm', 'chat-prod', '--force', '--reason', 'test']);
    expect(await status(dir)).toMatchObject({
      status: 'complete',
      ratio: 1,
      activeProvider: 'target',
      flag: { ratio: 1 },
    });

    await cutoverJson(dir, ['rollback', '--confirm', 'chat-prod', '--anyway']);
    expect(await status(dir)).toMatchObject({ status: 'rolling', ratio: 0.5, activeProvider: 'legacy' });
    // A second rollback goes one change further back, not forward to what the first one undid.
    await cutoverJson(dir, ['rollback', '--yes', '--anyway']);
    await cutoverJson(dir, ['rollback', '--yes', '--anyway']);
    expect(await status(dir)).toMatchObject({ status: 'canary', ratio: 0.1 });
    await cutoverJson(dir, ['rollback', '--yes', '--anyway']);
    expect(await status(dir)).toMatchObject({ status: 'idle', ratio: 0, flag: { ratio: 0 } });
    expect((await cutover(dir, ['rollback', '--yes', '--anyway'])).code).toBe(64);
  });

  it('asks for a PASS of its own stage, a bake time and a flag that says what the state says', async () => {
    const dir = folder('canary: { ratio: 5% }\n');
    await cutoverJson(dir, ['canary', 'start', '--yes']);
    const refused = await cutover(dir, ['shift', '10%', '--yes']);
    expect(refused.code).toBe(3);
    expect(refused.stderr).toContain('no verdict at 5 %');
    expect((await cutover(dir, ['shift', '10%', '--yes', '--force'])).code).toBe(64);
    const flag = readFileSync(join(dir, 'flags.json'), 'utf8');
    writeFileSync(join(dir, 'flags.json'), flag.replace('5000', '40000').replace('95000', '60000'));
    const drifted = await cutover(dir, ['shift', '10%', '--yes']);
    expect(drifted.code).toBe(2);
    expect(drifted.stderr).toContain('the flag says 40 %, the state 5 %');
    const checked = await cutover(dir, ['status', '--check', '--json']);
    expect(checked.code).toBe(2);
    expect(JSON.parse(checked.stdout).drift).toMatchObject([{ state: 0.05, actual: 0.4 }]);
  });

  it('goes down within the ladder without asking for evidence, and says when there is nothing to do', async () => {
    const dir = await started();
    await cutoverJson(dir, ['shift', '0.5', ...FORCE]);
    await cutoverJson(dir, ['shift', '25%', '--yes']);
    expect(await status(dir)).toMatchObject({ status: 'rolling', ratio: 0.25 });
    const again = await cutoverJson(dir, ['shift', '25%', '--yes']);
    expect(again).toMatchObject({ operation: null, steps: [] });
  });

  it('changes nothing in a dry run', async () => {
    const dir = folder();
    const plan = await cutoverJson<{ plan: { to: unknown } }>(dir, ['canary', 'start', '--dry-run']);
    expect(plan.plan.to).toEqual({ status: 'canary', ratio: 0.1, activeProvider: 'legacy' });
    expect(existsSync(join(dir, 'flags.json'))).toBe(false);
    expect(await status(dir)).toMatchObject({ status: 'idle', lastCheckpoint: null });
  });

  it('undoes what it says, with the command it prints', async () => {
    const dir = await started();
    const shifted = await cutoverJson<{ undo: string }>(dir, ['shift', '25%', ...FORCE]);
    await cutoverJson(dir, [...shifted.undo.split(' ').slice(1), '--yes', '--anyway']);
    expect(await status(dir)).toMatchObject({ status: 'canary', ratio: 0.1 });
    const raise = await cutover(dir, ['rollback', '--to', '3', '--yes']);
    expect(raise.code).toBe(64);
    expect(raise.stderr).toContain('--force');
  });

  it('does not go on over an operation that was not finished', async () => {
    const dir = await started();
    const config = readFileSync(join(dir, 'cutover.yaml'), 'utf8');
    // The flag can neither be set nor read: nobody knows where traffic is.
    writeFileSync(
      join(dir, 'flag.sh'),
      '[ -e broken ] && exit 1; [ $1 = get ] && { cat ratio; exit; }; echo "$CUTOVER_FLAG_RATIO" > ratio',
    );
    writeFileSync(join(dir, 'ratio'), '0.1');
    writeFileSync(
      join(dir, 'cutover.yaml'),
      `${config}flag: { driver: exec, command: [sh, flag.sh], retries: 0 }\n`,
    );
    const start = cutover(dir, ['shift', '25%', ...FORCE]);
    expect((await start).code).toBe(0);
    writeFileSync(
      join(dir, 'flag.sh'),
      '[ -e broken ] && exit 1; [ $1 = get ] && { cat ratio; exit; }; touch broken; echo "$CUTOVER_FLAG_RATIO" > ratio; exit 1',
    );
    const failed = await cutover(dir, ['shift', '50%', ...FORCE, '--json']);
    expect(failed.code).toBe(69);
    expect(JSON.parse(failed.stdout)).toMatchObject({
      operation: { outcome: 'failed', open: true },
      to: { ratio: 0.25 },
    });
    const blocked = await cutover(dir, [
      'shift',
      '100%',
      '--confirm',
      'chat-prod',
      '--force',
      '--reason',
      'x',
    ]);
    expect([69, 75]).toContain(blocked.code);
    rmSync(join(dir, 'broken'));
    writeFileSync(
      join(dir, 'flag.sh'),
      '[ $1 = get ] && { cat ratio; exit; }; echo "$CUTOVER_FLAG_RATIO" > ratio',
    );
    expect((await cutover(dir, ['shift', '10%', '--yes'])).code).toBe(75);
    expect(await status(dir)).toMatchObject({
      unfinished: { kind: 'shift' },
      next: { command: 'cutover resume' },
    });
    await cutoverJson(dir, ['rollback', '--yes', '--anyway']);
    expect(await status(dir)).toMatchObject({
      ratio: 0.25,
      flag: { ratio: 0.25 },
      unfinished: null,
      drift: [],
    });
  });

  it('retries with resume only what failed, and tells how it ended, once', async () => {
    const dir = folder(`
hooks:
  dns: [{ driver: exec, command: [sh, -c, "cat > /dev/null; echo x >> dns; test -e mended"], retries: 1 }]
  notify: [{ driver: exec, command: [sh, -c, "cat > /dev/null; echo $CUTOVER_OPERATION_KIND >> told"], retries: 0 }]
`);
    await cutoverJson(dir, ['canary', 'start', '--yes']);
    const ran = await cutover(dir, ['rollback', '--yes', '--anyway', '--json']);
    expect(ran.code).toBe(4);
    expect(JSON.parse(ran.stdout).steps).toMatchObject([
      { kind: 'flag', outcome: 'done' },
      { kind: 'dns', outcome: 'failed', attempts: 2 },
      { kind: 'notify', outcome: 'done' },
    ]);
    expect(await status(dir)).toMatchObject({ status: 'idle', ratio: 0, unfinished: { kind: 'rollback' } });
    writeFileSync(join(dir, 'mended'), '');
    await cutoverJson(dir, ['resume']);
    expect(await status(dir)).toMatchObject({ unfinished: null });
    expect(readFileSync(join(dir, 'dns'), 'utf8').trim().split('\n')).toHaveLength(3);
    const told = readFileSync(join(dir, 'told'), 'utf8').trim().split('\n');
    expect(told).toEqual(['canary start', 'rollback', 'rollback']);
    expect(await cutoverJson(dir, ['resume'])).toMatchObject({ operation: null });
  });

  it('keeps the newest checkpoints, the pinned ones, the baseline and the way back', async () => {
    const dir = folder('checkpoints: { keep: 3 }\n');
    await cutoverJson(dir, ['checkpoint', 'create', '--reason', 'baseline']);
    await cutoverJson(dir, ['canary', 'start', '--yes']);
    await cutoverJson(dir, ['checkpoint', 'create', '--reason', 'mine', '--pin']);
    for (let i = 0; i < 6; i++) await cutoverJson(dir, ['checkpoint', 'create', '--reason', `n${i}`]);
    const { checkpoints } = await cutoverJson<{ checkpoints: { id: number }[] }>(dir, ['checkpoint', 'list']);
    expect(checkpoints.map(({ id }) => id)).toEqual([9, 8, 7, 3, 2, 1]);
  });

  it('is stopped by a freeze on the way up only, and --force does not open it', async () => {
    const dir = await started();
    await cutoverJson(dir, ['freeze', '--reason', 'incident 7', '--for', '1h']);
    const refused = await cutover(dir, ['shift', '25%', ...FORCE]);
    expect(refused.code).toBe(75);
    expect(refused.stderr).toContain('incident 7');
    await cutoverJson(dir, ['rollback', '--yes', '--anyway']);
    expect((await cutover(dir, ['canary', 'start', ...FORCE])).code).toBe(75);
    await cutoverJson(dir, ['unfreeze', '--reason', 'over']);
    await cutoverJson(dir, ['canary', 'start', '--yes']);
    expect((await cutover(dir, ['freeze', '--reason', 'x', '--until', '2001-01-01'])).code).toBe(64);
  });

  it('does not roll back onto a legacy that does not answer without being told to', async () => {
    const dir = await started();
    const refused = await cutover(dir, ['rollback', '--yes']);
    expect(refused.code).toBe(69);
    expect(refused.stderr).toContain('deepseek (legacy) is not ready');
    expect(refused.stderr).toContain('--anyway');
    expect(await status(dir)).toMatchObject({ ratio: 0.1 });
    const plan = await cutoverJson<{ plan: { gates: unknown[] } }>(dir, ['rollback', '--dry-run']);
    expect(plan.plan.gates).toMatchObject([{ name: 'readiness', ok: false }]);
  });

  it('goes down step by step, and can be gone on with after it was broken off', async () => {
    const dir = folder(`
hooks:
  notify: [{ driver: exec, command: [sh, -c, "cat > /dev/null; echo $CUTOVER_FROM_RATIO $CUTOVER_TO_RATIO >> told"] }]
`);
    await cutoverJson(dir, ['canary', 'start', '--yes', '--ratio', '1%']);
    await cutoverJson(dir, ['shift', '50%', ...FORCE]);
    rmSync(join(dir, 'told'));
    const ran = await cutover(dir, ['rollback', '--yes', '--anyway', '--over', '300ms']);
    expect(ran.code, ran.stderr).toBe(0);
    expect(ran.stderr).toMatch(/25 %\n[\s\S]*10 %\n[\s\S]*5 %\n/);
    expect(await status(dir)).toMatchObject({ status: 'canary', ratio: 0.01, flag: { ratio: 0.01 } });
    expect(readFileSync(join(dir, 'told'), 'utf8').trim()).toBe('0.05 0.01');
  });

  it('moves its checkpoints to another database', async () => {
    const dir = await started();
    await cutoverJson(dir, ['checkpoint', 'create', '--reason', 'mine \u009b31m']);
    const exported = (await cutover(dir, ['checkpoint', 'export'])).stdout;
    expect(exported).not.toContain('\u009b');
    const other = folder();
    writeFileSync(join(other, 'export.json'), exported);
    const taken = await cutoverJson<{ checkpoints: { reason: string; pinned: boolean }[] }>(other, [
      'checkpoint',
      'import',
      'export.json',
    ]);
    expect(taken.checkpoints.map(({ reason, pinned }) => [reason, pinned])).toEqual([
      ['mine \\x9b31m', true],
      ['before canary start', true],
    ]);
    writeFileSync(join(other, 'export.json'), '{"schemaVersion":1,"checkpoints":[{"ratio":7}]}');
    expect((await cutover(other, ['checkpoint', 'import', 'export.json'])).code).toBe(65);
  });

  it('keeps its state private and its history whole', async () => {
    const dir = await started();
    expect(statSync(join(dir, '.cutover', 'state.db')).mode & 0o777).toBe(0o600);
    const db = new Database(join(dir, '.cutover', 'state.db'));
    expect(() => db.exec("UPDATE history SET actor = 'nobody'")).toThrow(/append-only/);
    db.exec("DROP TRIGGER history_keeps_text; UPDATE history SET actor = 'nobody' WHERE seq = 2");
    db.close();
    const verified = await cutover(dir, ['history', '--verify', '--json']);
    expect(verified.code).toBe(2);
    expect(JSON.parse(verified.stdout).verify).toMatchObject({ whole: false, brokenAt: 2 });
  });
});

describe('a mistake', () => {
  it.each([
    ['an unknown command', ['shfit', '10%'], 64, 'did you mean shift?'],
    ['an unknown flag', ['status', '--chekc'], 64, '--check'],
    ['a ratio that could mean two things', ['shift', '25'], 64, '25%'],
    ['a ratio above 100 %', ['shift', '250%'], 64, 'not a ratio'],
    ['a negative ratio', ['shift', '--', '-5%'], 64, 'not a ratio'],
    ['both a ratio and --next', ['shift', '25%', '--next'], 64, 'either'],
    ['a shift before the canary', ['shift', '25%', '--yes'], 64, 'canary start'],
    ['a checkpoint that is not there', ['rollback', '--to', '99', '--yes'], 64, 'no checkpoint 99'],
    ['a checkpoint that is no number', ['rollback', '--to', 'last', '--yes'], 64, 'checkpoint list'],
    ['nobody to ask', ['canary', 'start'], 64, '--yes'],
    ['a config that is not there', ['status', '--config', 'nowhere.yaml'], 78, 'nowhere.yaml'],
  ])('%s: says what to do instead', async (_name, args, code, text) => {
    const ran = await cutover(folder(), args);
    expect(ran.code, ran.stderr).toBe(code);
    expect(ran.stderr).toContain(text);
    expect(ran.stderr).not.toContain('    at ');
  });

  it.each([
    ['a wrong key', 'laddr: [10%]\n', /cutover\.yaml:6:1: unknown key laddr; did you mean ladder\?/],
    [
      'a wrong driver',
      'flag: { driver: fiel }\n',
      /cutover\.yaml:6:\d+: unknown driver fiel for flag; did you mean file\?/,
    ],
    ['a falling ladder', 'ladder: [10%, 5%]\n', /cutover\.yaml:6:\d+: ladder: a ladder rises/],
    [
      'a secret in the open',
      'hooks: { notify: [{ driver: webhook, urll: x }] }\n',
      /unknown key hooks\.notify\.0\.urll; did you mean url\?/,
    ],
    ['broken YAML', 'flag: { driver: file\n', /cutover\.yaml:\d+:\d+: not YAML/],
    [
      'an unknown guardrail',
      'canary: { guardrails: { error: { margin: 1pp } } }\n',
      /unknown key canary\.guardrails\.error; did you mean errors\?/,
    ],
  ])('%s in the config: named with its place', async (_name, extra, pattern) => {
    const ran = await cutover(folder(extra), ['status']);
    expect(ran.code).toBe(78);
    expect(ran.stderr).toMatch(pattern);
  });

  it('a database of a newer version, or of another migration: refused, untouched', async () => {
    const dir = await started();
    const path = join(dir, '.cutover', 'state.db');
    const db = new Database(path);
    const version = db.pragma('user_version', { simple: true });
    db.pragma('user_version = 999');
    db.close();
    const ran = await cutover(dir, ['shift', '25%', ...FORCE]);
    expect(ran.code).toBe(65);
    expect(ran.stderr).toContain('newer cutover');
    const other = new Database(path);
    other.pragma(`user_version = ${version}`);
    other.close();
    writeFileSync(
      join(dir, 'cutover.yaml'),
      readFileSync(join(dir, 'cutover.yaml'), 'utf8').replace('chat-prod', 'other'),
    );
    const mixed = await cutover(dir, ['status']);
    expect(mixed.code).toBe(78);
    expect(mixed.stderr).toContain('chat-prod');
  });

  it('two shifts at once: one wins, the other says who', async () => {
    const dir = folder('hooks: { notify: [{ driver: exec, command: [sleep, "1"] }] }\n');
    await cutoverJson(dir, ['canary', 'start', '--yes']);
    const [first, second] = await Promise.all([
      cutover(dir, ['shift', '25%', ...FORCE]),
      cutover(dir, ['shift', '50%', ...FORCE]),
    ]);
    expect([first.code, second.code].sort()).toEqual([0, 75]);
    const loser = first.code === 75 ? first : second;
    expect(loser.stderr).toMatch(/is running operation|has changed since|taken over/);
    const winner = first.code === 0 ? 0.25 : 0.5;
    expect(await status(dir)).toMatchObject({ ratio: winner, flag: { ratio: winner }, drift: [] });
  });
});
