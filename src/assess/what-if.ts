import { CutoverError, EXIT } from '../errors.ts';
import { costUsd, type ModelPrice, type RateCard, type TokenCounts } from '../pricing/price.ts';

/** Assumptions about the traffic at the target that the logs do not hold. */
export interface WhatIf {
  /** Share of the input tokens that the target reads from its cache, in place of the logs' own. */
  cacheHit?: number;
  /** Share of the tokens that go as batch requests. */
  batchShare?: number;
  /** Growth of the traffic until the projected month: 0.1 is ten percent more. */
  growth?: number;
}

export function isAssumed(whatIf: WhatIf): boolean {
  return whatIf.cacheHit !== undefined || whatIf.batchShare !== undefined || whatIf.growth !== undefined;
}

/** Whether a token from the cache has a price of its own. */
export function cacheHasPrice({ input, cachedInput }: RateCard): boolean {
  return JSON.stringify(input) !== JSON.stringify(cachedInput);
}

/**
 * What tokens cost at the target under the assumptions (growth apart, which changes both sides).
 * @param batch whether the requests were batch requests already.
 * @throws CutoverError NO_BATCH_PRICE (exit 65): the share of batch requests needs their price.
 */
export function costIf(
  price: ModelPrice,
  tokens: TokenCounts,
  size: number,
  batch: boolean,
  { cacheHit, batchShare }: WhatIf,
  model: string,
): number {
  const counts =
    cacheHit === undefined
      ? tokens
      : {
          ...tokens,
          cachedInput: tokens.input * cacheHit,
          // What is read from the cache is not written to it.
          cacheWrite: Math.min(tokens.cacheWrite, tokens.input * (1 - cacheHit)),
        };
  const card = batch && price.batch ? price.batch : price;
  if (batchShare === undefined || batch) return costUsd(card, counts, size);
  if (!price.batch) {
    throw new CutoverError(
      'NO_BATCH_PRICE',
      EXIT.input,
      `no batch price is known for ${model} at the target`,
      {
        hint: `give one in the config: providers.target.prices.${model}.batch`,
      },
    );
  }
  return (1 - batchShare) * costUsd(price, counts, size) + batchShare * costUsd(price.batch, counts, size);
}
