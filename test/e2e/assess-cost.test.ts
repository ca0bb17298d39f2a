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
/** A month of 40 requests a day; MONTH has too few for a verdict. */
const BUSY = () =>
  file(
    'busy.jsonl',
    Array.from({ length: 1200 }, (_, i) =>
      JSON.stringify({
        timestamp: Date.UTC(2026, 5, 1) + i * 36 * 60_000,
        model: 'model-a',
        input_tokens: 10_000,
        output_tokens: 0,
      }),
    ).join('\n'),
  );
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
    expect((await run(['-c', prices, '--fail-under', '12', BUSY()])).code).toBe(0);
    const failed = await run(['-c', prices, '--fail-under', '15%', BUSY()]);
    expect(failed.code).toBe(2);
    expect(failed.stderr).toContain('12.5 %');
    expect(failed.stdout).toContain('Savings');
    expect((await run(['--fail-under', '15', DEMO])).code).toBe(3);
  });

  it('--fail-under has no answer, and exit 3, where there is too little to say', async () => {
    const prices = config('little.yaml', '{ "*": 8 }', '{ "*": 1 }');
    const hours = file(
      'hours.jsonl',
      Array.from({ length: 1500 }, (_, i) =>
        JSON.stringify({
          timestamp: 1_780_000_000 + i * 5,
          model: 'm',
          input_tokens: 900,
          output_tokens: 90,
        }),
      ).join('\n'),
    );
    for (const [log, lack] of [
      [hours, 'the log is of 2.1 hours, and it takes 3 days'],
      [MONTH, 'the log is of 40 requests, and it takes 1,000 requests'],
    ] as const) {
      const ran = await run(['-c', prices, '--json', '--fail-under', '1', log]);
      expect(ran.code).toBe(3);
      expect(ran.stderr).toContain(lack);
      const { recommendation, threshold, confidence } = JSON.parse(ran.stdout);
      expect(recommendation).toEqual({ level: null, reason: expect.stringContaining(lack) });
      expect(threshold).toMatchObject({ failUnder: 1, verdict: 'INCONCLUSIVE' });
      expect(confidence.enough).toBe(false);
      expect((await run(['-c', prices, log])).code).toBe(0);
    }
    const { savings } = await json('-c', prices, hours);
    expect(savings.interval95).toBeNull();
  });

  it('every report says that the threshold failed, whatever the level', async () => {
    const prices = config('high.yaml', '{ "*": 8 }', '{ "*": 1 }');
    const summary = join(dir, 'threshold.md');
    const said = 'the low end of the savings, 87.5 %, is under 90 %';
    const ran = await run(['-c', prices, '--fail-under', '90', '--html', 'threshold.html', BUSY()], {
      GITHUB_STEP_SUMMARY: summary,
    });
    expect(ran.code).toBe(2);
    expect(ran.stderr).toContain(said);
    expect(ran.stdout).toMatch(/Threshold {5}FAIL: the low end of the savings, 87.5 %, is under 90 %/);
    const markdown = readFileSync(summary, 'utf8');
    expect(markdown.indexOf(`FAIL: ${said}`)).toBeGreaterThan(0);
    expect(markdown.indexOf(`FAIL: ${said}`)).toBeLessThan(markdown.indexOf('HIGH'));
    expect(readFileSync(join(dir, 'threshold.html'), 'utf8')).toContain(`FAIL: ${said}`);
    expect((await run(['-c', prices, BUSY()])).stdout).not.toContain('Threshold');
  });

  it('thresholds come from the config', async () => {
    const prices = config('strict.yaml', '{ "*": 8 }', '{ "*": 7 }', 'assess: { high: 12%, medium: 5% }');
    expect((await json('-c', prices, BUSY())).recommendation.level).toBe('HIGH');
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

describe('months', () => {
  /** So many requests a day, each of a million tokens. */
  const daily = (name: string, counts: readonly number[], more: Record<string, unknown> = {}) =>
    file(
      name,
      counts
        .flatMap((count, day) =>
          Array.from({ length: count }, (_, i) =>
            JSON.stringify({
              timestamp: Date.UTC(2026, 5, 1 + day) + (i * 86_400_000) / count,
              model: 'model-a',
              input_tokens: 1_000_000,
              output_tokens: 0,
              ...more,
            }),
          ),
        )
        .join('\n'),
    );
  const noise = (i: number) => 1 + 0.1 * Math.sin(i * i * 12.9898);
  const prices = () => config('months.yaml', '{ "*": 8 }', '{ "*": 2 }');

  it('the interval is of the next 30 days if traffic stays as it is', async () => {
    const log = daily(
      'steady.jsonl',
      Array.from({ length: 28 }, (_, i) => Math.round(100 * noise(i) * (i % 7 >= 5 ? 0.2 : 1))),
    );
    const { savings, trend, heavyDays, confidence, notes } = await json('-c', prices(), log);
    expect(savings.interval95.low).toBeLessThan(savings.monthlyUsd);
    expect(savings.interval95.high).toBeGreaterThan(savings.monthlyUsd);
    expect(trend).toBeNull();
    expect(heavyDays).toEqual([]);
    expect(confidence).toMatchObject({ enough: true, autocorrelation: null, doubts: [] });
    expect(notes).toEqual([]);
    const { stdout } = await run(['-c', prices(), log]);
    expect(stdout.replace(/\s+/g, ' ')).toContain(
      'saved in the next 30 days if traffic stays as it is; 75 % to 75 % of the cost',
    );
  });

  it('a trend is said, with the month at the rate of the last 7 days', async () => {
    const counts = Array.from({ length: 28 }, (_, i) => Math.round(60 * noise(i) * 1.04 ** i));
    const log = daily('growing.jsonl', counts);
    const { trend, confidence, notes } = await json('-c', prices(), '--growth', '10%', log);
    expect(trend.percentPerDay).toBeCloseTo(4, 0);
    expect(confidence.doubts).toContain('trend');
    const week = counts.slice(-7).reduce((sum, count) => sum + count, 0);
    expect(trend.lastWeek.monthlyCurrentUsd).toBeCloseTo((week * 8 * 30 * 1.1) / trend.lastWeek.days, 6);
    expect(trend.lastWeek.monthlySavedUsd).toBeCloseTo((week * 6 * 30 * 1.1) / trend.lastWeek.days, 6);
    expect(notes.join()).toMatch(/The cost grew by [34]\.?\d? % a day/);
    expect((await run(['-c', prices(), log])).stdout).toContain('Last 7 days');
  });

  it('a day that carries the month is named', async () => {
    const log = daily(
      'heavy.jsonl',
      Array.from({ length: 20 }, (_, i) => (i === 4 ? 900 : Math.round(50 * noise(i)))),
    );
    const { heavyDays, notes } = await json('-c', prices(), log);
    expect(heavyDays).toEqual([{ day: '2026-06-05', share: expect.closeTo(0.49, 1) }]);
    expect(notes.join()).toContain('2026-06-05 alone carries');
  });

  it.each([
    [2.5, 'less than 5 ms (model-a): are the log’s latencies seconds?'],
    [900_000, 'more than 10 minutes (model-a): are the log’s latencies microseconds?'],
    [250, undefined],
  ])('a median latency of %f ms is asked about where it is none', async (latency, question) => {
    const log = daily('latency.jsonl', [400, 400, 400, 400], { latency_ms: latency });
    const { notes } = await json('-c', prices(), log);
    const asked = notes.filter((note: string) => note.includes('latencies')).join();
    if (question === undefined) expect(asked).toBe('');
    else expect(asked).toContain(question.replace('’', "'"));
  });

  it('--cache-hit without a price for cached tokens says that it changes nothing', async () => {
    const { whatIf, cost, notes } = await json('-c', prices(), '--cache-hit', '70%', MONTH);
    expect(cost.monthlyProjectedUsd).toBe(whatIf.plainMonthlyProjectedUsd);
    expect(notes.join()).toContain('--cache-hit changes nothing for these');
    const cached = config(
      'cachedprice.yaml',
      '{ "*": 8 }',
      '{ "*": { input: 2, cachedInput: 1, output: 2 } }',
    );
    expect((await json('-c', cached, '--cache-hit', '70%', MONTH)).notes.join()).not.toContain('--cache-hit');
  });

  it('equal prices save nothing: no residue of rounding, and amounts too small to be any are not written out', async () => {
    // Summed up exactly, what the log reports of each request is 1.4e-17 less than the price of their tokens.
    const same = config('same.yaml', '{}', '{ "*": { input: 0.04, output: 0.17 } }');
    const log = file(
      'thirds.jsonl',
      Array.from({ length: 999 }, (_, i) =>
        JSON.stringify({
          timestamp: 1_780_000_000 + i,
          model: 'm',
          input_tokens: i,
          output_tokens: (i * 31) % 977,
          cost: (i * 0.04 + ((i * 31) % 977) * 0.17) / 1e6,
        }),
      ).join('\n'),
    );
    const { savings } = await json('-c', same, log);
    expect(savings).toMatchObject({ periodUsd: 0, percent: 0 });
    const tiny = config('tiny.yaml', '{ "*": 0.0000001 }', '{ "*": 0 }');
    const { stdout } = await run([
      '-c',
      tiny,
      file('tiny.jsonl', '{"model":"m","input_tokens":1,"output_tokens":0}'),
    ]);
    expect(stdout).toContain('< $0.000001');
    expect(stdout).not.toMatch(/\$0\.0{7,}/);
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
