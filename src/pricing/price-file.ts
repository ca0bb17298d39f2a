import { CutoverError, EXIT } from '../errors.ts';
import type { PriceBook } from './book.ts';
import type { ModelPrice, Rate, RateCard } from './price.ts';

/** A price list of the user's own, in place of the bundled catalogue. */
export interface PriceFile {
  book: PriceBook;
  /** Where its tiers begin, in input tokens. */
  tierStarts: readonly number[];
}

type Json = Record<string, unknown>;

/**
 * Reads LiteLLM's `model_prices_and_context_window.json` (USD per token, `*_batches`, `*_above_128k_tokens`) or a
 * reply of OpenRouter's `/models` (`{data: [{id, pricing}]}`, USD per token as text).
 * @param name for messages.
 * @throws CutoverError PRICE_FILE (exit 78) when it is neither.
 */
export function parsePriceFile(text: string, name: string): PriceFile {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (cause) {
    throw unusable(name, 'not JSON', cause);
  }
  if (!isObject(parsed)) throw unusable(name, 'not a JSON object');
  if (Array.isArray(parsed.data)) return openRouter(parsed.data.filter(isObject), name);
  return liteLlm(parsed, name);
}

function unusable(name: string, why: string, cause?: unknown): CutoverError {
  return new CutoverError('PRICE_FILE', EXIT.config, `${name}: ${why}`, {
    hint: "a price file is LiteLLM's model_prices_and_context_window.json or a reply of OpenRouter's /models",
    cause,
  });
}

function liteLlm(models: Json, name: string): PriceFile {
  const starts = new Set<number>();
  const prices = new Map<string, ModelPrice>();
  for (const [model, entry] of Object.entries(models)) {
    // The first key of the file describes the others.
    if (model === 'sample_spec' || !isObject(entry)) continue;
    const card = liteLlmCard(entry, '', starts);
    if (!card) continue;
    const batch = liteLlmCard(entry, '_batches', starts);
    prices.set(model, { ...card, ...(batch ? { batch } : {}), source: name });
  }
  if (prices.size === 0) throw unusable(name, 'holds no prices per token');
  return {
    tierStarts: [...starts],
    book: {
      find({ model, provider }) {
        const direct = prices.get(model);
        if (direct) return direct;
        return (provider && prices.get(`${provider}/${model}`)) || prices.get(model.replace(/^[^/]+\//, ''));
      },
    },
  };
}

function liteLlmCard(entry: Json, suffix: string, starts: Set<number>): RateCard | undefined {
  const rate = (key: string): Rate | undefined => {
    const base = perMillion(entry[`${key}${suffix}`]);
    if (base === undefined) return undefined;
    const tiers = Object.entries(entry).flatMap(([name, value]) => {
      const above = new RegExp(`^${key}_above_(\\d+)k_tokens${suffix}$`).exec(name);
      const price = above ? perMillion(value) : undefined;
      return price === undefined ? [] : [{ start: Number(above?.[1]) * 1000, price }];
    });
    for (const tier of tiers) starts.add(tier.start);
    return { base, tiers: tiers.sort((a, b) => a.start - b.start) };
  };
  const input = rate('input_cost_per_token');
  const output = rate('output_cost_per_token');
  if (!input && !output) return undefined;
  const nothing: Rate = { base: 0, tiers: [] };
  return {
    input: input ?? nothing,
    cachedInput: rate('cache_read_input_token_cost') ?? input ?? nothing,
    cacheWrite: rate('cache_creation_input_token_cost') ?? input ?? nothing,
    output: output ?? nothing,
  };
}

function openRouter(models: readonly Json[], name: string): PriceFile {
  const prices = new Map<string, ModelPrice>();
  for (const { id, pricing } of models) {
    if (typeof id !== 'string' || !isObject(pricing)) continue;
    const rate = (key: string): Rate | undefined => {
      const base = perMillion(pricing[key]);
      return base === undefined ? undefined : { base, tiers: [] };
    };
    const [input, output] = [rate('prompt'), rate('completion')];
    if (!input || !output) continue;
    prices.set(id, {
      input,
      cachedInput: rate('input_cache_read') ?? input,
      cacheWrite: rate('input_cache_write') ?? input,
      output,
      source: name,
    });
  }
  if (prices.size === 0) throw unusable(name, 'holds no prices per token');
  const bare = new Map<string, ModelPrice>();
  for (const [id, price] of prices) if (!id.includes(':')) bare.set(id.replace(/^[^/]+\//, ''), price);
  return { tierStarts: [], book: { find: ({ model }) => prices.get(model) ?? bare.get(model) } };
}

/** USD per token (number or text) → USD per million; the rounding takes off what the multiplication adds. */
function perMillion(value: unknown): number | undefined {
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  if (typeof number !== 'number' || !Number.isFinite(number) || number < 0) return undefined;
  return Number((number * 1e6).toPrecision(12));
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
