import type { Side } from '../world.ts';
import { editMembers } from './json-edit.ts';

/** An API call that the router carries: its name in logs and metrics, and its path under a provider's base URL. */
export interface Endpoint {
  name: 'chat' | 'completions' | 'embeddings' | 'responses' | 'models';
  path: string;
  /** Whether a stream reports its tokens only when `stream_options.include_usage` asks for it. */
  usageOnRequest: boolean;
}

export const ENDPOINTS: readonly Endpoint[] = [
  { name: 'chat', path: '/chat/completions', usageOnRequest: true },
  { name: 'completions', path: '/completions', usageOnRequest: true },
  { name: 'embeddings', path: '/embeddings', usageOnRequest: false },
  { name: 'responses', path: '/responses', usageOnRequest: false },
  { name: 'models', path: '/models', usageOnRequest: false },
];

/** A request body, read once; `text` is what the client sent, to the character. */
export interface RequestBody {
  text: string;
  json: Readonly<Record<string, unknown>>;
}

/** What one side is sent. */
export interface SideBody {
  bytes: Buffer | null;
  /** The model as this side knows it. */
  model: string;
  /** True when the router asked for the usage chunk and the client did not: it is taken out of the answer. */
  usageAdded: boolean;
}

/** The JSON object in a body, or a sentence that says why there is none. */
export function parseBody(bytes: Buffer): RequestBody | string {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return 'the body is not UTF-8';
  }
  try {
    const json: unknown = JSON.parse(text);
    if (typeof json === 'object' && json !== null && !Array.isArray(json)) {
      return { text, json: json as Record<string, unknown> };
    }
    return 'the body must be a JSON object';
  } catch {
    return 'the body is not JSON';
  }
}

/**
 * The body for one side: for target the model is renamed by `models` (`"*"` stands for every other model), and a
 * stream is made to report its tokens. Nothing else changes, not even white space.
 */
export function bodyFor(
  side: Side,
  body: RequestBody | null,
  endpoint: Endpoint,
  models: Readonly<Record<string, string>>,
): SideBody {
  if (!body) return { bytes: null, model: 'unknown', usageAdded: false };
  const asked = body.json.model;
  const edits: Record<string, string> = {};
  let model = typeof asked === 'string' ? asked : 'unknown';
  if (side === 'target' && typeof asked === 'string') {
    model = targetModel(asked, models);
    if (model !== asked) edits.model = JSON.stringify(model);
  }
  const options = body.json.stream_options;
  const usageAdded = endpoint.usageOnRequest && body.json.stream === true && !wantsUsage(options);
  if (usageAdded) edits.stream_options = JSON.stringify({ ...objectOr(options), include_usage: true });
  const text = Object.keys(edits).length === 0 ? body.text : editMembers(body.text, edits);
  return { bytes: Buffer.from(text), model, usageAdded };
}

/** The name that target knows a model by: its own entry, else the `"*"` entry, else unchanged. */
export function targetModel(model: string, models: Readonly<Record<string, string>>): string {
  if (Object.hasOwn(models, model)) return models[model] as string;
  return models['*'] ?? model;
}

function wantsUsage(options: unknown): boolean {
  return objectOr(options).include_usage === true;
}

function objectOr(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : {};
}
