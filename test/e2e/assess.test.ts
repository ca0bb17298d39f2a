import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cutover, fixture } from './cutover.ts';

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'cutover-assess-'));
});
afterAll(() => rmSync(dir, { recursive: true }));

const file = (name: string, content: string | Buffer) => {
  writeFileSync(join(dir, name), content);
  return name;
};
const config = (name: string, legacy: string, target: string) =>
  file(
    name,
    `migration: test
providers:
  legacy: { name: one, baseUrl: https://one.example/v1, prices: ${legacy} }
  target: { name: two, baseUrl: https://two.example/v1, prices: ${target} }
`,
  );
const assessJson = async (...args: string[]) => {
  const run = await cutover(['assess', '--json', ...args], { cwd: dir });
  expect(run.stderr).toBe('');
  expect(run.code).toBe(0);
  return JSON.parse(run.stdout);
};

describe('assess on llmperf measurements', () => {
  // LLMPERF_DIR may name a folder with individual/ and summary/ of one's own.
  const folder = process.env.LLMPERF_DIR ?? fixture('llmperf');
  const names = readdirSync(join(folder, 'individual')).filter((name) => name.endsWith('.json'));

  it.each(names)('%s: percentiles and errors are those of its summary', async (name) => {
    const summary = JSON.parse(readFileSync(join(folder, 'summary', name), 'utf8'));
    const document = await assessJson(join(folder, 'individual', name));
    for (const [mine, theirs] of [
      ['latencyMs', 'end_to_end_latency_s'],
      ['ttftMs', 'ttft_s'],
    ] as const) {
      for (const p of ['p50', 'p95', 'p99']) {
        const expected = summary[`results_${theirs}_quantiles_${p}`];
        expect(Math.abs(document[mine][p] / 1000 - expected), `${theirs} ${p}`).toBeLessThan(1e-9);
      }
    }
    expect(document.requests.errors).toBe(summary.results_number_errors);
    expect(document.requests.ok).toBe(summary.results_num_completed_requests);
    expect(document.models).toHaveLength(1);
    expect(document.models[0].model).toBe(name.replace('.json', ''));
  });
});

describe('the figures of the playbook', () => {
  const log = (name: string) => fixture(`logs/playbook/${name}.jsonl`);

  it('10 M tokens a month, $8.00 to $0.35 per million: $80.00 to $3.50, saves 95.6 %', async () => {
    const prices = config('a.yaml', '{ "*": 8 }', '{ "*": 0.35 }');
    const { cost, savings, tokens, period, recommendation } = await assessJson(
      '-c',
      prices,
      log('10m-tokens'),
    );
    expect(period.days).toBe(30);
    expect(tokens.total).toBe(10_000_000);
    expect(cost.monthlyCurrentUsd).toBeCloseTo(80, 9);
    expect(cost.monthlyProjectedUsd).toBeCloseTo(3.5, 9);
    expect(savings.percent).toBeCloseTo(95.625, 9);
    // Forty requests are no ground to move on.
    expect(recommendation.level).toBeNull();
  });

  it('the same with 70 % from the cache: $1.05, saves $78.95 a month and $947.40 a year', async () => {
    const prices = config('b.yaml', '{ "*": 8 }', '{ "*": { input: 0.35, cachedInput: 0, output: 0.35 } }');
    const { cost, savings } = await assessJson('-c', prices, log('10m-tokens-70-percent-cached'));
    expect(cost.monthlyProjectedUsd).toBeCloseTo(1.05, 9);
    expect(savings.monthlyUsd).toBeCloseTo(78.95, 9);
    expect(savings.yearlyUsd).toBeCloseTo(947.4, 9);
  });

  it('10,000 requests a day of 500 tokens, $8.00 to $0.42: 150 M tokens, $1,200 to $63, saves 94.75 %', async () => {
    const lines: string[] = ['timestamp,model,input_tokens,output_tokens'];
    const start = Date.UTC(2026, 5, 1);
    for (let i = 0; i < 300_000; i++) lines.push(`${start + i * 8640},model-a,400,100`);
    const usage = file('300k.csv', lines.join('\n'));
    const prices = config('c.yaml', '{ "*": 8 }', '{ "*": 0.42 }');
    const { cost, savings, tokens, requests, recommendation } = await assessJson('-c', prices, usage);
    expect(requests.total).toBe(300_000);
    expect(tokens.total).toBe(150_000_000);
    expect(tokens.dailyAverage).toBeCloseTo(5_000_000, 6);
    expect(cost.monthlyCurrentUsd).toBeCloseTo(1200, 9);
    expect(cost.monthlyProjectedUsd).toBeCloseTo(63, 9);
    expect(savings.percent).toBeCloseTo(94.75, 9);
    expect(recommendation.level).toBe('HIGH');
  });

  it('10 M tokens a month, $8.00 to $1.20: saves $68.00 (85 %), a thousandth of what was claimed', async () => {
    const prices = config('d.yaml', '{ "*": 8 }', '{ "*": 1.2 }');
    const { savings } = await assessJson('-c', prices, log('10m-tokens'));
    expect(savings.monthlyUsd).toBeCloseTo(68, 9);
    expect(savings.percent).toBeCloseTo(85, 9);
  });

  it('200 M tokens a month at $0.12 per thousand: $24,000, not $28,000; $84 at $0.42 per million', async () => {
    const prices = config('e.yaml', '{ "*": 120 }', '{ "*": 0.42 }');
    const { cost } = await assessJson('-c', prices, log('200m-tokens'));
    expect(cost.monthlyCurrentUsd).toBeCloseTo(24_000, 6);
    expect(cost.monthlyProjectedUsd).toBeCloseTo(84, 9);
  });
});

