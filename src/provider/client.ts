import type { ProviderConfig } from '../config/schema.ts';
import type { Secrets } from '../config/secrets.ts';
import { CutoverError, EXIT } from '../errors.ts';
import {
  type ChatAnswer,
  type Parsed,
  parseChat,
  parseChunk,
  parseEmbeddings,
  parseModels,
  type TokenUsage,
} from './answer.ts';
import { type Answer, type Call, exchange, type Reader, type Wire } from './exchange.ts';
import { type Failure, printable } from './failure.ts';

export type { TokenUsage } from './answer.ts';
export type { Failure } from './failure.ts';

export interface ChatMessage {
  readonly role: string;
  readonly content: unknown;
}

export interface ChatRequest {
  readonly model: string;
  readonly messages: readonly ChatMessage[];
  readonly maxTokens?: number;
}

export interface ChatSuccess {
  readonly ok: true;
  readonly text: string;
  /** Absent when the provider reports none. */
  readonly usage?: TokenUsage;
  /** From the call to the last byte, milliseconds. */
  readonly latencyMs: number;
  /** From the call to the first text, milliseconds; only of a streamed answer. */
  readonly ttftMs?: number;
  /** The model that answered, as the provider names it. */
  readonly model: string;
  readonly requestId?: string;
}

export type ChatResult = ChatSuccess | Failure;
export type Outcome<T> = ({ readonly ok: true; readonly latencyMs: number } & T) | Failure;

/** An OpenAI-compatible provider. No call throws for what the provider or the network does, and none retries. */
export interface ProviderClient {
  chat(request: ChatRequest, signal?: AbortSignal): Promise<ChatResult>;
  /** A streamed completion; `onText` gets each piece as it comes. */
  stream(request: ChatRequest, signal?: AbortSignal, onText?: (text: string) => void): Promise<ChatResult>;
  embeddings(
    model: string,
    input: readonly string[],
    signal?: AbortSignal,
  ): Promise<Outcome<{ vectors: number[][]; usage?: TokenUsage }>>;
  models(signal?: AbortSignal): Promise<Outcome<{ models: string[] }>>;
  /** One token for "ping". */
  health(model: string, signal?: AbortSignal): Promise<ChatResult>;
  /** Closes its connections; calls under way fail. */
  close(): Promise<void>;
}

/**
 * @param side names the provider in messages about its config.
 * @throws CutoverError SECRET_MISSING, SECRET_INVALID, CONFIG_INVALID (exit 78).
 */
