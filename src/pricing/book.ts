import type { Price, RateCardConfig } from '../config/schema.ts';
import { flatRate, type ModelPrice, type RateCard } from './price.ts';

/** What is asked of a price book. */
export interface PriceQuery {
  model: string;
  /** The provider's name as logs or the config have it. */
  provider?: string | undefined;
  /** The provider's URL. */
  baseUrl?: string | undefined;
  /** When the price is to hold, Unix milliseconds. */
  at: number;
}

/** Something that knows prices; undefined for a model it does not know. */
export interface PriceBook {
  find(query: PriceQuery): ModelPrice | undefined;
}

/** The prices of `providers.*.prices`; `"*"` is for every model that is not named. */
export function configBook(prices: Readonly<Record<string, Price>>): PriceBook {
  return {
    find({ model }) {
      const price = Object.hasOwn(prices, model) ? prices[model] : prices['*'];
      return price && fromConfig(price);
    },
  };
}

function fromConfig(price: Price): ModelPrice {
  return {
    ...rateCard(price),
    ...(price.batch ? { batch: rateCard(price.batch) } : {}),
    source: 'config',
  };
}

function rateCard(price: RateCardConfig): RateCard {
  return {
    input: flatRate(price.input),
    cachedInput: flatRate(price.cachedInput ?? price.input),
    cacheWrite: flatRate(price.cacheWrite ?? price.input),
    output: flatRate(price.output),
  };
}

/** The model's name at the target: the config's `models`, then its `"*"`, else the same name. */
export function targetModelOf(models: Readonly<Record<string, string>>, model: string): string {
  if (Object.hasOwn(models, model)) return models[model] as string;
  return models['*'] ?? model;
}
