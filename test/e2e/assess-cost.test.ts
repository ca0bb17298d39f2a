import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cutover, fixture } from './cutover.ts';

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'cutover-cost-'));
});
afterAll(() => rmSync(dir, { recursive: true }));

const file = (name: string, content: string) => {
  writeFileSync(join(dir, name), content);
  return name;
};
const config = (name: string, legacy: string, target: string, more = '') =>
  file(
    name,
    `migration: test
providers:
  legacy: { name: one, baseUrl: "http://127.0.0.1:9", prices: ${legacy} }
  target: { name: two, baseUrl: "http://127.0.0.1:9", prices: ${target} }
${more}`,
  );
const run = (args: string[], env: Record<string, string> = {}) =>
  cutover(['assess', ...args], { cwd: dir, env });
const json = async (...args: string[]) => {
  const ran = await run(['--json', ...args]);
  expect(ran.code, ran.stderr).toBe(0);
  return JSON.parse(ran.stdout);
};
const MONTH = fixture('logs/playbook/10m-tokens.jsonl');
const DEMO = fixture('demo/usage.jsonl');

describe('assumptions', () => {
  it('70 % cache hits make $1.05 of $3.50, and say what it is without', async () => {
    const prices = config('hit.yaml', '{ "*": 8 }', '{ "*": { input: 0.35, cachedInput: 0, output: 0.35 } }');
    const { cost, savings, whatIf } = await json('-c', prices, '--cache-hit', '0.7', MONTH);
    expect(cost.monthlyProjectedUsd).toBeCloseTo(1.05, 9);
    expect(savings.monthlyUsd).toBeCloseTo(78.95, 9);
    expect(savings.yearlyUsd).toBeCloseTo(947.4, 9);
    expect(whatIf).toMatchObject({ cacheHit: 0.7 });
    expect(whatIf.plainMonthlyProjectedUsd).toBeCloseTo(3.5, 9);
  });

  it('a share of batch requests takes the batch price, and needs one', async () => {
    const batch = config(
      'batch.yaml',
      '{ "*": 8 }',
      '{ "*": { input: 4, output: 4, batch: { input: 2, output: 2 } } }',
    );
    expect((await json('-c', batch, '--batch-share', '30%', MONTH)).cost.monthlyProjectedUsd).toBeCloseTo(
      34,
      9,
    );
    const without = await run([
      '-c',
      config('plain.yaml', '{ "*": 8 }', '{ "*": 4 }'),
      '--batch-share',
      '30%',
      MONTH,
    ]);
    expect(without.code).toBe(65);
    expect(without.stderr).toContain('no batch price');
  });

  it('growth changes the month on both sides, not the percentage', async () => {
    const prices = config('growth.yaml', '{ "*": 8 }', '{ "*": 2 }');
    const { cost, savings } = await json('-c', prices, '--growth', '10%', MONTH);
    expect(cost.monthlyCurrentUsd).toBeCloseTo(88, 9);
    expect(cost.monthlyProjectedUsd).toBeCloseTo(22, 9);
    expect(savings.percent).toBeCloseTo(75, 9);
    expect((await json('-c', prices, '--growth', '-50%', MONTH)).cost.monthlyCurrentUsd).toBeCloseTo(40, 9);
  });

  it('the target may count more tokens', async () => {
    const prices = config(
      'drift.yaml',
      '{ "*": 8 }',
      '{ "*": 2 }',
      'assess: { tokenDrift: { model-a: 1.2 } }',
    );
    expect((await json('-c', prices, MONTH)).cost.monthlyProjectedUsd).toBeCloseTo(24, 9);
  });
});

