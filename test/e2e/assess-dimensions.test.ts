import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cutover, fixture } from './cutover.ts';

/** Every dimension that decides a price is used, or named: as the user sees it, from log to report. */

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'cutover-dimensions-'));
});
afterAll(() => rmSync(dir, { recursive: true }));

const LIST = fixture('prices/litellm.json');
const MILLION = 1_000_000;

const file = (name: string, content: string) => {
  writeFileSync(join(dir, name), content);
  return name;
};
const lines = (name: string, records: readonly object[]) =>
  file(name, records.map((record) => JSON.stringify(record)).join('\n'));
const run = (...args: string[]) => cutover(['assess', ...args], { cwd: dir });
const json = async (...args: string[]) => {
  const ran = await run('--json', ...args);
  expect(ran.code, ran.stderr).toBe(0);
  return JSON.parse(ran.stdout);
};
const openai = (name: string, ...results: object[]) =>
  lines(name, [
    {
      object: 'bucket',
      start_time: 1787184000,
      end_time: 1787270400,
      results: results.map((result) => ({
        object: 'organization.usage.completions.result',
        input_tokens: MILLION,
        output_tokens: MILLION,
        num_model_requests: 1000,
        ...result,
      })),
    },
  ]);
const anthropic = (name: string, result: object) =>
  lines(name, [
    {
      starting_at: '2026-01-20T00:00:00Z',
      ending_at: '2026-01-21T00:00:00Z',
      results: [
        {
          model: 'claude-sonnet-4-5',
          uncached_input_tokens: MILLION,
          cache_read_input_tokens: 0,
          output_tokens: MILLION,
          service_tier: 'standard',
          ...result,
        },
      ],
    },
  ]);
const native = (name: string, ...records: object[]) =>
  lines(
    name,
    records.map((record) => ({ input_tokens: 0, output_tokens: 0, ...record })),
  );

describe('prices of what the logs and the list both hold', () => {
  it.each([
    [
      'audio',
      { model: 'gpt-4o-audio-preview', input_audio_tokens: 900_000, output_audio_tokens: 900_000 },
      109.25,
    ],
    ['batch', { model: 'gpt-4o', batch: true }, 6.25],
    ['priority', { model: 'gpt-5', service_tier: 'priority' }, 22.5],
    ['flex', { model: 'o3', service_tier: 'flex' }, 5],
    ['the plain tier', { model: 'gpt-5', service_tier: 'default', batch: false }, 11.25],
  ])('OpenAI usage, %s: a LiteLLM price list', async (_, result, usd) => {
    const log = openai('openai.jsonl', result);
    const { cost, priceGaps } = await json(log, '--catalogue', LIST);
    expect(cost.recomputedUsd).toBeCloseTo(usd, 9);
    expect(priceGaps.filter((gap: { missing: string }) => gap.missing === 'price')).toEqual([]);
  });

  it.each([
    ['requests of more than 200,000 tokens', { context_window: '200k-1M' }, 28.5],
    ['shorter ones', { context_window: '0-200k' }, 18],
    ['batch, half of the price', { context_window: '0-200k', service_tier: 'batch' }, 9],
    [
      'cache writes for an hour',
      {
        uncached_input_tokens: 0,
        output_tokens: 0,
        context_window: '0-200k',
        cache_creation: { ephemeral_1h_input_tokens: MILLION, ephemeral_5m_input_tokens: 0 },
      },
      6,
    ],
    [
      'cache writes for five minutes',
      {
        uncached_input_tokens: 0,
        output_tokens: 0,
        context_window: '0-200k',
        cache_creation: { ephemeral_1h_input_tokens: 0, ephemeral_5m_input_tokens: MILLION },
      },
      3.75,
    ],
    [
      'searches',
      { uncached_input_tokens: 0, output_tokens: 0, server_tool_use: { web_search_requests: 3 } },
      0.03,
    ],
  ])('Anthropic usage, %s: the catalogue', async (_, result, usd) => {
    const { cost } = await json(anthropic('anthropic.jsonl', result));
    expect(cost.recomputedUsd).toBeCloseTo(usd, 9);
  });

  it('a fee for each request: Perplexity', async () => {
    const two = native(
      'sonar.jsonl',
      ...[1, 2].map((id) => ({
        id,
        provider: 'perplexity',
        model: 'sonar',
        input_tokens: 100,
        output_tokens: 100,
      })),
    );
    expect((await json(two)).cost.recomputedUsd).toBeCloseTo(0.0244, 12);
  });

  it('what the provider bills besides OpenRouter, with a key of one’s own', async () => {
    const log = file(
      'byok.csv',
      'generation_id,created_at,cost_total,byok_usage_inference,tokens_prompt,tokens_completion,model_permaslug\n' +
        'g1,2026-08-20 10:00:00,0.001,0.02,1400,250,openai/gpt-4.1-mini\n',
    );
    expect((await json(log)).cost.reportedUsd).toBeCloseTo(0.021, 12);
  });

  it('the same dimensions on a native line', async () => {
    const at = '2026-01-20T10:00:00Z';
    const log = native(
      'native.jsonl',
      {
        model: 'gpt-4o-audio-preview',
        input_tokens: MILLION,
        output_tokens: MILLION,
        audio_input_tokens: 900_000,
        audio_output_tokens: 900_000,
      },
      { model: 'o3', input_tokens: MILLION, output_tokens: MILLION, service_tier: 'flex' },
      {
        model: 'claude-sonnet-4-5',
        timestamp: at,
        input_tokens: 100_000,
        cache_write_1h_input_tokens: 100_000,
        searches: 2,
      },
    );
    const { cost, tokens, searches, models } = await json(log, '--catalogue', LIST);
    expect(cost.recomputedUsd).toBeCloseTo(109.25 + 5 + 0.6 + 0.02, 9);
    expect(tokens.byDimension).toEqual({
      audioInput: 900_000,
      audioOutput: 900_000,
      cacheWrite: 100_000,
      cacheWrite1h: 100_000,
    });
    expect(searches).toBe(2);
    const sum = models.reduce((total: number, one: { currentUsd: number }) => total + one.currentUsd, 0);
    expect(sum).toBeCloseTo(cost.currentUsd, 9);
  });
});

