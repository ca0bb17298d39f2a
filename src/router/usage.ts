import type { Price } from '../config/schema.ts';

/** Tokens of one request; `cachedInput` is part of `input`. */
export interface Tokens {
  input: number;
  cachedInput: number;
  output: number;
}

/**
 * The tokens in a `usage` object of any OpenAI-compatible answer, or undefined when it holds none: chat and
 * completions (`prompt_tokens`), responses (`input_tokens`), and DeepSeek's `prompt_cache_hit_tokens`.
 */
export function readTokens(usage: unknown): Tokens | undefined {
  if (!isObject(usage)) return undefined;
  const input = count(usage.prompt_tokens) ?? count(usage.input_tokens);
  const output = count(usage.completion_tokens) ?? count(usage.output_tokens);
  if (input === undefined && output === undefined) return undefined;
  const cached =
    cachedIn(usage.prompt_tokens_details) ??
    cachedIn(usage.input_tokens_details) ??
    count(usage.prompt_cache_hit_tokens) ??
    0;
  return { input: input ?? 0, cachedInput: Math.min(cached, input ?? 0), output: output ?? 0 };
}

/** The `usage` of a whole answer or of one event of a stream (the responses API nests it). */
export function usageOf(json: unknown): Tokens | undefined {
  if (!isObject(json)) return undefined;
  return readTokens(json.usage) ?? (isObject(json.response) ? readTokens(json.response.usage) : undefined);
}

/** USD, from prices per million tokens: the model's own, else `"*"`, else undefined. */
export function costOf(
  tokens: Tokens,
  model: string,
  prices: Readonly<Record<string, Price>>,
): number | undefined {
  const price = Object.hasOwn(prices, model) ? prices[model] : prices['*'];
  if (!price) return undefined;
  const cachedPrice = price.cachedInput ?? price.input;
  const fresh = tokens.input - tokens.cachedInput;
  return (fresh * price.input + tokens.cachedInput * cachedPrice + tokens.output * price.output) / 1e6;
}

function cachedIn(details: unknown): number | undefined {
  return isObject(details) ? count(details.cached_tokens) : undefined;
}

function count(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : undefined;
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
