import { CutoverError, EXIT } from '../errors.ts';
import { cardOf, costUsd, type ModelPrice, type RateCard, type Usage } from '../pricing/price.ts';
import type { ServiceTier } from '../usage/dimensions.ts';

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
  return cachedInput !== undefined && JSON.stringify(input) !== JSON.stringify(cachedInput);
}

/**
 * What usage costs at the target under the assumptions (growth apart, which changes both sides).
 * @param tier of the requests; the target's price for it is taken where it has one.
 * @throws CutoverError NO_BATCH_PRICE (exit 65): the share of batch requests needs their price.
 */
export function costIf(
  price: ModelPrice,
  usage: Usage,
  size: number,
  tier: ServiceTier | undefined,
  { cacheHit, batchShare }: WhatIf,
  model: string,
): number {
  const assumed = cacheHit === undefined ? usage : cachedUsage(usage, cacheHit);
  const card = cardOf(price, tier);
  if (batchShare === undefined || tier === 'batch') return costUsd(card, assumed, size);
  const batch = price.serviceTiers?.batch;
  if (!batch) {
    throw new CutoverError(
      'NO_BATCH_PRICE',
      EXIT.input,
      `no batch price is known for ${model} at the target`,
      {
        hint: `give one in the config: providers.target.prices.${model}.batch`,
      },
    );
  }
  return (1 - batchShare) * costUsd(card, assumed, size) + batchShare * costUsd(batch, assumed, size);
}

/** The usage when a share of the input, of every kind alike, is read from the cache. */
function cachedUsage(usage: Usage, hit: number): Usage {
  const { dimensions, input } = usage;
  const { cacheWrite = 0, audioInput = 0, imageInput = 0 } = dimensions;
  // What is read from the cache is not written to it.
  const written = Math.min(cacheWrite, (input - audioInput - imageInput) * (1 - hit));
  const kept = cacheWrite === 0 ? 0 : written / cacheWrite;
  return {
    ...usage,
    cachedInput: input * hit,
    dimensions: {
      ...dimensions,
      cacheWrite: written,
      cacheWrite1h: (dimensions.cacheWrite1h ?? 0) * kept,
      cachedAudio: audioInput * hit,
      cachedImage: imageInput * hit,
    },
  };
}
