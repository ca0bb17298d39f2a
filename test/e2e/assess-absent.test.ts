import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cutover, fixture } from './cutover.ts';

/** What a log does not tell is not zero: it is unusable, unknown, or named. */

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'cutover-absent-'));
  file(
    'config.yaml',
    'migration: t\nproviders:\n' +
      '  legacy: { name: azure, baseUrl: "http://127.0.0.1:9", prices: { "*": 8 } }\n' +
      '  target: { name: two, baseUrl: "http://127.0.0.1:9", prices: { "*": 2 } }\n',
  );
});
afterAll(() => rmSync(dir, { recursive: true }));

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
const format = (name: string) => fixture(`logs/formats/${name}`);

describe('a request without any token count', () => {
  it.each([
    ['otlp-openllmetry.jsonl', 5],
    ['otlp-openinference.jsonl', 3],
    ['otlp-vercel.jsonl', 3],
    ['langfuse-trace.json', 5],
  ])('is unusable, not a request for nothing: %s', async (name, used) => {
    const { records } = await json(format(name), '--max-bad', '100%');
    expect(Object.keys(records.rejectedByReason)).toEqual(['no token counts']);
    expect(records.used).toBe(used);
    expect((await run(format(name))).code).toBe(65);
  });

  it.each(['azure.jsonl', 'nginx.txt'])('of a log that never has any costs null: %s', async (name) => {
    const { cost, tokens, requests, unpriced, savings } = await json(
      '-c',
      'config.yaml',
      format(name),
      '--max-bad',
      '100%',
    );
    expect(cost).toMatchObject({ currentUsd: null, projectedUsd: null, recomputedUsd: null });
    expect(savings.periodUsd).toBeNull();
    expect(tokens.untoldRequests).toBe(requests.ok);
    expect(tokens.dailyAverage).toBeNull();
    expect(new Set(unpriced.map((one: { missing: string }) => one.missing))).toEqual(new Set(['tokens']));
    const { stdout } = await run('-c', 'config.yaml', format(name), '--max-bad', '100%');
    expect(stdout).toContain('unknown: no request has token counts');
    expect(stdout).not.toContain('$0');
  });

  it('beside others of its model is left out of the cost, and named', async () => {
    const body = JSON.stringify({ model: 'chat', usage: { prompt_tokens: 100_000, completion_tokens: 0 } });
    const gateway = (backendResponseBody: string | undefined) => ({
      category: 'GatewayLogs',
      operationName: 'Microsoft.ApiManagement/GatewayLogs',
      durationMs: 10,
      time: '2026-08-20T10:00:00Z',
      properties: {
        url: 'https://x.example/openai/deployments/chat/completions',
        backendResponseCode: 200,
        backendResponseBody,
      },
    });
    const log = lines('mixed.jsonl', [gateway(body), gateway(undefined), gateway(body)]);
    const { cost, notes, tokens } = await json('-c', 'config.yaml', log);
    expect(cost.currentUsd).toBeCloseTo(1.6, 12);
    expect(tokens).toMatchObject({ total: 200_000, untoldRequests: 1 });
    expect(notes.join('\n')).toContain('1 requests to chat have no token counts');
  });
});

describe('API Management’s gateway logs', () => {
  it('have tokens where they hold the answers, whole or streamed', async () => {
    const { tokens, requests } = await json(format('azure-gateway.jsonl'));
    expect(tokens).toMatchObject({ input: 1530, output: 266, cachedInput: 1024, untoldRequests: 2 });
    expect(requests.errorsByClass).toEqual({ rate_limit: 1 });
  });
});

describe('the first page of a report', () => {
  const bucket = {
    start_time: 1787184000,
    end_time: 1787270400,
    results: [{ input_tokens: 5, output_tokens: 1, model: 'gpt-4o' }],
  };
  const pages = (...more: boolean[]) =>
    file(
      'pages.json',
      more.map((has_more) => JSON.stringify({ object: 'page', data: [bucket], has_more })).join('\n'),
    );

  it('is not all there is', async () => {
    const { notes } = await json(pages(true));
    expect(notes.join('\n')).toContain('pages.json is not all there is');
    expect((await run(pages(false, true))).stdout.replace(/\s+/g, ' ')).toContain('more pages follow');
  });

  it('is, where the last page is there too', async () => {
    expect((await json(pages(true, false))).notes.join('\n')).not.toContain('not all there is');
  });

  it('in Langfuse’s own words', async () => {
    const data = JSON.parse(readFileSync(format('langfuse-trace.json'), 'utf8')).observations.slice(0, 1);
    const log = file('langfuse.json', JSON.stringify({ data, meta: { page: 1, limit: 1, totalPages: 3 } }));
    expect((await json(log)).notes.join('\n')).toContain('not all there is');
  });
});

describe('other kinds of usage', () => {
  it('are passed over by name', async () => {
    const { records } = await json(format('openai-usage-page.json'), '--max-bad', '50%');
    expect(records.filteredByReason).toEqual({
      'another kind of usage: images': 1,
      'another kind of usage: audio speeches': 1,
      'another kind of usage: vector stores': 1,
    });
    const { stdout } = await run(format('litellm-kinds.jsonl'), '--max-bad', '50%');
    expect(stdout).toContain('1 filtered: another kind of usage: images');
  });

  it('a report that is not grouped by tier says so', async () => {
    const { notes } = await json(format('openai-usage-page.json'), '--max-bad', '50%');
    expect(notes.join('\n')).toContain('not grouped by batch and service_tier');
  });
});

describe('LiteLLM rows without a model', () => {
  it('take their group, else are named; one in ten of them does not refuse the run', async () => {
    const row = (i: number) => ({
      request_id: `r${i}`,
      spend: 0.01,
      startTime: '2026-08-20T10:00:00Z',
      endTime: '2026-08-20T10:00:01Z',
      prompt_tokens: 10,
      completion_tokens: 1,
      model: i % 10 === 0 ? '' : 'gpt-4.1-mini',
      model_group: i % 20 === 0 ? 'chat' : '',
    });
    const { models, records } = await json(
      lines(
        'litellm.jsonl',
        Array.from({ length: 100 }, (_, i) => row(i)),
      ),
    );
    expect(records).toMatchObject({ used: 100, rejected: 0 });
    const counts = Object.fromEntries(
      models.map((one: { model: string; requests: number }) => [one.model, one.requests]),
    );
    expect(counts).toEqual({ 'gpt-4.1-mini': 90, chat: 5, unnamed: 5 });
  });
});

describe('a fault inside a list', () => {
  const good = { model: 'm', input_tokens: 1, output_tokens: 1 };

  it.each([
    ['an array on one line', JSON.stringify([good, good, { ...good, input_tokens: -1 }, good])],
    ['a reply on one line', JSON.stringify({ data: [good, good, { ...good, input_tokens: -1 }] })],
  ])('is told by the element’s index: %s', async (_, text) => {
    const log = file('list.json', text);
    const { stderr } = await run(log, '--max-bad', '50%', '--rejects', 'rejects.jsonl');
    expect(stderr).toContain('list.json:1: [2]: input_tokens is negative');
    expect(JSON.parse(readFileSync(join(dir, 'rejects.jsonl'), 'utf8'))).toEqual({
      source: 'list.json',
      line: 1,
      element: 2,
      reason: 'input_tokens is negative',
    });
  });

  it('on a line of its own by the line, as ever', async () => {
    const { stderr } = await run(
      lines('lines.jsonl', [good, { ...good, input_tokens: -1 }]),
      '--max-bad',
      '50%',
    );
    expect(stderr).toContain('lines.jsonl:2: input_tokens is negative');
  });
});