export async function createClient(
  provider: ProviderConfig,
  side: 'legacy' | 'target',
  secrets: Secrets,
): Promise<ProviderClient> {
  const base = baseUrl(secrets.resolve(provider.baseUrl, `providers.${side}.baseUrl`), side);
  const key = provider.apiKey && apiKey(secrets.resolve(provider.apiKey, `providers.${side}.apiKey`), side);
  const headers: Record<string, string> = { accept: 'application/json', 'user-agent': 'cutover' };
  if (key) headers.authorization = `Bearer ${key}`;

  // The default export: named ones of a CommonJS package do not survive bundling behind a dynamic import.
  const { Agent } = (await import('undici')).default;
  const agent = new Agent({
    connect: { timeout: provider.timeouts.connect },
    headersTimeout: 0,
    bodyTimeout: 0,
  });
  const wire: Wire = {
    dispatcher: agent,
    timeouts: provider.timeouts,
    redact: (text) => secrets.redact(key ? text.replaceAll(key, '***') : text),
  };
  const get = (path: string): Call => ({ method: 'GET', url: base + path, headers });
  const post = (path: string, body: unknown): Call => ({
    method: 'POST',
    url: base + path,
    headers: { ...headers, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });

  const whole = async <T extends object>(
    call: Call,
    signal: AbortSignal | undefined,
    parse: (body: string) => Parsed<T>,
  ): Promise<Outcome<T & { requestId?: string }>> => {
    let body = '';
    const answer = await exchange(wire, call, signal, () => (text) => {
      body += text;
      return 'more';
    });
    return answer.ok ? finish(wire, answer, parse(body)) : answer;
  };

  const chat = async (request: ChatRequest, signal?: AbortSignal): Promise<ChatResult> =>
    chatResult(await whole(post('/chat/completions', chatBody(request)), signal, parseChat), request.model);

  return {
    chat,
    stream: (request, signal, onText) =>
      streamChat(wire, post('/chat/completions', streamBody(request)), request.model, signal, onText),
    embeddings: (model, input, signal) =>
      whole(post('/embeddings', { model, input, encoding_format: 'float' }), signal, (body) =>
        parseEmbeddings(body, input.length),
      ),
    models: (signal) => whole(get('/models'), signal, parseModels),
    health: (model, signal) =>
      chat({ model, messages: [{ role: 'user', content: 'ping' }], maxTokens: 1 }, signal),
    close: () => agent.destroy(),
  };
}

/** A single event of a stream may be this many characters long. */
const MAX_EVENT = 1024 * 1024;

/** Reads a stream to its `[DONE]`. A provider that answers with plain JSON instead is taken at its word. */
async function streamChat(
  wire: Wire,
  call: Call,
  model: string,
  signal: AbortSignal | undefined,
  onText: ((text: string) => void) | undefined,
): Promise<ChatResult> {
  const { createParser } = await import('eventsource-parser');
  let text = '';
  let ttftMs: number | undefined;
  let done = false;
  let broken: Parsed<never> | undefined;
  let last: Omit<ChatAnswer, 'text'> = {};
  let now = 0;
  const parser = createParser({
    maxBufferSize: MAX_EVENT,
    onError(error) {
      if (error.type === 'max-buffer-size-exceeded') {
        broken = { ok: false, errorClass: 'protocol', message: 'an event of the stream is too long' };
      }
    },
    onEvent({ data }) {
      if (done || broken) return;
      if (data.trim() === '[DONE]') {
        done = true;
        return;
      }
      const chunk = parseChunk(data);
      if (!chunk.ok) {
        broken = chunk;
        return;
      }
      const { text: piece, ok: _ok, ...rest } = chunk;
      last = { ...last, ...rest };
      if (piece === '') return;
      ttftMs ??= now;
      text += piece;
      onText?.(piece);
    },
  });
  let plain: string | undefined;
  const readEvents: Reader = (part, sinceStartMs) => {
    now = sinceStartMs;
    parser.feed(part);
    return done || broken ? 'done' : 'more';
  };
  const readPlain: Reader = (part) => {
    plain += part;
    return 'more';
  };
  const answer = await exchange(wire, call, signal, (contentType) => {
    if (!/^application\/json\b/i.test(contentType)) return readEvents;
    plain = '';
    return readPlain;
  });
  if (!answer.ok) return answer;
  if (plain !== undefined) return chatResult(finish(wire, answer, parseChat(plain)), model);
  const streamed: Parsed<ChatAnswer> =
    broken ??
    (done
      ? { ok: true, text, ...last }
      : { ok: false, errorClass: 'protocol', message: 'the stream ended before [DONE]' });
  return chatResult(finish(wire, answer, streamed), model, ttftMs);
}

/** Joins what the wire and the body said. */
function finish<T extends object>(
  wire: Wire,
  answer: Answer,
  parsed: Parsed<T>,
): Outcome<T & { requestId?: string }> {
  const known = {
    latencyMs: answer.latencyMs,
    ...(answer.requestId === undefined ? {} : { requestId: answer.requestId }),
  };
  if (parsed.ok) return { ...parsed, ...known };
  return {
    ok: false,
    errorClass: parsed.errorClass,
    status: answer.status,
    message: printable(wire.redact(parsed.message)),
    ...known,
  };
}

function chatResult(
  outcome: Outcome<ChatAnswer & { requestId?: string }>,
  asked: string,
  ttftMs?: number,
): ChatResult {
  if (!outcome.ok) return outcome;
  const { id, model, requestId, ...rest } = outcome;
  const name = requestId ?? id;
  return {
    ...rest,
    model: model ?? asked,
    ...(name === undefined ? {} : { requestId: name }),
    ...(ttftMs === undefined ? {} : { ttftMs }),
  };
}

function chatBody({ model, messages, maxTokens }: ChatRequest) {
  return { model, messages, ...(maxTokens === undefined ? {} : { max_tokens: maxTokens }) };
}

function streamBody(request: ChatRequest) {
  // Without include_usage a stream does not say what it cost.
  return { ...chatBody(request), stream: true, stream_options: { include_usage: true } };
}

function baseUrl(text: string, side: string): string {
  if (!/^https?:\/\//.test(text) || !URL.canParse(text)) {
    throw new CutoverError('CONFIG_INVALID', EXIT.config, `providers.${side}.baseUrl: not an http(s) URL`);
  }
  return text.replace(/\/+$/, '');
}

function apiKey(text: string, side: string): string {
  const key = text.trim();
  if (/^[\x21-\x7e]+$/.test(key)) return key;
  throw new CutoverError(
    'SECRET_INVALID',
    EXIT.config,
    `providers.${side}.apiKey: holds characters that an HTTP header cannot carry`,
    { hint: 'a key is one line of printable ASCII; look for a stray newline or quote' },
  );
}
