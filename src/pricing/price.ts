import type { Counts, ServiceTier } from '../usage/dimensions.ts';

/** A rate in USD per million tokens; above a tier's `start` (input tokens of the request) **all** tokens take its price. */
export interface Rate {
  base: number;
  /** Ascending by start. */
  tiers: readonly { start: number; price: number }[];
}

/** Kinds of token, told apart by what they can cost; each token is of one kind. */
export type TokenKind =
  /** Input that is none of the others. */
  | 'input'
  | 'cachedInput'
  | 'cacheWrite'
  | 'cacheWrite1h'
  | 'audioInput'
  | 'cachedAudio'
  | 'imageInput'
  | 'cachedImage'
  | 'output'
  | 'reasoning'
  | 'audioOutput'
  | 'imageOutput';

/** What one model charges; a kind that is missing has no price of its own in the list. */
export interface RateCard extends Partial<Record<TokenKind, Rate>> {
  input: Rate;
  output: Rate;
  /** USD for each request, besides its tokens. */
  request?: number;
  /** USD for each search of the web. */
  search?: number;
}

/** The prices of a tier of service. */
export interface TierCard extends RateCard {
  /** Where the list itself has no such prices: what they are made by, for people. */
  rule?: string;
}

/** Where prices come from and of what date. */
export interface PriceOrigin {
  /** For people: `config`, `prices.json`, `catalogue @pydantic/genai-prices 0.1.8`. */
  name: string;
  /** `2026-09-23`; null where nothing tells. */
  date: string | null;
}

/** In a price's source: the provider is not in the catalogue, so it is taken to ask what the model's maker asks. */
export const BY_MAKER = 'as its maker sells it';

/** The price of one model. */
export interface ModelPrice extends RateCard {
  /** Tiers of service that have prices of their own. */
  serviceTiers?: { readonly [T in ServiceTier]?: TierCard };
  /** What the list charges for too and no log of ours counts, for people. */
  uncounted?: readonly string[];
  /** Which entry it is, for people: `config`, `catalogue (openai)`. */
  source: string;
  origin: PriceOrigin;
}

/** What is to be charged for. */
export interface Usage {
  /** All input tokens, of whatever kind. */
  input: number;
  cachedInput: number;
  /** All output tokens. */
  output: number;
  requests: number;
  dimensions: Counts;
}

export function flatRate(usdPerMillion: number): Rate {
  return { base: usdPerMillion, tiers: [] };
}

/** The rate for a request with so many input tokens, USD per million. */
export function rateAt(rate: Rate, inputTokensOfRequest: number): number {
  let price = rate.base;
  for (const tier of rate.tiers) if (inputTokensOfRequest > tier.start) price = tier.price;
  return price;
}

/** Whose rate a kind takes that has none of its own: the first of these that has one. */
const INSTEAD: Readonly<Record<TokenKind, readonly TokenKind[]>> = {
  input: [],
  cachedInput: ['input'],
  cacheWrite: ['input'],
  cacheWrite1h: ['cacheWrite', 'input'],
  audioInput: ['input'],
  cachedAudio: ['cachedInput', 'audioInput', 'input'],
  imageInput: ['input'],
  cachedImage: ['cachedInput', 'imageInput', 'input'],
  output: [],
  reasoning: ['output'],
  audioOutput: ['output'],
  imageOutput: ['output'],
};

const KINDS = Object.keys(INSTEAD) as TokenKind[];

/** The tokens by kind. */
export function tokensByKind({ input, cachedInput, output, dimensions }: Usage): Record<TokenKind, number> {
  const { cacheWrite = 0, cacheWrite1h = 0, audioInput = 0, cachedAudio = 0, imageInput = 0 } = dimensions;
  const { cachedImage = 0, reasoning = 0, audioOutput = 0, imageOutput = 0 } = dimensions;
  const [freshAudio, freshImage] = [audioInput - cachedAudio, imageInput - cachedImage];
  return {
    input: input - cachedInput - cacheWrite - freshAudio - freshImage,
    cachedInput: cachedInput - cachedAudio - cachedImage,
    cacheWrite: cacheWrite - cacheWrite1h,
    cacheWrite1h,
    audioInput: freshAudio,
    cachedAudio,
    imageInput: freshImage,
    cachedImage,
    output: output - audioOutput - imageOutput - reasoning,
    reasoning,
    audioOutput,
    imageOutput,
  };
}

/** The kind whose rate a kind takes. */
export function ratedAs(card: RateCard, kind: TokenKind): TokenKind {
  if (card[kind] !== undefined) return kind;
  return INSTEAD[kind].find((other) => card[other] !== undefined) ?? 'input';
}

/**
 * What usage costs, USD.
 * @param inputTokensOfRequest decides the tier; for a sum over requests, the input tokens of any one of them
 *   (they must all lie in the same tier).
 */
export function costUsd(card: RateCard, usage: Usage, inputTokensOfRequest: number): number {
  const tokens = tokensByKind(usage);
  let micro = 0;
  // Most usage has plain tokens only, and there are many cells of it.
  for (const kind of hasNone(usage.dimensions) ? PLAIN : KINDS) {
    if (tokens[kind] === 0) continue;
    micro += tokens[kind] * rateAt(card[kind] ?? (card[ratedAs(card, kind)] as Rate), inputTokensOfRequest);
  }
  const fees = usage.requests * (card.request ?? 0) + (usage.dimensions.searches ?? 0) * (card.search ?? 0);
  return micro / 1e6 + fees;
}

const PLAIN: readonly TokenKind[] = ['input', 'cachedInput', 'output'];

function hasNone(dimensions: Counts): boolean {
  for (const _ in dimensions) return false;
  return true;
}

/** The prices of a tier of service; the plain ones where the list has none for it. */
export function cardOf(price: ModelPrice, tier: ServiceTier | undefined): TierCard {
  return (tier && price.serviceTiers?.[tier]) ?? price;
}
