import { CutoverError, EXIT, messageOf } from '../errors.ts';
import type { ChatMessage } from '../provider/client.ts';

/** What a probe's answer must be; all that is given must hold. */
export interface Expectation {
  readonly contains?: string;
  readonly regex?: RegExp;
  /** The whole answer is one JSON value. */
  readonly json?: true;
}

/** A request that the canary sends to both providers. */
export interface Probe {
  readonly messages: readonly ChatMessage[];
  readonly maxTokens: number;
  /** The legacy model to ask; without it the canary's own. */
  readonly model?: string;
  readonly expect?: Expectation;
}

const DEFAULT_MAX_TOKENS = 100;
const KEYS = ['messages', 'prompt', 'maxTokens', 'model', 'expect'];
const EXPECT_KEYS = ['contains', 'regex', 'json'];

/**
 * Parses a probe file: one JSON object a line; empty lines and lines that start with `#` are skipped.
 * @param file only used in messages.
 * @throws CutoverError PROBES_INVALID (exit 65); every mistake is named as `file:line: why`.
 */
export function parseProbes(text: string, file: string): Probe[] {
  const probes: Probe[] = [];
  const mistakes: string[] = [];
  text.split('\n').forEach((line, i) => {
    if (line.trim() === '' || line.trimStart().startsWith('#')) return;
    const probe = parseProbe(line);
    if (typeof probe === 'string') mistakes.push(`${file}:${i + 1}: ${probe}`);
    else probes.push(probe);
  });
  if (mistakes.length === 0 && probes.length === 0) mistakes.push(`${file}:1: no probe in the file`);
  if (mistakes.length === 0) return probes;
  throw new CutoverError('PROBES_INVALID', EXIT.input, mistakes.join('\n'), {
    hint: 'a probe is one line like {"prompt": "What is 2 + 3?", "expect": {"contains": "5"}}',
  });
}

/** Whether an answer is what the probe expects; undefined when the probe expects nothing. */
export function isInvalid(answer: string, expectation: Expectation | undefined): boolean | undefined {
  if (!expectation) return undefined;
  const { contains, regex, json } = expectation;
  if (contains !== undefined && !answer.includes(contains)) return true;
  if (regex && !regex.test(answer)) return true;
  return json === true && !isJson(answer);
}

/** The probes of a canary whose config names none: short, cheap, and each with one right answer. */
export const DEFAULT_PROBES: readonly Probe[] = [
  ['What is 17 + 25? Answer with the number only.', { contains: '42' }],
  ['Name the capital of France. Answer with one word.', { regex: /paris/i }],
  [
    'Reply with this JSON object and nothing else: {"status": "ok", "items": [1, 2, 3]}',
    { json: true as const },
  ],
  ['Translate to German, one word only: water', { regex: /wasser/i }],
  ['Write the English alphabet in capitals, without spaces.', { contains: 'ABCDEFGHIJKLMNOPQRSTUVWXYZ' }],
  ['List three primary colours, one on each line.', { regex: /red|blue|yellow|green/i }],
].map(([prompt, expect]) => ({
  messages: [{ role: 'user', content: prompt as string }],
  maxTokens: DEFAULT_MAX_TOKENS,
  expect: expect as Expectation,
}));

type Json = Record<string, unknown>;

/** The probe, or what is wrong with the line. */
function parseProbe(line: string): Probe | string {
  let probe: unknown;
  try {
    probe = JSON.parse(line);
  } catch (error) {
    return `not JSON: ${messageOf(error)}`;
  }
  if (!isObject(probe)) return 'a probe is a JSON object';
  const unknown = Object.keys(probe).find((key) => !KEYS.includes(key));
  if (unknown !== undefined) return `unknown key ${JSON.stringify(unknown)}; known: ${KEYS.join(', ')}`;
  const messages = parseMessages(probe);
  if (typeof messages === 'string') return messages;
  const { maxTokens = DEFAULT_MAX_TOKENS, model } = probe;
  if (!Number.isInteger(maxTokens) || (maxTokens as number) < 1)
    return 'maxTokens must be a whole number above 0';
  if (model !== undefined && (typeof model !== 'string' || model === '')) return 'model must be a model name';
  const expect = probe.expect === undefined ? undefined : parseExpectation(probe.expect);
  if (typeof expect === 'string') return expect;
  return {
    messages,
    maxTokens: maxTokens as number,
    ...(model === undefined ? {} : { model: model as string }),
    ...(expect ? { expect } : {}),
  };
}

function parseMessages({ messages, prompt }: Json): ChatMessage[] | string {
  if ((messages === undefined) === (prompt === undefined)) return 'give either prompt or messages';
  if (prompt !== undefined) {
    return typeof prompt === 'string' && prompt !== ''
      ? [{ role: 'user', content: prompt }]
      : 'prompt must be text';
  }
  const isMessage = (message: unknown): message is ChatMessage =>
    isObject(message) && typeof message.role === 'string' && message.content !== undefined;
  if (!Array.isArray(messages) || messages.length === 0 || !messages.every(isMessage)) {
    return 'messages must be a list of {"role", "content"}';
  }
  return messages;
}

function parseExpectation(value: unknown): Expectation | string {
  if (!isObject(value)) return 'expect must be an object';
  const unknown = Object.keys(value).find((key) => !EXPECT_KEYS.includes(key));
  if (unknown !== undefined) {
    return `unknown key ${JSON.stringify(unknown)} in expect; known: ${EXPECT_KEYS.join(', ')}`;
  }
  const { contains, regex, json } = value;
  if (Object.keys(value).length === 0) return `expect is empty; give one of ${EXPECT_KEYS.join(', ')}`;
  if (contains !== undefined && (typeof contains !== 'string' || contains === ''))
    return 'expect.contains must be text';
  if (json !== undefined && json !== true) return 'expect.json can only be true';
  if (regex !== undefined && typeof regex !== 'string') return 'expect.regex must be text';
  let pattern: RegExp | undefined;
  try {
    pattern = regex === undefined ? undefined : new RegExp(regex as string, 'u');
  } catch (error) {
    return `expect.regex: ${messageOf(error)}`;
  }
  return {
    ...(contains === undefined ? {} : { contains: contains as string }),
    ...(pattern ? { regex: pattern } : {}),
    ...(json === true ? { json: true as const } : {}),
  };
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
