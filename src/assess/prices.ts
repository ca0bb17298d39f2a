import type { PriceBook } from '../pricing/book.ts';
import { targetModelOf } from '../pricing/book.ts';
import type { ModelPrice } from '../pricing/price.ts';

/** The prices of one side: what the config says, then the catalogue. */
export interface PriceSide {
  /** undefined without a config. */
  configured: PriceBook | undefined;
  /** undefined when it was not needed. */
  catalogue: PriceBook | undefined;
  provider: string | undefined;
  baseUrl: string | undefined;
}

/** What a migration would move to. */
export interface Target {
  side: PriceSide;
  /** Legacy model → target model. */
  models: Readonly<Record<string, string>>;
  /** Tokens that the target counts for one of the legacy model, by legacy model. */
  tokenDrift: Readonly<Record<string, number>>;
}

/** The price of a model at a time (Unix milliseconds); the record's own provider goes before the side's. */
export function findPrice(
  side: PriceSide,
  model: string,
  provider: string | undefined,
  at: number,
): ModelPrice | undefined {
  const query = { model, provider: provider ?? side.provider, baseUrl: side.baseUrl, at };
  return side.configured?.find(query) ?? side.catalogue?.find(query);
}

/** Whether the config alone prices every one of the models, on both sides. */
export function isAllConfigured(
  models: Iterable<string>,
  legacy: PriceSide,
  target: Target | undefined,
): boolean {
  const known = (side: PriceSide, model: string) => side.configured?.find({ model, at: 0 }) !== undefined;
  for (const model of models) {
    if (!known(legacy, model)) return false;
    if (target && !known(target.side, targetModelOf(target.models, model))) return false;
  }
  return true;
}

/** Target tokens for one legacy token of the model. */
export function driftOf(target: Target, model: string): number {
  if (Object.hasOwn(target.tokenDrift, model)) return target.tokenDrift[model] as number;
  return target.tokenDrift['*'] ?? 1;
}
