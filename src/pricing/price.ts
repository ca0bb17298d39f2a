/** A rate in USD per million tokens; above a tier's `start` (input tokens of the request) **all** tokens take its price. */
export interface Rate {
  base: number;
  /** Ascending by start. */
  tiers: readonly { start: number; price: number }[];
}

/** What one model charges for each kind of token. */
export interface RateCard {
  input: Rate;
  /** For input tokens read from the provider's cache. */
  cachedInput: Rate;
  /** For input tokens written to it. */
  cacheWrite: Rate;
  output: Rate;
}

/** In a price's source: the provider is not in the catalogue, so it is taken to ask what the model's maker asks. */
export const BY_MAKER = 'as its maker sells it';

/** The price of one model. */
export interface ModelPrice extends RateCard {
  /** For batch requests, where they have a price of their own. */
  batch?: RateCard;
  /** Where it comes from, for people: `config`, `catalogue (openai)`. */
  source: string;
}

export interface TokenCounts {
  /** All of them, whether read from the cache, written to it, or neither. */
  input: number;
  cachedInput: number;
  cacheWrite: number;
  output: number;
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

/**
 * What tokens cost, USD.
 * @param inputTokensOfRequest decides the tier; for a sum over requests, the input tokens of any one of them
 *   (they must all lie in the same tier).
 */
export function costUsd(price: RateCard, tokens: TokenCounts, inputTokensOfRequest: number): number {
  const micro =
    (tokens.input - tokens.cachedInput - tokens.cacheWrite) * rateAt(price.input, inputTokensOfRequest) +
    tokens.cachedInput * rateAt(price.cachedInput, inputTokensOfRequest) +
    tokens.cacheWrite * rateAt(price.cacheWrite, inputTokensOfRequest) +
    tokens.output * rateAt(price.output, inputTokensOfRequest);
  return micro / 1e6;
}
