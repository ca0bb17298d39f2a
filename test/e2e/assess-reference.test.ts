import { mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { type Line, type Prices, type Question, reference } from '../reference/assessment.ts';
import { cutover } from './cutover.ts';

/** Every figure of `--json`, made again from the documents: see test/reference/. */

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'cutover-reference-'));
});
afterAll(() => rmSync(dir, { recursive: true }));

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** mulberry32: numbers in [0, 1). */
function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** What the reference does not make: words. */
const WORDS = new Set(['notes', 'recommendation.reason', 'threshold.reason']);
/** The command takes Student's t by a formula that is good to a few digits. */
const BY_FORMULA = new Set(['savings.interval95.low', 'savings.interval95.high']);

function differences(actual: unknown, expected: unknown, path = ''): string[] {
  if (WORDS.has(path)) return [];
  if (typeof actual === 'number' && typeof expected === 'number') {
    const tolerance = BY_FORMULA.has(path) ? 1e-4 : 1e-9;
    return Math.abs(actual - expected) <= tolerance * Math.max(1e-6, Math.abs(expected))
      ? []
      : [`${path}: ${actual}, by the reference ${expected}`];
  }
  const isObject = (value: unknown): value is Record<string, unknown> =>
    typeof value === 'object' && value !== null;
  if (!isObject(actual) || !isObject(expected)) {
    return actual === expected
      ? []
      : [`${path}: ${JSON.stringify(actual)}, by the reference ${JSON.stringify(expected)}`];
  }
  const keys = new Set([...Object.keys(actual), ...Object.keys(expected)]);
  return [...keys].flatMap((key) =>
    differences(actual[key], expected[key], path === '' ? key : `${path}.${key}`),
  );
}

/** A price list as LiteLLM writes it: USD per token. */
function litellm(prices: Readonly<Record<string, Prices>>): string {
  const perToken = Object.entries(prices).map(([model, { input, cachedInput, output, above }]) => [
    model,
    {
      input_cost_per_token: input / 1e6,
      output_cost_per_token: output / 1e6,
      cache_read_input_token_cost: cachedInput / 1e6,
      ...(above && {
        [`input_cost_per_token_above_${above.start / 1000}k_tokens`]: above.input / 1e6,
        [`output_cost_per_token_above_${above.start / 1000}k_tokens`]: above.output / 1e6,
      }),
    },
  ]);
  return JSON.stringify(Object.fromEntries(perToken));
}

async function compare(name: string, question: Question): Promise<Record<string, unknown>> {
  const config = {
    migration: name,
    providers: {
      legacy: { name: 'one', baseUrl: 'http://127.0.0.1:9', prices: question.legacy },
      target: { name: 'two', baseUrl: 'http://127.0.0.1:9', prices: question.target },
    },
    models: question.models,
    ladder: Array.from({ length: question.stages }, (_, i) => (i + 1) / question.stages),
    assess: { tokenDrift: question.drift, ...(question.currency && { currency: question.currency }) },
  };
  writeFileSync(join(dir, `${name}.yaml`), stringify(config));
  writeFileSync(
    join(dir, `${name}.jsonl`),
    question.lines.map((line) => `${JSON.stringify(line)}\n`).join(''),
  );
  if (question.list) {
    const { name: file, date, prices } = question.list;
    writeFileSync(join(dir, file), litellm(prices));
    utimesSync(join(dir, file), new Date(date), new Date(date));
  }
  const flags: [string, unknown][] = [
    ['--config', `${name}.yaml`],
    ['--timezone', question.zone],
    ['--catalogue', question.list?.name],
    ['--since', question.since && new Date(question.since).toISOString()],
    ['--until', question.until && new Date(question.until).toISOString()],
    ['--model', question.only],
    ['--by', question.by],
    ['--growth', question.growth],
    ['--cache-hit', question.cacheHit],
    ['--batch-share', question.batchShare],
    ['--fail-under', question.failUnder],
  ];
  const words = flags.flatMap(([flag, value]) => (value === undefined ? [] : [flag, String(value)]));
  const run = await cutover(
    ['assess', '--json', ...words, ...(question.dedupe ? ['--dedupe'] : []), `${name}.jsonl`],
    { cwd: dir },
  );
  expect(run.stderr.replace(/^cutover: the low end.*\n/, '')).toBe('');
  const actual = JSON.parse(run.stdout);
  expect(differences(actual, reference(question))).toEqual([]);
  return actual;
}

