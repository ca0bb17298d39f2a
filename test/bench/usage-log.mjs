// Writes a large usage log of the native format, the same bytes for the same number of lines on every machine.
import { closeSync, existsSync, mkdirSync, openSync, renameSync, statSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const VERSION = 1;
const START = Date.UTC(2026, 5, 1);
const DAYS = 30;
/** model, provider, USD per million input, cached input and output tokens */
const MODELS = [
  ['gpt-4.1', 'openai', 2, 0.5, 8],
  ['gpt-4.1-mini', 'openai', 0.4, 0.1, 1.6],
  ['gpt-4o-mini', 'openai', 0.15, 0.075, 0.6],
  ['deepseek-chat', 'deepseek', 0.27, 0.07, 1.1],
  ['deepseek-reasoner', 'deepseek', 0.55, 0.14, 2.19],
  ['claude-sonnet-4-5', 'anthropic', 3, 0.3, 15],
  ['gemini-2.5-flash', 'google', 0.3, 0.075, 2.5],
];
const FAILURES = [429, 429, 500, 503, 504, 'timeout', 'connection', 400];

/** mulberry32: numbers in [0, 1). */
function generator(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** One line, as the router writes it: microseconds in latencies, no ttft_ms without a stream, no cost for a failure. */
function line(random, index, count) {
  const [model, provider, input, cached, output] = MODELS[Math.floor(random() ** 2 * MODELS.length)];
  const hex = () =>
    Math.floor(random() * 2 ** 32)
      .toString(16)
      .padStart(8, '0');
  const failed = random() < 0.02;
  const inputTokens = Math.floor(50 + 4000 * random() ** 3);
  const cachedTokens = random() < 0.4 ? 64 * Math.floor((inputTokens * random()) / 64) : 0;
  const outputTokens = failed ? 0 : Math.floor(1 + 900 * random() ** 2);
  const latency = 80 - 900 * Math.log(1 - random()) + outputTokens * (4 + 3 * random());
  const record = {
    id: `req-${hex()}${hex()}`,
    timestamp: new Date(START + Math.floor(((index + random()) / count) * DAYS * 86_400_000)).toISOString(),
    provider,
    model,
    input_tokens: inputTokens,
    cached_input_tokens: cachedTokens,
    output_tokens: outputTokens,
    latency_ms: Math.round(latency * 1000) / 1000,
  };
  if (random() < 0.8) record.ttft_ms = Math.round(latency * (0.05 + 0.3 * random()) * 1000) / 1000;
  record.status = failed ? FAILURES[Math.floor(random() * FAILURES.length)] : 200;
  if (!failed) {
    const usd = (inputTokens - cachedTokens) * input + cachedTokens * cached + outputTokens * output;
    record.cost = Math.round(usd * 100) / 1e8;
  }
  if (random() < 0.9) record.user = `team-${Math.floor(random() * 40)}`;
  return JSON.stringify(record);
}

/**
 * The path of a log of so many lines, written to the temporary folder unless it is there.
 * @param {number} lines
 */
export function usageLog(lines) {
  const folder = join(tmpdir(), 'cutover-bench');
  const path = join(folder, `usage-${VERSION}-${lines}.jsonl`);
  if (existsSync(path)) return { path, bytes: statSync(path).size };
  mkdirSync(folder, { recursive: true });
  const random = generator(20260601);
  const partial = `${path}.${process.pid}`;
  const file = openSync(partial, 'w');
  let batch = [];
  for (let i = 0; i < lines; i++) {
    batch.push(line(random, i, lines));
    if (batch.length === 5000 || i === lines - 1) {
      writeSync(file, `${batch.join('\n')}\n`);
      batch = [];
    }
  }
  closeSync(file);
  renameSync(partial, path);
  return { path, bytes: statSync(path).size };
}
