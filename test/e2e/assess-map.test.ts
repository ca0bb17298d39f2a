import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cutover, fixture } from './cutover.ts';

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'cutover-map-'));
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

describe('maps that come along', () => {
  it.each([
    ['azure-trace', 'azure-trace.csv', { input: 8098, output: 45, cachedInput: 0 }, 3],
    ['burstgpt', 'burstgpt.csv', { input: 3336, output: 524, cachedInput: 0 }, 4],
    ['mooncake', 'mooncake.jsonl', { input: 21_035, output: 1042, cachedInput: 0 }, 3],
    // Anthropic's cached tokens are beside its input, Gemini's thoughts beside its output.
    ['posthog', 'posthog.jsonl', { input: 1400 + 1500 + 500, output: 250 + 250 + 400, cachedInput: 2048 }, 4],
    // The last state of a message counts, and once.
    ['claude-code', 'claude-code.jsonl', { input: 2 * 15_004, output: 310 + 120, cachedInput: 24_000 }, 2],
  ])('%s', async (name, log, tokens, requests) => {
    const result = await json(fixture(`maps/${log}`), '--map', name, '--max-bad', '100%');
    expect(result.tokens).toMatchObject(tokens);
    expect(result.requests.total).toBe(requests);
  });

  it('tell what they cannot know', async () => {
    const { notes, period } = await json(fixture('maps/mooncake.jsonl'), '--map', 'mooncake');
    expect(notes.join('\n')).toContain('its beginning is put at 2024-01-01');
    expect(period.from).toBe('2024-01-01T00:00:00.000Z');
    expect(period.to).toBe('2024-01-01T00:00:27.482Z');
  });

  it('count a time from the beginning of a trace, over months', async () => {
    const { period } = await json(fixture('maps/burstgpt.csv'), '--map', 'burstgpt');
    expect(period.to).toBe('2024-02-01T00:00:00.000Z');
  });

  it('give way to a file of the same name, and an unknown name is answered with a suggestion', async () => {
    const log = lines('own.jsonl', [{ m: 'x', i: 1, o: 2 }]);
    file('mooncake', 'model: m\ninputTokens: i\noutputTokens: o\n');
    expect((await json(log, '--map', 'mooncake')).tokens.total).toBe(3);
    rmSync(join(dir, 'mooncake'));
    const unknown = await run(log, '--map', 'moonkake');
    expect(unknown.code).toBe(78);
    expect(unknown.stderr).toContain('mooncake');
  });

  it('are listed', async () => {
    const { stdout } = await run('--list-formats');
    for (const name of ['azure-trace', 'burstgpt', 'mooncake', 'posthog', 'claude-code']) {
      expect(stdout).toContain(`--map ${name}`);
    }
  });
});

