import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { FORMATS } from '../../../src/usage/formats/index.ts';
import { createIntake, type Intake, type Reject } from '../../../src/usage/intake.ts';
import { readSource } from '../../../src/usage/read.ts';
import type { UsageRecord } from '../../../src/usage/record.ts';

const folder = new URL('../../../fixtures/logs/formats/', import.meta.url);
const names = readdirSync(folder).filter((name) => !name.endsWith('.golden.json'));

interface Result {
  format: string | undefined;
  records: UsageRecord[];
  rejects: Omit<Reject, 'source'>[];
  filtered: Record<string, number>;
}

async function read(name: string, bytes: Buffer): Promise<Result & { intake: Intake }> {
  const intake = createIntake();
  const records: UsageRecord[] = [];
  const rejects: Result['rejects'] = [];
  async function* chunks() {
    yield bytes;
  }
  const { format } = await readSource(
    { name, bytes: chunks() },
    {
      formats: FORMATS,
      intake,
      accept: (record) => void records.push(record),
      onReject: ({ source, ...reject }) => rejects.push(reject),
    },
  );
  return { format, records, rejects, filtered: Object.fromEntries(intake.filteredByReason), intake };
}

const load = (name: string) => readFileSync(new URL(name, folder));

describe('every log format', () => {
  it.each(names)('%s is recognised and read as its golden file says', async (name) => {
    const { intake, ...result } = await read(name, load(name));
    await expect(`${JSON.stringify(result, null, 2)}\n`).toMatchFileSnapshot(
      new URL(`${name}.golden.json`, folder).pathname,
    );
    expect(intake.read).toBe(intake.used + intake.filtered + intake.rejected);
  });

  it('has a fixture, except where several share one', () => {
    const covered = new Set(names.map((name) => JSON.parse(load(`${name}.golden.json`).toString()).format));
    expect([...covered].sort()).toEqual(FORMATS.map((format) => format.name).sort());
  });
});

/** The first record of each fixture is one and the same request, as far as its format can tell. */
describe('the same request, told in every format', () => {
  const lacks: Record<string, (keyof UsageRecord)[]> = {
    'portkey.jsonl': ['ttftMs', 'cachedInputTokens'],
    'openai-usage.json': ['latencyMs', 'ttftMs', 'costUsd'],
    'anthropic-usage.json': ['latencyMs', 'ttftMs', 'costUsd'],
    'azure.jsonl': ['ttftMs', 'costUsd', 'inputTokens', 'outputTokens', 'cachedInputTokens'],
    'bedrock.jsonl': ['latencyMs', 'ttftMs', 'costUsd'],
    'otlp.jsonl': ['costUsd'],
    'otlp-openinference.jsonl': ['ttftMs'],
    'otlp-vercel.jsonl': ['costUsd'],
    'azure-gateway.jsonl': ['ttftMs', 'costUsd'],
    'openai-usage-page.json': ['latencyMs', 'ttftMs', 'costUsd'],
    'cloudflare.jsonl': ['ttftMs', 'cachedInputTokens'],
    'nginx.txt': ['costUsd', 'inputTokens', 'outputTokens', 'cachedInputTokens'],
    'nginx-json.jsonl': ['costUsd', 'inputTokens', 'outputTokens', 'cachedInputTokens'],
  };
  const told = {
    inputTokens: 1400,
    cachedInputTokens: 1024,
    outputTokens: 250,
    latencyMs: 2350,
    ttftMs: 490,
    costUsd: 0.00213,
    status: 'ok',
  };
  it.each(names.filter((name) => !name.startsWith('llama')))('%s', async (name) => {
    const { records } = await read(name, load(name));
    const expected = Object.fromEntries(
      Object.entries(told).filter(([key]) => !lacks[name]?.includes(key as keyof UsageRecord)),
    );
    expect(records[0]).toMatchObject(expected);
    for (const key of lacks[name] ?? []) expect(records[0]?.[key] ?? 0).toBe(0);
  });
});

describe('what no format knows', () => {
  it('is refused with the fields it has', async () => {
    const strange = read('x.jsonl', Buffer.from('{"foo":1,"bar":2}\n'));
    await expect(strange).rejects.toMatchObject({ code: 'UNKNOWN_FORMAT', exitCode: 65 });
    await expect(strange).rejects.toThrow('foo, bar');
  });

  it('a strange object before the first known one is an unusable record, not a reason to stop', async () => {
    const log = '{"hello":1}\n{"model":"m","input_tokens":1,"output_tokens":1}\n';
    const { intake, rejects } = await read('x.jsonl', Buffer.from(log));
    expect(intake).toMatchObject({ read: 2, used: 1, rejected: 1 });
    expect(rejects).toEqual([{ line: 1, reason: 'model is missing' }]);
  });

  it('text without a known line is refused', async () => {
    await expect(read('x.txt', Buffer.from('hello\nworld\n'))).rejects.toMatchObject({
      code: 'UNKNOWN_FORMAT',
    });
  });
});
