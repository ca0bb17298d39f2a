import { CutoverError, EXIT } from '../errors.ts';
import { SERVICE_TIERS } from '../usage/dimensions.ts';
import type { PriceBook } from './book.ts';
import type { ModelPrice, PriceOrigin, Rate, RateCard, TokenKind } from './price.ts';
import { prefixesOf } from './providers.ts';

/** A price list of the user's own, in place of the bundled catalogue. */
export interface PriceFile {
  book: PriceBook;
  /** Where its tiers begin, in input tokens. */
  tierStarts: readonly number[];
}

type Json = Record<string, unknown>;

/**
 * Reads LiteLLM's `model_prices_and_context_window.json` (USD per token; `*_batches`, `*_flex`, `*_priority`,
 * `*_above_128k_tokens`) or a reply of OpenRouter's `/models` (`{data: [{id, pricing}]}`, USD per token as text).
 * @param name for messages; @param date when the file was written, `2026-09-23`.
 * @throws CutoverError PRICE_FILE (exit 78) when it is neither.
 */
export function parsePriceFile(text: string, name: string, date: string | null): PriceFile {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (cause) {
    throw unusable(name, 'not JSON', cause);
  }
  if (!isObject(parsed)) throw unusable(name, 'not a JSON object');
  const origin = { name, date };
  if (Array.isArray(parsed.data)) return openRouter(parsed.data.filter(isObject), origin);
  return liteLlm(parsed, origin);
}

function unusable(name: string, why: string, cause?: unknown): CutoverError {
  return new CutoverError('PRICE_FILE', EXIT.config, `${name}: ${why}`, {
    hint: "a price file is LiteLLM's model_prices_and_context_window.json or a reply of OpenRouter's /models",
    cause,
  });
}

/** The record's own provider goes first: Azure asks other prices than OpenAI for a model of the same name. */
function bookOf(find: (name: string) => ModelPrice | undefined): PriceBook {
  return {
    find({ model, provider }) {
      const bare = model.replace(/^[^/]+\//, '');
      const names = provider === undefined ? [] : prefixesOf(provider).map((prefix) => `${prefix}/${model}`);
      for (const name of [...names, model, bare]) {
        const price = find(name);
        if (price) return price;
      }
      return undefined;
    },
  };
}

const LITELLM = {
  input: 'input_cost_per_token',
  output: 'output_cost_per_token',
  cachedInput: 'cache_read_input_token_cost',
  cacheWrite: 'cache_creation_input_token_cost',
  cacheWrite1h: 'cache_creation_input_token_cost_above_1hr',
  audioInput: 'input_cost_per_audio_token',
  cachedAudio: 'cache_read_input_audio_token_cost',
  imageInput: 'input_cost_per_image_token',
  cachedImage: 'cache_read_input_image_token_cost',
  reasoning: 'output_cost_per_reasoning_token',
  audioOutput: 'output_cost_per_audio_token',
  imageOutput: 'output_cost_per_image_token',
} as const satisfies Record<TokenKind, string>;
const SUFFIXES = { batch: '_batches', flex: '_flex', priority: '_priority' } as const;

function liteLlm(models: Json, origin: PriceOrigin): PriceFile {
  const starts = new Set<number>();
  const prices = new Map<string, ModelPrice>();
  for (const [model, entry] of Object.entries(models)) {
    // The first key of the file describes the others.
    if (model === 'sample_spec' || !isObject(entry)) continue;
    const card = liteLlmCard(entry, '', starts);
    if (!card) continue;
    const search = searchPrice(entry.search_context_cost_per_query);
    const fees = search === undefined ? {} : { search };
    const tiers = SERVICE_TIERS.flatMap((tier) => {
      const own = liteLlmCard(entry, SUFFIXES[tier], starts);
      return own ? [[tier, { ...own, ...fees }] as const] : [];
    });
    prices.set(model, {
      ...card,
      ...fees,
      ...(tiers.length > 0 ? { serviceTiers: Object.fromEntries(tiers) } : {}),
      source: origin.name,
      origin,
    });
  }
  if (prices.size === 0) throw unusable(origin.name, 'holds no prices per token');
  return { tierStarts: [...starts], book: bookOf((name) => prices.get(name)) };
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
  return cardFrom((kind) => rate(LITELLM[kind]), false);
}

/** USD for a search of the web; it may depend on how much is found, which no log tells. */
function searchPrice(value: unknown): number | undefined {
  const prices = isObject(value) ? [...new Set(Object.values(value))] : [];
  return prices.length === 1 && typeof prices[0] === 'number' ? prices[0] : undefined;
}

const OPENROUTER: Readonly<Record<TokenKind, string>> = {
  input: 'prompt',
  output: 'completion',
  cachedInput: 'input_cache_read',
  cacheWrite: 'input_cache_write',
  cacheWrite1h: 'input_cache_write_1h',
  audioInput: 'audio',
  cachedAudio: 'input_audio_cache',
  imageInput: 'image_token',
  cachedImage: '',
  reasoning: 'internal_reasoning',
  audioOutput: 'audio_output',
  imageOutput: 'image_output',
};

function openRouter(models: readonly Json[], origin: PriceOrigin): PriceFile {
  const prices = new Map<string, ModelPrice>();
  for (const { id, pricing } of models) {
    if (typeof id !== 'string' || !isObject(pricing)) continue;
    // Zero is how it writes that there is no price of its own, but for what every model has.
    const rate = (kind: TokenKind): Rate | undefined => {
      const base = perMillion(pricing[OPENROUTER[kind]]);
      const isPlain = kind === 'input' || kind === 'output';
      return base === undefined || (base === 0 && !isPlain) ? undefined : { base, tiers: [] };
    };
    const card = cardFrom(rate, true);
    if (!card) continue;
    const [request, search] = [usdOf(pricing.request), usdOf(pricing.web_search)];
    if (request) card.request = request;
    if (search) card.search = search;
    prices.set(id, { ...card, source: origin.name, origin });
  }
  if (prices.size === 0) throw unusable(origin.name, 'holds no prices per token');
  const bare = new Map<string, ModelPrice>();
  for (const [id, price] of prices) if (!id.includes(':')) bare.set(id.replace(/^[^/]+\//, ''), price);
  return { tierStarts: [], book: bookOf((name) => prices.get(name) ?? bare.get(name)) };
}

/** A card of the rates that there are; none without a price for what goes in and (or, unless `both`) comes out. */
function cardFrom(rate: (kind: TokenKind) => Rate | undefined, both: boolean): RateCard | undefined {
  const [input, output] = [rate('input'), rate('output')];
  if (both ? !input || !output : !input && !output) return undefined;
  const nothing: Rate = { base: 0, tiers: [] };
  const card: RateCard = { input: input ?? nothing, output: output ?? nothing };
  for (const kind of Object.keys(LITELLM) as TokenKind[]) {
    const own = kind === 'input' || kind === 'output' ? undefined : rate(kind);
    if (own) card[kind] = own;
  }
  return card;
}

/** USD per token (number or text) → USD per million; the rounding takes off what the multiplication adds. */
function perMillion(value: unknown): number | undefined {
  const number = usdOf(value);
  return number === undefined ? undefined : Number((number * 1e6).toPrecision(12));
}

function usdOf(value: unknown): number | undefined {
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  return typeof number === 'number' && Number.isFinite(number) && number >= 0 ? number : undefined;
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
