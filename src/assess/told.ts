import type { PriceOrigin } from '../pricing/price.ts';
import { addCounts, type Counts } from '../usage/dimensions.ts';
import type { PricedModel } from './priced.ts';
import type { Series } from './tally.ts';

/** Whether no request tells its tokens, so that none are known and not none were used. */
export function isUntold(all: readonly Series[]): boolean {
  const none = all.every(({ inputTokens, outputTokens }) => inputTokens + outputTokens === 0);
  return none && all.some(({ untold }) => untold > 0);
}

/** What the records tell besides plain tokens, in an order of its own. */
export function dimensionsOf(all: readonly Series[]): Counts {
  const counts: Counts = {};
  for (const { dimensions } of all) addCounts(counts, dimensions);
  return Object.fromEntries(Object.entries(counts).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** The lists that the prices of some models are from, in an order of its own. */
export function originsOf(models: readonly PricedModel[]): PriceOrigin[] {
  const origins = new Set(models.flatMap((model) => [...model.origins]));
  return [...origins].sort((a, b) => (a.name < b.name ? -1 : 1));
}