describe('prices', () => {
  it('a LiteLLM price file, with a tier that is a cliff and a batch price', async () => {
    file(
      'litellm.json',
      JSON.stringify({
        sample_spec: { input_cost_per_token: 99 },
        big: {
          input_cost_per_token: 1e-6,
          output_cost_per_token: 2e-6,
          cache_read_input_token_cost: 1e-7,
          input_cost_per_token_above_128k_tokens: 3e-6,
          output_cost_per_token_above_128k_tokens: 6e-6,
          input_cost_per_token_batches: 5e-7,
          output_cost_per_token_batches: 1e-6,
        },
      }),
    );
    const log = file(
      'tiers.jsonl',
      [
        { model: 'big', input_tokens: 128_000, output_tokens: 1000 },
        { model: 'big', input_tokens: 128_001, output_tokens: 1000 },
        { model: 'big', input_tokens: 1000, cached_input_tokens: 1000, output_tokens: 0 },
      ]
        .map((each) => JSON.stringify(each))
        .join('\n'),
    );
    const { cost, models } = await json('--catalogue', 'litellm.json', log);
    const expected = 0.128 + 0.002 + 0.384003 + 0.006 + 0.0001;
    expect(cost.recomputedUsd).toBeCloseTo(expected, 12);
    expect(models[0].currentPrice).toBe('litellm.json');
    const prices = config('lite.yaml', '{ big: 10 }', '{}', 'assess: { catalogue: litellm.json }');
    expect((await json('-c', prices, '--batch-share', '1', log)).cost.projectedUsd).toBeCloseTo(
      // Without a batch price for cached tokens they take the batch input price.
      (128_000 + 128_001 + 1000) * 0.5e-6 + 2000 * 1e-6,
      9,
    );
  });

  it('a reply of OpenRouter', async () => {
    file(
      'models.json',
      JSON.stringify({ data: [{ id: 'acme/m', pricing: { prompt: '0.000002', completion: '0.000004' } }] }),
    );
    const log = file('m.jsonl', '{"model":"m","input_tokens":1000000,"output_tokens":1000000}\n');
    expect((await json('--catalogue', 'models.json', log)).cost.recomputedUsd).toBeCloseTo(6, 12);
  });

  it('a file that is no price list is exit 78', async () => {
    expect((await run(['--catalogue', file('junk.json', '{"a":1}'), DEMO])).code).toBe(78);
    expect((await run(['--catalogue', 'nowhere.json', DEMO])).code).toBe(78);
  });

  it('--strict-prices refuses models without a price', async () => {
    const log = file('unknown.jsonl', '{"model":"nobody-knows","input_tokens":10,"output_tokens":1}\n');
    const lenient = await json(log);
    expect(lenient.unpriced).toEqual([{ model: 'nobody-knows', tokens: 11, share: 1, missing: 'current' }]);
    const strict = await run(['--strict-prices', log]);
    expect(strict.code).toBe(65);
    expect(strict.stderr).toContain('nobody-knows');
  });

  it('points out that logs and price list disagree by more than 2 %', async () => {
    const log = file(
      'dear.jsonl',
      '{"model":"m","input_tokens":1000000,"cached_input_tokens":900000,"output_tokens":0,"cost":0.7642}\n',
    );
    const prices = config(
      'cached.yaml',
      '{ m: { input: 0.7642, cachedInput: 0.1205, output: 1 } }',
      '{ "*": 1 }',
    );
    const { cost, notes } = await json('-c', prices, log);
    expect(cost.difference.percent).toBeCloseTo(-75.8, 1);
    expect(notes.join()).toContain('75.8 % cheaper than the logs report');
  });

  it('amounts are shown in the currency of the config, and stay USD in the document', async () => {
    const prices = config(
      'eur.yaml',
      '{ "*": 8 }',
      '{ "*": 2 }',
      'assess: { currency: { code: EUR, perUsd: 0.5 } }',
    );
    expect((await run(['-c', prices, MONTH])).stdout).toContain('EUR 40.00 a month');
    const document = await json('-c', prices, MONTH);
    expect(document.cost.monthlyCurrentUsd).toBeCloseTo(80, 9);
    expect(document.currency).toEqual({ code: 'EUR', perUsd: 0.5 });
  });
});