describe('what a map can say', () => {
  const log = () =>
    lines('calls.jsonl', [
      { kind: 'note' },
      {
        kind: 'call',
        who: { m: 'a' },
        fresh: 10,
        hit: 5,
        out: 7,
        t: { queue: 0.5, run: 1.5 },
        usd: [0.1, 0.2],
        off: 60,
      },
      { kind: 'call', who: { m: 'a' }, fresh: 4, out: 1, t: { run: 1 }, usd: [0.1], off: 120 },
      { kind: 'call', who: { m: 'test' }, fresh: 9, out: 9, off: 180 },
    ]);

  it('conditions, sums of paths, constants, relative times, units', async () => {
    file(
      'calls.yaml',
      [
        'where: { kind: call, who.m: { not: [test] } }',
        'at: { path: off, unit: s, from: 2026-08-20 }',
        'provider: { value: house }',
        'model: who.m',
        'inputTokens: { sum: [fresh, hit] }',
        'cachedInputTokens: hit',
        'outputTokens: out',
        'latency: { sum: [t.queue, t.run], unit: s }',
        'cost: { sum: [usd.0, usd.1] }',
      ].join('\n'),
    );
    const { tokens, latencyMs, cost, period, records } = await json(log(), '--map', 'calls.yaml');
    expect(tokens).toMatchObject({ input: 19, cachedInput: 5, output: 8 });
    expect(latencyMs.p50).toBe(1500);
    expect(cost.reportedUsd).toBeCloseTo(0.4, 12);
    expect(period).toMatchObject({ from: '2026-08-20T00:01:00.000Z', to: '2026-08-20T00:02:00.000Z' });
    expect(records.filteredByReason).toEqual({ 'not what the map asks for': 2 });
  });

  it('a sum is at fault where a part is', async () => {
    const bad = lines('bad.jsonl', [{ m: 'a', fresh: 10, hit: -5, out: 7 }]);
    file('bad.yaml', 'model: m\ninputTokens: { sum: [fresh, hit] }\noutputTokens: out\n');
    const { stderr } = await run(bad, '--map', 'bad.yaml', '--max-bad', '100%');
    expect(stderr).toContain('fresh is negative');
  });

  it('a success needs its token counts, a failure none', async () => {
    const some = lines('some.jsonl', [
      { m: 'a', i: 1, o: 1, s: 200 },
      { m: 'a', s: 500 },
      { m: 'a', i: 1, s: 200 },
    ]);
    file('some.yaml', 'model: m\ninputTokens: i\noutputTokens: o\nstatus: s\n');
    const { records, requests } = await json(some, '--map', 'some.yaml', '--max-bad', '50%');
    expect(requests).toMatchObject({ total: 2, ok: 1, errors: 1 });
    expect(records.rejectedByReason).toEqual({ 'o is missing': 1 });
  });

  it('a time to count from must be one', async () => {
    file(
      'from.yaml',
      'at: { path: off, unit: s, from: monday }\nmodel: m\ninputTokens: i\noutputTokens: o\n',
    );
    const { code, stderr } = await run(log(), '--map', 'from.yaml');
    expect(code).toBe(78);
    expect(stderr).toContain('at.from of the map is not a time: monday');
  });

  it('a mistake in it is answered with what may stand there', async () => {
    file('wrong.yaml', 'model: m\ninputTokens: { paths: [a] }\noutputTokens: o\n');
    const wrong = await run(log(), '--map', 'wrong.yaml');
    expect(wrong.code).toBe(78);
    expect(wrong.stderr).toContain('wrong.yaml: inputTokens');
    expect(wrong.stderr).toContain('{sum: [paths]}');
  });
});

describe('a log that no format fits', () => {
  const strange = () =>
    lines('strange.jsonl', [
      {
        request: { uuid: 'r1', llm_model: 'gpt-4.1-mini', secret: 'sk-never-shown' },
        created_at: '2026-08-20T10:00:00Z',
        metrics: { prompt_tokens: 1400, completion_tokens: 250, cached_tokens: 1024, duration_ms: 2350 },
        price_cents: 0.213,
      },
    ]);

  it('is answered with the two ways there are', async () => {
    const { code, stderr } = await run(strange());
    expect(code).toBe(65);
    expect(stderr).toContain('--suggest-map');
    expect(stderr).toContain('--map');
  });

  it('gets a map to begin with, which reads it', async () => {
    const { code, stdout } = await run(strange(), '--suggest-map');
    expect(code).toBe(0);
    expect(stdout).not.toContain('sk-never-shown');
    expect(stdout).toContain('request.secret');
    file('suggested.yaml', stdout);
    const { tokens, latencyMs, cost, period, models } = await json(strange(), '--map', 'suggested.yaml');
    expect(tokens).toMatchObject({ input: 1400, cachedInput: 1024, output: 250 });
    expect(latencyMs.p50).toBe(2350);
    expect(cost.reportedUsd).toBeCloseTo(0.00213, 12);
    expect(period.from).toBe('2026-08-20T10:00:00.000Z');
    expect(models[0].model).toBe('gpt-4.1-mini');
  });

  it('names what it did not find, from a table or a reply in pages as well', async () => {
    const table = file('table.csv', 'ts,tokens_in,who\n2026-08-20,5,ann\n');
    const { stdout } = await run(table, '--suggest-map');
    expect(stdout).toContain('inputTokens: tokens_in');
    expect(stdout).toContain('# outputTokens: is needed');
    const page = file(
      'page.json',
      JSON.stringify({ data: [{ model: 'm', usage: { input: 1, output: 2 } }] }),
    );
    expect((await run(page, '--suggest-map')).stdout).toContain('inputTokens: usage.input');
    const { suggestion } = await json(page, '--suggest-map');
    expect(suggestion.map).toEqual({
      model: 'model',
      inputTokens: 'usage.input',
      outputTokens: 'usage.output',
    });
  });

  it('has nothing to suggest for an empty file', async () => {
    expect((await run(file('empty.jsonl', ''), '--suggest-map')).code).toBe(3);
  });
});
