import type { ErrorClass } from './error-class.ts';
import { classifyErrorBody } from './failure.ts';

/** Tokens as the provider counted them; cached input is part of the input. */
export interface TokenUsage {
  readonly inputTokens: number;
  readonly cachedInputTokens: number;
  readonly outputTokens: number;
}

/** What could be read from a body, or the class of what is wrong with it. */
export type Parsed<T> =
  | ({ readonly ok: true } & T)
  | { readonly ok: false; readonly errorClass: ErrorClass; readonly message: string };

export interface ChatAnswer {
  readonly text: string;
  readonly usage?: TokenUsage;
  readonly model?: string;
  readonly id?: string;
}

/** Reads the body of `POST /chat/completions`. */
export function parseChat(body: string): Parsed<ChatAnswer> {
  return parseJson(body, (root) => {
    const choice = object(list(root.choices)?.[0]);
    const message = object(choice?.message);
    if (!message) return protocol('no choices[0].message in the answer');
    return { ok: true, text: contentText(message.content), ...common(root) };
  });
}

/** What one chunk of a stream adds. */
export function parseChunk(data: string): Parsed<ChatAnswer> {
  return parseJson(data, (root) => {
    const delta = object(object(list(root.choices)?.[0])?.delta);
    return { ok: true, text: contentText(delta?.content), ...common(root) };
  });
}

/** Reads the body of `POST /embeddings`; vectors are in the order of the inputs. */
export function parseEmbeddings(
  body: string,
  inputs: number,
): Parsed<{ vectors: number[][]; usage?: TokenUsage }> {
  return parseJson(body, (root) => {
    const rows = (list(root.data) ?? []).map((row, i) => {
      const { embedding, index } = object(row) ?? {};
      return { vector: list(embedding), index: typeof index === 'number' ? index : i };
    });
    const isVector = (vector: unknown[] | undefined): vector is number[] =>
      vector?.every((x) => typeof x === 'number') === true;
    const vectors = rows.sort((a, b) => a.index - b.index).map(({ vector }) => vector);
    if (vectors.length !== inputs || !vectors.every(isVector)) {
      return protocol(`${inputs} embeddings asked for, and not got`);
    }
    const { usage } = common(root);
    return { ok: true, vectors, ...(usage ? { usage } : {}) };
  });
}

/** Reads the body of `GET /models`. */
export function parseModels(body: string): Parsed<{ models: string[] }> {
  return parseJson(body, (root) => {
    const data = list(root.data);
    if (!data) return protocol('no list of models in the answer');
    const ids = data.map((entry) => object(entry)?.id).filter((id): id is string => typeof id === 'string');
    return { ok: true, models: ids };
  });
}

type Json = Record<string, unknown>;

function parseJson<T>(body: string, read: (root: Json) => Parsed<T>): Parsed<T> {
  let root: Json | undefined;
  try {
    root = object(JSON.parse(body));
  } catch {
    return protocol(`not JSON: ${body.slice(0, 80) || '(empty)'}`);
  }
  if (!root) return protocol('not a JSON object');
  if (root.error !== undefined && root.error !== null) {
    const message = object(root.error)?.message ?? root.error;
    return {
      ok: false,
      errorClass: classifyErrorBody(root.error),
      message: typeof message === 'string' ? message : JSON.stringify(message),
    };
  }
  return read(root);
}

function protocol(message: string): { ok: false; errorClass: ErrorClass; message: string } {
  return { ok: false, errorClass: 'protocol', message };
}

function common(root: Json): Omit<ChatAnswer, 'text'> {
  const usage = readUsage(object(root.usage));
  return {
    ...(usage ? { usage } : {}),
    ...(typeof root.model === 'string' ? { model: root.model } : {}),
    ...(typeof root.id === 'string' ? { id: root.id } : {}),
  };
}

function readUsage(usage: Json | undefined): TokenUsage | undefined {
  const inputTokens = count(usage?.prompt_tokens);
  if (!usage || inputTokens === undefined) return undefined;
  // OpenAI counts cached tokens in the details, DeepSeek beside them.
  const cached =
    count(object(usage.prompt_tokens_details)?.cached_tokens) ?? count(usage.prompt_cache_hit_tokens) ?? 0;
  return {
    inputTokens,
    cachedInputTokens: Math.min(cached, inputTokens),
    outputTokens: count(usage.completion_tokens) ?? 0,
  };
}

/** A message's text: a string, or the text parts of a list; a tool call has none. */
function contentText(content: unknown): string {
  if (typeof content === 'string') return content;
  return (list(content) ?? [])
    .map((part) => object(part)?.text)
    .filter((text) => typeof text === 'string')
    .join('');
}

function object(value: unknown): Json | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : undefined;
}

function list(value: unknown): unknown[] | undefined {
  return Array.isArray(value) ? value : undefined;
}

function count(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : undefined;
}