describe('the verdict', () => {
  it('rests on the low end of the interval, which is the same each time', async () => {
    const prices = config(
      'demo.yaml',
      '{ "*": { input: 0.27, cachedInput: 0.07, output: 1.1 } }',
      '{ "*": 0.42 }',
    );
    const one = await json('-c', prices, DEMO);
    const { interval95, monthlyUsd, percent } = one.savings;
    expect(interval95.low).toBeLessThan(monthlyUsd);
    expect(interval95.high).toBeGreaterThan(monthlyUsd);
    expect(interval95.lowPercent).toBeLessThan(percent);
    expect((await json('-c', prices, DEMO)).savings).toEqual(one.savings);
    expect(one.recommendation.reason).toContain('low end of their 95 % interval');
  });

  it('--fail-under judges it: exit 2, or 3 when the savings are unknown', async () => {
    const prices = config('fail.yaml', '{ "*": 8 }', '{ "*": 7 }');
    expect((await run(['-c', prices, '--fail-under', '12', MONTH])).code).toBe(0);
    const failed = await run(['-c', prices, '--fail-under', '15%', MONTH]);
    expect(failed.code).toBe(2);
    expect(failed.stderr).toContain('12.5 %');
    expect(failed.stdout).toContain('Savings');
    expect((await run(['--fail-under', '15', DEMO])).code).toBe(3);
  });

  it('thresholds come from the config', async () => {
    const prices = config('strict.yaml', '{ "*": 8 }', '{ "*": 7 }', 'assess: { high: 12%, medium: 5% }');
    expect((await json('-c', prices, MONTH)).recommendation.level).toBe('HIGH');
  });

  it('less than a week is said to be worth little', async () => {
    const { notes } = await json('--since', '2026-07-02', '--until', '2026-07-05', DEMO);
    expect(notes.join()).toContain('The logs cover 3 days: less than a week');
  });

  it('tells what the probes of the migration cost', async () => {
    const prices = config('probes.yaml', '{ "*": 8 }', '{ "*": 2 }', 'ladder: [10%, 50%, 100%]');
    const { migrationWindow } = await json('-c', prices, MONTH);
    // A request of 250,000 tokens is $2.00 and $0.50.
    expect(migrationWindow).toMatchObject({ stages: 3, pairsPerStage: 905 });
    expect(migrationWindow.probesUsd).toBeCloseTo(3 * 905 * 2.5, 6);
  });
});

describe('reports', () => {
  it('the table fits into 80 columns and has no colour off a terminal', async () => {
    const { stdout } = await run(['--by', 'user', DEMO]);
    for (const line of stdout.split('\n')) expect(line.length, line).toBeLessThanOrEqual(80);
    expect(stdout).not.toContain('\u001b');
    expect((await run([DEMO], { FORCE_COLOR: '1' })).stdout).toContain('\u001b');
  });

  it('HTML is one file without scripts or anything loaded, and names are text in it', async () => {
    const evil = '<script>alert(1)</script>"\u001b[31m';
    const log = file(
      'evil.jsonl',
      JSON.stringify({ model: evil, input_tokens: 1, output_tokens: 1, latency_ms: 5 }),
    );
    expect((await run(['--html', 'report.html', log])).code).toBe(0);
    const html = readFileSync(join(dir, 'report.html'), 'utf8');
    expect(html).not.toMatch(/<script|https?:\/\/|src=|@import|url\(/);
    expect(html).toContain('&lt;script&gt;');
    await run(['--html', 'demo.html', DEMO]);
    const demo = readFileSync(join(dir, 'demo.html'), 'utf8');
    expect(demo.match(/<svg viewBox="0 0 720/g)).toHaveLength(4);
    expect(demo).toContain('prefers-color-scheme: dark');
    expect(demo).not.toMatch(/NaN|undefined|Infinity/);
  });

  it('Markdown goes to the step summary of GitHub Actions too', async () => {
    const summary = join(dir, 'summary.md');
    writeFileSync(summary, 'before\n');
    const log = file('pipes.jsonl', JSON.stringify({ model: 'a|b`c', input_tokens: 1, output_tokens: 1 }));
    const { code, stdout } = await run(['--report', 'markdown', log], { GITHUB_STEP_SUMMARY: summary });
    expect(code).toBe(0);
    const text = readFileSync(summary, 'utf8');
    expect(text).toBe(`before\n${stdout}`);
    expect(text).toContain("`a\\|b'c`");
  });

  it('an unknown report gets a suggestion', async () => {
    const { code, stderr } = await run(['--report', 'markdwon', DEMO]);
    expect(code).toBe(64);
    expect(stderr).toContain('did you mean markdown?');
  });
});
