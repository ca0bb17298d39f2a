import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BIN } from './cli.ts';
import { cutover, fixture } from './cutover.ts';
import { takes } from './signals.ts';

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'cutover-inputs-'));
});
afterAll(() => rmSync(dir, { recursive: true }));

const file = (name: string, content: string | Buffer) => {
  mkdirSync(join(dir, name, '..'), { recursive: true });
  writeFileSync(join(dir, name), content);
  return name;
};
const DAY = 86_400;
const START = Date.UTC(2026, 7, 1) / 1000;
const line = (fields: Record<string, unknown>) =>
  JSON.stringify({ model: 'm', input_tokens: 10, output_tokens: 5, ...fields });
const daily = (days: number, fields: Record<string, unknown> = {}, start = START) =>
  Array.from({ length: days }, (_, i) => line({ timestamp: start + i * DAY, ...fields })).join('\n');
const run = (...args: string[]) => cutover(['assess', ...args], { cwd: dir });
const json = async (...args: string[]) => {
  const ran = await run('--json', ...args);
  expect(ran.stderr, ran.stderr).not.toContain('cutover:');
  return { ...JSON.parse(ran.stdout), code: ran.code };
};

describe('where logs come from', () => {
  it('reads gzip and zstd by their content, whatever they are called', async () => {
    file('in/a.bin', gzipSync(daily(3)));
    expect((await json('in/a.bin')).records.used).toBe(3);
    expect((await json(fixture('logs/two-records.jsonl.zst'))).tokens.byModel).toEqual({ zst: 30 });
    const piped = await cutover(['assess', '--json', '-'], { cwd: dir, stdin: gzipSync(daily(4)) });
    expect(JSON.parse(piped.stdout).records.used).toBe(4);
  });

  it('a gzip file that is cut off is unusable input', async () => {
    const whole = gzipSync(daily(2000));
    const ran = await run(file('cut.jsonl.gz', whole.subarray(0, whole.length / 2)));
    expect(ran.code).toBe(65);
    expect(ran.stderr).toContain('cut.jsonl.gz');
  });

  it('reads folders and patterns, and a file that is named twice once', async () => {
    file('logs/2026/a.jsonl', daily(1));
    file('logs/2026/b.jsonl.gz', gzipSync(daily(2, {}, START + 10 * DAY)));
    file('logs/notes.md', '# not a log');
    file('logs/.hidden.jsonl', daily(50));
    expect((await json('logs')).records.used).toBe(3);
    expect((await json('logs/**/*.jsonl')).records.used).toBe(1);
    expect(
      (await json('logs/*/[ab].jsonl*', 'logs/2026/a.jsonl', './logs/2026/../2026/a.jsonl')).records.used,
    ).toBe(3);
    expect((await run('logs/*.xyz')).code).toBe(65);
    mkdirSync(join(dir, 'bare'), { recursive: true });
    expect((await run('bare')).stderr).toContain('a folder without logs');
  });

  it('what is no file is passed over in folders and by patterns, and said', async () => {
    file('odd/a.jsonl', daily(2));
    execFileSync('mkfifo', [join(dir, 'odd/pipe.jsonl')]);
    symlinkSync('/dev/zero', join(dir, 'odd/zero.jsonl'));
    symlinkSync('/dev/random', join(dir, 'odd/random.csv'));
    symlinkSync('loop.jsonl', join(dir, 'odd/loop.jsonl'));
    symlinkSync('nowhere', join(dir, 'odd/gone.jsonl'));
    symlinkSync('..', join(dir, 'odd/up.log'));
    for (const word of ['odd', 'odd/*', '**/odd/*.*']) {
      const ran = await run('--json', word);
      expect(JSON.parse(ran.stdout).records.used, word).toBe(2);
      expect(ran.stderr.split('\n').sort().join('\n').trim()).toBe(
        [
          'cutover: odd/gone.jsonl is a link to nothing: passed over',
          'cutover: odd/loop.jsonl is a link that leads in a circle: passed over',
          'cutover: odd/pipe.jsonl is a named pipe: passed over',
          'cutover: odd/random.csv is a device: passed over',
          'cutover: odd/up.log is a link to a folder: passed over',
          'cutover: odd/zero.jsonl is a device: passed over',
        ].join('\n'),
      );
    }
    const named = await run('odd/zero.jsonl');
    expect(named.code).toBe(65);
    expect(named.stderr).toContain('binary');
    expect((await run('odd/loop.jsonl')).stderr).toContain('a link that leads in a circle');
    for (const bad of ['odd/[z-a].jsonl', 'odd/[.jsonl', 'odd/[!].jsonl', `${'**/'.repeat(50)}none`]) {
      const none = await run(bad);
      expect(none.code, bad).toBe(65);
      expect(none.stderr).toContain('no file matches');
    }
  });

  it('a named pipe that is named is read, and Ctrl-C ends the wait for one that nobody writes', async () => {
    execFileSync('mkfifo', [join(dir, 'silent'), join(dir, 'spoken')]);
    const spoken = run('--json', 'spoken');
    await writeFile(join(dir, 'spoken'), daily(3));
    expect(JSON.parse((await spoken).stdout).records.used).toBe(3);
    const child = spawn(process.execPath, [BIN, 'assess', 'silent'], { cwd: dir });
    await expect.poll(() => takes(child, 'SIGINT'), { timeout: 20_000 }).toBe(true);
    await new Promise((resolve) => setTimeout(resolve, 700));
    child.kill('SIGINT');
    const late = setTimeout(() => child.kill('SIGKILL'), 10_000);
    const [code, signal] = await new Promise<unknown[]>((done) => child.on('close', (...how) => done(how)));
    clearTimeout(late);
    expect([code, signal]).toEqual([130, null]);
  });

  it('names no file: says how, exit 64', async () => {
    const ran = await run();
    expect(ran.code).toBe(64);
    expect(ran.stderr).toContain('cutover assess usage.jsonl');
  });
});