describe('published cases', () => {
  const spend = (model: string, prompt: number, completion: number, usage: object) => ({
    request_id: 'x',
    call_type: 'acompletion',
    spend: 0,
    prompt_tokens: prompt,
    completion_tokens: completion,
    startTime: '2026-08-20T10:00:00Z',
    endTime: '2026-08-20T10:00:02Z',
    model,
    status: 'success',
    metadata: { usage_object: usage },
  });

  it('cached tokens of Gemini are charged once: $0.1849, not $0.7642', async () => {
    const log = lines('gemini.jsonl', [
      spend('gemini-2.5-pro', 262_960, 1744, {
        prompt_tokens_details: { text_tokens: 262_960, cached_tokens: 257_955 },
      }),
    ]);
    const config = file(
      'gemini.yaml',
      'migration: t\nproviders:\n' +
        '  legacy: { name: google, baseUrl: "http://127.0.0.1:9", prices: { "*": { input: 1.25, cachedInput: 0.625, output: 10 } } }\n' +
        '  target: { name: two, baseUrl: "http://127.0.0.1:9", prices: { "*": 1 } }\n',
    );
    expect((await json(log, '-c', config)).cost.recomputedUsd).toBeCloseTo(0.1849, 4);
  });

  it('cached images are charged once: $0.003092, not $0.005318', async () => {
    const usage = { prompt_tokens_details: { cached_tokens: 2432, image_tokens: 1142, text_tokens: 1319 } };
    const log = lines('grok.jsonl', [spend('xai/grok-4.6', 2461, 303, usage)]);
    const { cost } = await json(log, '--catalogue', LIST);
    expect(cost.recomputedUsd).toBeCloseTo(0.003092, 9);
  });

  it('a long request with a cached prompt takes the long rates for all of it', async () => {
    const log = native('long.jsonl', {
      model: 'claude-sonnet-4-5',
      input_tokens: 250_000,
      cached_input_tokens: 240_000,
      output_tokens: 1000,
      cache_write_input_tokens: 5000,
    });
    const expected = (5000 * 6 + 240_000 * 0.6 + 5000 * 7.5 + 1000 * 22.5) / 1e6;
    expect((await json(log, '--catalogue', LIST)).cost.recomputedUsd).toBeCloseTo(expected, 12);
  });
});