describe('input that is not what it should be', () => {
  const good = (n: number) =>
    Array.from({ length: n }, (_, i) =>
      JSON.stringify({
        timestamp: 1_780_000_000 + i * 60,
        model: 'm',
        input_tokens: 10,
        output_tokens: 5,
        latency_ms: 100,
        cost: 0.01,
      }),
    );
  const run = (...args: string[]) => cutover(['assess', ...args], { cwd: dir });

  it('a missing file is exit 65 and is named', async () => {
    const { code, stderr, stdout } = await run('nowhere.jsonl');
    expect(code).toBe(65);
    expect(stderr).toContain('nowhere.jsonl: no such file');
    expect(stdout).toBe('');
  });

  it('an empty file is no data: exit 3', async () => {
    const { code, stderr } = await run(file('empty.jsonl', ''));
    expect(code).toBe(3);
    expect(stderr).toContain('0 read = 0 used + 0 filtered + 0 rejected');
  });

  it('a binary file is refused', async () => {
    const { code, stderr } = await run(
      file('binary.jsonl', Buffer.from([0x7f, 0x45, 0x4c, 0x46, 0, 0, 1, 2])),
    );
    expect(code).toBe(65);
    expect(stderr).toContain('binary');
  });

  it('counts every unusable record by reason, shows where the first stand, and keeps the sum', async () => {
    const bad = [
      '{"model":"m","input_tokens":10,"output_tokens":5,"latency_ms":-1}',
      '{"model":"m","input_tokens":10,"output_tokens":5,"latency_ms":NaN}',
      '{"model":"m","input_tokens":10.5,"output_tokens":5}',
      '{"input_tokens":10,"output_tokens":5}',
      '{"model":"m","input_tokens":10,"output_tokens":5,"new_field":[1,2]}',
      'garbage',
      '{"model":"m","input_tokens":10,"outp',
    ];
    const name = file('bad.jsonl', [...good(93), ...bad].join('\n'));
    const { code, stdout, stderr } = await run('--json', '--max-bad', '6%', name);
    expect(code).toBe(0);
    expect(JSON.parse(stdout).records).toMatchObject({ read: 100, used: 94, filtered: 0, rejected: 6 });
    expect(stderr).toContain('bad.jsonl:94: latency_ms is negative');
    expect(stderr).toContain('bad.jsonl:95: NaN or Infinity is not JSON');
    expect(stderr).toContain('bad.jsonl:96: input_tokens is not a whole number');
    expect(stderr).toContain('bad.jsonl:97: model is missing');
    expect(stderr).toContain('bad.jsonl:99: not JSON');
    expect(stderr).toContain('bad.jsonl:100: truncated');
    const table = await run('--max-bad', '6%', name);
    expect(table.stdout).toContain('100 read = 94 used + 0 filtered + 6 rejected');
  });

  it('more unusable records than --max-bad is exit 65', async () => {
    const name = file('worse.jsonl', [...good(98), 'x', 'y'].join('\n'));
    const { code, stderr, stdout } = await run(name);
    expect(code).toBe(65);
    expect(stderr).toContain('2.0 % of the records are unusable');
    expect(stderr).toContain('--max-bad');
    expect(stdout).toBe('');
    expect((await run('--max-bad', '2%', name)).code).toBe(0);
  });

  it('terminal escapes in names never reach the terminal', async () => {
    const evil = 'm\u001b]0;owned\u0007\u009b31m\u202e';
    const name = file(
      'evil.jsonl',
      JSON.stringify({ model: evil, input_tokens: 1, output_tokens: 1, status: '\u001b[2J' }),
    );
    for (const report of ['table', 'markdown', 'json']) {
      const { stdout, stderr, code } = await run('--report', report, name);
      expect(code).toBe(0);
      expect([...stdout, ...stderr].filter((c) => c !== '\n' && /\p{Cc}|\p{Cf}/u.test(c))).toEqual([]);
    }
    const { stdout } = await run('--json', name);
    expect(JSON.parse(stdout).models[0].model).toBe(evil);
  });

  it('a faulty config is exit 78, found or named', async () => {
    const name = file('one.jsonl', good(1).join('\n'));
    const faulty = file('faulty.yaml', 'migration: x\nproviderz: {}\n');
    expect((await run('-c', faulty, name)).code).toBe(78);
    expect((await run('-c', 'none.yaml', name)).code).toBe(78);
  });

  it('reads stdin', async () => {
    const { code, stdout } = await cutover(['assess', '--json', '-'], {
      cwd: dir,
      stdin: good(3).join('\n'),
    });
    expect(code).toBe(0);
    expect(JSON.parse(stdout).records.used).toBe(3);
  });
});

describe('models without a price', () => {
  it('are left out of both sides and named with their share', async () => {
    const log = file(
      'two-models.jsonl',
      [
        { timestamp: 1_780_000_000, model: 'known', input_tokens: 600_000, output_tokens: 150_000 },
        { timestamp: 1_780_086_400, model: 'mystery', input_tokens: 200_000, output_tokens: 50_000 },
      ]
        .map((line) => JSON.stringify(line))
        .join('\n'),
    );
    const prices = config('partial.yaml', '{ known: 4 }', '{ known: 1, mystery: 1 }');
    const { cost, unpriced, savings } = await assessJson('-c', prices, log);
    expect(unpriced).toEqual([{ model: 'mystery', tokens: 250_000, share: 0.25, missing: 'current' }]);
    expect(cost.currentUsd).toBeCloseTo(3, 12);
    expect(cost.projectedUsd).toBeCloseTo(0.75, 12);
    expect(savings.percent).toBeCloseTo(75, 12);
  });
});