describe('formats', () => {
  it('lists them', async () => {
    const { formats } = JSON.parse((await run('--list-formats', '--json')).stdout);
    expect(formats.map((each: { name: string }) => each.name)).toContain('otlp');
    expect((await run('--list-formats')).stdout).toContain('openrouter');
  });

  it('an unknown name gets a suggestion, exit 64', async () => {
    const ran = await run('--format', 'helicon', file('x.jsonl', daily(1)));
    expect(ran.code).toBe(64);
    expect(ran.stderr).toContain('did you mean helicone?');
  });

  it('a format that is insisted on is not guessed: its missing fields are named', async () => {
    const ran = await run('--format', 'portkey', file('x.jsonl', daily(1)));
    expect(ran.code).toBe(65);
    expect(ran.stderr).toContain('ai_model is missing');
  });

  it('a log of one’s own is read by a mapping: paths, units, exclusive cached tokens', async () => {
    file(
      'map.yaml',
      `model: req.model
inputTokens: usage.in
cachedInputTokens: usage.cached
cachedTokens: exclusive
outputTokens: usage.out
at: ts
latency: { path: took, unit: s }
ttft: { path: first, unit: us }
cost: { path: price, unit: cents }
status: code
provider: { value: acme }
`,
    );
    const own = [0, 1].map((i) =>
      JSON.stringify({
        ts: START + i * DAY,
        req: { model: 'x' },
        usage: { in: 30, cached: 70, out: 5 },
        took: 1.5,
        first: 250_000,
        price: 2,
        code: 200,
      }),
    );
    const document = await json('--map', 'map.yaml', file('own.jsonl', own.join('\n')));
    expect(document.tokens).toMatchObject({ input: 200, cachedInput: 140, output: 10 });
    expect(document.latencyMs.p50).toBe(1500);
    expect(document.ttftMs.p50).toBe(250);
    expect(document.cost.reportedUsd).toBeCloseTo(0.04, 12);
    const config = `migration: own
providers:
  legacy: { name: a, baseUrl: http://127.0.0.1:9, prices: { "*": 1 } }
  target: { name: b, baseUrl: http://127.0.0.1:9, prices: { "*": 1 } }
usage:
  map: { model: req.model, inputTokens: usage.in, outputTokens: usage.out, latency: { path: took, unit: s } }
`;
    expect((await json('-c', file('own.yaml', config), 'own.jsonl')).latencyMs.p50).toBe(1500);
  });

  it('a faulty mapping is exit 78 and named', async () => {
    const ran = await run('--map', file('bad-map.yaml', 'modle: x\ninputTokens: a\n'), 'x.jsonl');
    expect(ran.code).toBe(78);
    expect(ran.stderr).toContain('unknown field modle; did you mean model?');
    expect(ran.stderr).toContain('outputTokens is missing');
  });
});