describe('every figure, made again from the documents', () => {
  it('Berlin in autumn: an hour twice, gaps, a heavy day, tiers on the boundary, duplicates, costs of all kinds', async () => {
    const random = generator(11);
    const pick = <T>(values: readonly T[]) => values[Math.floor(random() * values.length)] as T;
    const lines: Line[] = [];
    const from = Date.UTC(2026, 9, 14, 21, 40);
    for (let day = 0; day < 15; day++) {
      // Two days without a record; the clock goes back on the twelfth.
      if (day === 4 || day === 5) continue;
      const count = day === 8 ? 900 : 70 + Math.floor(random() * 40);
      for (let i = 0; i < count; i++) {
        const model = pick(['big', 'big', 'own', 'told', 'half', 'lost', 'nowhere']);
        const failed = random() < 0.1;
        const status = failed ? pick(['timeout', 'rate_limit', 'server_error', 'cancelled']) : 200;
        const input =
          model === 'big'
            ? pick([99_999, 100_000, 100_001, 128_000, 128_001, 5000])
            : 1 + Math.floor(random() * 5000);
        const line: Line = {
          timestamp: new Date(from + day * DAY + Math.floor(random() * DAY)).toISOString(),
          provider: pick(['one', 'three']),
          model,
          input_tokens: input,
          cached_input_tokens: Math.floor(input * pick([0, 0.5, 1])),
          output_tokens: failed && random() < 0.5 ? 0 : Math.floor(random() * 900),
          latency_ms: Math.round(random() * 9e6) / 1000,
          status,
        };
        if (random() < 0.8) line.id = `r-${day}-${i}`;
        if (random() < 0.5) line.ttft_ms = Math.round(random() * 900);
        if (model === 'told' || (model === 'half' && random() < 0.5)) {
          // Some failures cost, most do not say that they cost anything.
          if (!failed || status === 'cancelled' || random() < 0.4)
            line.cost = Math.round(random() * 1e5) / 1e8;
        }
        lines.push(line);
        if (line.id !== undefined && random() < 0.05) lines.push({ ...line, output_tokens: 1 });
      }
    }
    const document = await compare('berlin', {
      lines,
      zone: 'Europe/Berlin',
      legacy: { own: { input: 2, cachedInput: 0.5, output: 8 } },
      target: {
        'own-2': { input: 0.3, cachedInput: 0.1, output: 1.2 },
        told: { input: 0.1, cachedInput: 0.02, output: 0.4 },
        half: { input: 0.1, cachedInput: 0.02, output: 0.4 },
      },
      list: {
        name: 'list.json',
        date: '2026-01-15',
        prices: {
          big: {
            input: 1.25,
            cachedInput: 0.31,
            output: 10,
            above: { start: 128_000, input: 2.5, cachedInput: 0.31, output: 15 },
          },
        },
      },
      models: { own: 'own-2' },
      drift: { big: 1.28 },
      dedupe: true,
      by: 'day',
      failUnder: 12,
      currency: { code: 'EUR', perUsd: 0.87 },
      stages: 4,
    });
    // What makes this log awkward is in it.
    expect(document.heavyDays).toHaveLength(1);
    expect(document.unpriced).toHaveLength(3);
    expect(document.days).toHaveLength(16);
    expect(document.records).toMatchObject({ filteredByReason: { 'a duplicate': expect.any(Number) } });
    expect(document.tokens).toMatchObject({ unbilled: expect.any(Number) });
  });

  it('New York in spring: a day of 23 hours, growth, weekends, every assumption, more tokens at the target', async () => {
    const random = generator(23);
    const lines: Line[] = [];
    for (let day = 0; day < 24; day++) {
      const weekend = day % 7 === 0 || day % 7 === 6;
      const count = Math.round(60 * 1.04 ** day * (weekend ? 0.3 : 1) * (0.9 + 0.2 * random()));
      for (let i = 0; i < count; i++) {
        const input = Math.floor(200 + random() * 4000);
        const line: Line = {
          id: `twice-${i % 50}`,
          // 2026-03-01, a Sunday, midnight in New York; whole seconds, as many loggers write.
          timestamp: new Date(
            Date.UTC(2026, 2, 1, 5) + day * DAY + Math.floor(random() * 86_000) * 1000,
          ).toISOString(),
          model: `m${Math.floor(random() ** 2 * 5)}`,
          input_tokens: input,
          cached_input_tokens: Math.floor(input * random()),
          output_tokens: Math.floor(random() * 500),
          status: random() < 0.03 ? 'server_error' : 200,
        };
        if (random() < 0.9) line.user = `team ${Math.floor(random() * 6)}`;
        if (random() < 0.7) line.latency_ms = 100 + Math.floor(random() * 5000);
        if (random() < 0.01) delete line.timestamp;
        lines.push(line);
      }
    }
    const document = await compare('new-york', {
      lines,
      zone: 'America/New_York',
      legacy: {
        '*': { input: 3, cachedInput: 0.75, output: 12 },
        m1: { input: 0.4, cachedInput: 0.1, output: 1.6 },
      },
      target: {
        '*': { input: 0.5, cachedInput: 0.05, output: 2, batch: { input: 0.25, output: 1 } },
        'm1-next': { input: 0.45, cachedInput: 0.2, output: 1.5, batch: { input: 0.2, output: 0.8 } },
      },
      models: { m1: 'm1-next', '*': 'one-for-all' },
      drift: { '*': 1.1, m2: 0.93 },
      by: 'user',
      growth: 0.1,
      cacheHit: 0.3,
      batchShare: 0.25,
      stages: 6,
    });
    expect(document.trend).not.toBeNull();
    expect(document.threshold).toBeNull();
  });

  it('a cut of a log in UTC: days that resemble their neighbours, one model, costs as reported', async () => {
    const random = generator(5);
    const lines: Line[] = [];
    let state = 0;
    for (let day = 0; day < 44; day++) {
      state = 0.85 * state + 0.5 * (random() + random() + random() - 1.5);
      const count = Math.round(60 * Math.exp(state));
      for (let i = 0; i < count; i++) {
        const input = Math.floor(50 + random() * 900);
        const output = Math.floor(random() * 400);
        lines.push({
          timestamp: new Date(Date.UTC(2026, 4, 1) + day * DAY + Math.floor(random() * DAY)).toISOString(),
          provider: 'one',
          model: random() < 0.8 ? 'chat' : 'embed',
          input_tokens: input,
          output_tokens: output,
          latency_ms: Math.round(1e4 * random()) / 10,
          ttft_ms: Math.round(1e3 * random()) / 10,
          status: 200,
          cost: Math.round(input * 2 + output * 8) / 1e6,
        });
      }
    }
    const document = await compare('cut', {
      lines,
      zone: 'UTC',
      legacy: {},
      target: { chat: { input: 1.4, cachedInput: 1.4, output: 6.5 } },
      list: {
        name: 'small.json',
        date: '2026-02-03',
        prices: { chat: { input: 2.1, cachedInput: 0.5, output: 8.2 } },
      },
      models: {},
      drift: {},
      since: Date.UTC(2026, 4, 4, 7, 30),
      until: Date.UTC(2026, 5, 9, 12),
      only: 'chat',
      by: 'hour',
      failUnder: 40,
      stages: 3,
    });
    expect(document.confidence).toMatchObject({ doubts: ['memory'] });
    expect(document.threshold).toMatchObject({ verdict: 'FAIL' });
  });
});
