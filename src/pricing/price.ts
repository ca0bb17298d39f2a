/** A rate in USD per million tokens; above a tier's `start` (input tokens of the request) **all** tokens take its price. */
export interface Rate {
  base: number;
  /** Ascending by start. */
  tiers: readonly { start: number; price: number }[];
}

/** The price of one model. Cached input tokens are part of the input tokens and take their own rate. */
export interface ModelPrice {
  input: Rate;
  cachedInput: Rate;
  output: Rate;
  /** Where it comes from, for people: `config`, `catalogue (openai)`. */
  source: string;
}

export interface TokenCounts {
  /** Including the cached ones. */
  input: number;
  cachedInput: number;
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
export function costUsd(price: ModelPrice, tokens: TokenCounts, inputTokensOfRequest: number): number {
  const micro =
    (tokens.input - tokens.cachedInput) * rateAt(price.input, inputTokensOfRequest) +
    tokens.cachedInput * rateAt(price.cachedInput, inputTokensOfRequest) +
    tokens.output * rateAt(price.output, inputTokensOfRequest);
  return micro / 1e6;
}