describe('what is counted', () => {
  it('--rejects writes every unusable record', async () => {
    const bad = Array.from({ length: 30 }, () => 'nonsense');
    const log = file('many-bad.jsonl', [daily(10), ...bad].join('\n'));
    const ran = await run('--max-bad', '100%', '--rejects', 'rejects.jsonl', log);
    expect(ran.code).toBe(0);
    const rejects = readFileSync(join(dir, 'rejects.jsonl'), 'utf8').trim().split('\n');
    expect(rejects).toHaveLength(30);
    expect(JSON.parse(rejects[29] ?? '')).toEqual({ source: log, line: 40, reason: 'not JSON' });
    expect(ran.stderr).toContain('and 20 more unusable records');
    expect(ran.stderr).toContain('30 × not JSON');
  });

  it('warns of files of the same time, and --dedupe counts an id once', async () => {
    const records = [0, 1, 2, 3].map((i) => line({ id: `r${i}`, timestamp: START + i * DAY }));
    const a = file('same/a.jsonl', records.slice(0, 3).join('\n'));
    const b = file('same/b.jsonl', records.slice(1).join('\n'));
    const twice = await json(a, b);
    expect(twice.records).toMatchObject({ read: 6, used: 6 });
    expect(twice.notes.join()).toContain('same/a.jsonl and same/b.jsonl are of the same time');
    const once = await json('--dedupe', a, b);
    expect(once.records).toMatchObject({
      read: 6,
      used: 4,
      filtered: 2,
      filteredByReason: { 'a duplicate': 2 },
    });
    expect(once.notes.join()).not.toContain('same time');
  });

  it('selects by time, model, provider and user, and the sum always holds', async () => {
    const log = file(
      'select.jsonl',
      [
        daily(10, { model: 'gpt-a', provider: 'x', user: 'u1' }),
        daily(10, { model: 'gpt-b', provider: 'y', user: 'u2' }),
        line({ model: 'gpt-a' }),
      ].join('\n'),
    );
    const used = async (...args: string[]) => {
      const { records } = await json(...args, log);
      expect(records.read).toBe(records.used + records.filtered + records.rejected);
      return records.used;
    };
    expect(await used('--model', 'gpt-a')).toBe(11);
    expect(await used('--model', 'gpt-*', '--user', 'u2')).toBe(10);
    expect(await used('--provider', 'x', '--provider', 'y')).toBe(20);
    expect(await used('--since', '2026-08-03', '--until', '2026-08-06')).toBe(6);
    expect(await used('--since', '2026-08-10')).toBe(2);
    const none = await run('--last', '1h', '--model', 'gpt-a', log);
    expect(none.code).toBe(3);
    expect(none.stderr).toContain('before --since');
    expect((await run('--since', 'yesterdayish', log)).code).toBe(64);
  });

  it('a period that a selection cuts is as long as the selection says', async () => {
    const { period } = await json(
      '--since',
      '2026-08-03',
      '--until',
      '2026-08-06',
      file('cut.jsonl', daily(30)),
    );
    expect(period.days).toBe(3);
    const open = await json('--since', '2026-07-01', 'cut.jsonl');
    expect(open.period.days).toBe(30);
  });

  it('days are those of the time zone', async () => {
    const log = file(
      'zone.jsonl',
      [line({ timestamp: '2026-08-01T22:30:00Z' }), line({ timestamp: '2026-08-02T21:30:00Z' })].join('\n'),
    );
    const days = async (...args: string[]) =>
      (await json('--by', 'day', ...args, log)).groups.groups.map((group: { key: string }) => group.key);
    expect(await days()).toEqual(['2026-08-01', '2026-08-02']);
    expect(await days('--timezone', 'Europe/Berlin')).toEqual(['2026-08-02']);
    expect((await run('--timezone', 'Mars/Base', log)).code).toBe(64);
  });

  it('groups by model, user, day and hour', async () => {
    const log = file(
      'groups.jsonl',
      [
        line({ timestamp: START, user: 'a', latency_ms: 100 }),
        line({ timestamp: START + 3600, user: 'b', status: 500 }),
        line({ model: 'n' }),
      ].join('\n'),
    );
    const groups = async (by: string) => (await json('--by', by, log)).groups.groups;
    expect((await groups('user')).map((g: { key: string }) => g.key).sort()).toEqual(['(no user)', 'a', 'b']);
    expect((await groups('hour')).map((g: { key: string }) => g.key)).toEqual([
      '(no time)',
      '00:00',
      '01:00',
    ]);
    expect(await groups('model')).toMatchObject([
      { key: 'm', requests: 2, errors: 1, tokens: 30, latencyMs: { p50: 100 } },
      { key: 'n', requests: 1 },
    ]);
    expect((await run('--by', 'weather', log)).stderr).toContain('known: model, user, day, hour');
  });
});

describe('interruption', () => {
  it('Ctrl-C prints what was read so far, marked partial, exit 130', async () => {
    const child = spawn(process.execPath, [BIN, 'assess', '--json', '-'], {
      cwd: dir,
      env: { PATH: process.env.PATH ?? '' },
    });
    let stdout = '';
    child.stdout.on('data', (text: Buffer) => {
      stdout += text.toString();
    });
    // More than is looked at before reading begins, and a pipe that then falls silent.
    child.stdin.write(`${daily(2000, { user: 'x'.repeat(60) }, START - 3000 * DAY)}\n`);
    await new Promise((resolve) => setTimeout(resolve, 900));
    child.kill('SIGINT');
    const late = setTimeout(() => child.kill('SIGKILL'), 10_000);
    const code = await new Promise((resolve) => child.on('close', resolve));
    clearTimeout(late);
    expect(code).toBe(130);
    const document = JSON.parse(stdout);
    expect(document.partial).toBe(true);
    expect(document.records.used).toBeGreaterThan(0);
    expect(document.notes[0]).toContain('Interrupted');
  });
});
