import type { Price, RateCardConfig } from '../config/schema.ts';
import { SERVICE_TIERS } from '../usage/dimensions.ts';
import { flatRate, type ModelPrice, type PriceOrigin, type RateCard, type TokenKind } from './price.ts';

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

const CONFIG: PriceOrigin = { name: 'config', date: null };

/** The prices of `providers.*.prices`; `"*"` is for every model that is not named. */
export function configBook(prices: Readonly<Record<string, Price>>): PriceBook {
  const known = new Map(Object.entries(prices).map(([model, price]) => [model, fromConfig(price)]));
  return { find: ({ model }) => known.get(model) ?? known.get('*') };
}

function fromConfig(price: Price): ModelPrice {
  const own = SERVICE_TIERS.flatMap((tier) => {
    const card = price[tier];
    return card ? [[tier, rateCard(card)] as const] : [];
  });
  return {
    ...rateCard(price),
    ...(own.length > 0 ? { serviceTiers: Object.fromEntries(own) } : {}),
    source: 'config',
    origin: CONFIG,
  };
}

const OPTIONAL: readonly Exclude<TokenKind, 'input' | 'output'>[] = [
  'cachedInput',
  'cacheWrite',
  'cacheWrite1h',
  'audioInput',
  'cachedAudio',
  'imageInput',
  'cachedImage',
  'reasoning',
  'audioOutput',
  'imageOutput',
];

function rateCard(price: RateCardConfig): RateCard {
  const card: RateCard = { input: flatRate(price.input), output: flatRate(price.output) };
  for (const kind of OPTIONAL) {
    const rate = price[kind];
    if (rate !== undefined) card[kind] = flatRate(rate);
  }
  if (price.request !== undefined) card.request = price.request;
  if (price.search !== undefined) card.search = price.search;
  return card;
}

/** The model's name at the target: the config's `models`, then its `"*"`, else the same name. */
export function targetModelOf(models: Readonly<Record<string, string>>, model: string): string {
  if (Object.hasOwn(models, model)) return models[model] as string;
  return models['*'] ?? model;
}