describe('what only one of them knows', () => {
  const gaps = (priceGaps: { dimension: string; missing: string }[], missing: string) =>
    priceGaps.filter((gap) => gap.missing === missing).map((gap) => gap.dimension);

  it.each([
    [
      'audio',
      { model: 'gpt-4o-audio-preview', input_audio_tokens: 900_000, output_audio_tokens: 900_000 },
      ['audioInput', 'audioOutput'],
      '900,000 audio input tokens (45 % of the tokens)',
    ],
    [
      'priority',
      { model: 'gpt-5', service_tier: 'priority' },
      ['priority'],
      'tokens of the tier priority (100 % of the tokens)',
    ],
    ['flex', { model: 'o3', service_tier: 'flex' }, ['flex'], 'priced as the plain tier'],
    ['an unknown tier', { model: 'o3', service_tier: 'scale' }, ['another tier'], 'tokens of another tier'],
    [
      'cache writes',
      { model: 'gpt-4o', input_cache_write_tokens: 1000 },
      ['cacheWrite'],
      '1,000 cache-write tokens (0.05 % of the tokens)',
    ],
  ])('%s without a price in the catalogue is named with tokens and share', async (_, result, named, text) => {
    const log = openai('gap.jsonl', result);
    const { priceGaps, notes } = await json(log);
    expect(gaps(priceGaps, 'price')).toEqual(named);
    expect(notes.join('\n')).toContain(text);
    expect((await run(log)).stdout.replace(/\s+/g, ' ')).toContain(text);
  });

  it('the batch price of the catalogue is a rule, and says so', async () => {
    const { cost, notes } = await json(openai('batch.jsonl', { model: 'gpt-4o', batch: true }));
    expect(cost.recomputedUsd).toBeCloseTo(6.25, 9);
    expect(notes.join('\n')).toContain('half of the plain price, as openai publishes it');
  });

  it('searches without a price are not in the cost, and named', async () => {
    const log = native('search.jsonl', { model: 'gpt-4o-search-preview', input_tokens: 1000, searches: 4 });
    const { priceGaps, notes, cost } = await json(log, '--catalogue', LIST);
    expect(cost.recomputedUsd).toBeCloseTo(0.0025, 12);
    expect(priceGaps).toMatchObject([{ dimension: 'searches', count: 4, unit: 'searches', pricedAs: null }]);
    expect(notes.join('\n')).toContain('4 web searches');
  });

  it('what the list charges for and the logs do not tell is named too', async () => {
    const log = native('plain.jsonl', { model: 'claude-sonnet-4-5', input_tokens: 1000, output_tokens: 10 });
    const { priceGaps, notes } = await json(log);
    expect(gaps(priceGaps, 'count')).toEqual(['cacheWrite', 'searches']);
    expect(notes.join('\n')).toContain('also charges by cache-write tokens, web searches');
    const told = native('told.jsonl', {
      model: 'claude-sonnet-4-5',
      input_tokens: 1000,
      output_tokens: 10,
      cache_write_input_tokens: 0,
      searches: 0,
    });
    expect(gaps((await json(told)).priceGaps, 'count')).toEqual([]);
  });

  it('sums that do not say of how many requests, or of what length', async () => {
    const { priceGaps } = await json(anthropic('length.jsonl', {}));
    expect(gaps(priceGaps, 'count')).toContain('contextLength');
    expect(
      gaps((await json(anthropic('sized.jsonl', { context_window: '0-200k' }))).priceGaps, 'count'),
    ).not.toContain('contextLength');
  });

  it('the target’s list is looked at as well', async () => {
    const config = file(
      'target.yaml',
      'migration: t\nproviders:\n' +
        '  legacy: { name: openai, baseUrl: "http://127.0.0.1:9", prices: { "*": { input: 1, output: 1, reasoning: 2, batch: { input: 1, output: 1 } } } }\n' +
        '  target: { name: two, baseUrl: "http://127.0.0.1:9", prices: { "*": { input: 1, output: 1 } } }\n',
    );
    const log = native('both.jsonl', {
      model: 'm',
      input_tokens: 10,
      output_tokens: 10,
      reasoning_tokens: 4,
      service_tier: 'batch',
    });
    const { priceGaps } = await json(log, '-c', config);
    expect(priceGaps).toMatchObject([
      { side: 'target', dimension: 'batch', count: 20, pricedAs: 'the plain tier' },
      { side: 'current', dimension: 'reasoning', count: 4 },
      { side: 'target', dimension: 'reasoning', count: 4, pricedAs: 'output' },
    ]);
  });
});

describe('where prices come from', () => {
  it('is said with the date, in every report', async () => {
    const log = native('from.jsonl', { model: 'gpt-4o', input_tokens: 1000, output_tokens: 10 });
    expect((await json(log)).prices).toEqual([
      { name: 'catalogue @pydantic/genai-prices 0.1.8', date: '2026-09-23' },
    ]);
    expect((await run(log)).stdout).toMatch(
      /Prices +catalogue @pydantic\/genai-prices 0\.1\.8 of 2026-09-23/,
    );
    expect((await run(log, '--report', 'markdown')).stdout).toContain('of 2026-09-23');
    const { prices } = await json(log, '--catalogue', LIST);
    expect(prices).toEqual([{ name: LIST, date: expect.stringMatching(/^\d{4}-\d{2}-\d{2}$/) }]);
  });

  it('the record’s provider goes first in a price list', async () => {
    const usage = { model: 'gpt-4o', input_tokens: MILLION, output_tokens: 0 };
    const of = async (provider: string | undefined) =>
      (await json(native('p.jsonl', { ...usage, ...(provider ? { provider } : {}) }), '--catalogue', LIST))
        .cost.recomputedUsd;
    expect(await of(undefined)).toBeCloseTo(2.5, 9);
    for (const azure of ['azure', 'Azure OpenAI', 'azure.ai.openai'])
      expect(await of(azure)).toBeCloseTo(5, 9);
  });
});
