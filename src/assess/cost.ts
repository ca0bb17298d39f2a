import { type Bands, tokensInBand } from '../pricing/bands.ts';
import type { PriceBook } from '../pricing/book.ts';
import { costUsd, type ModelPrice } from '../pricing/price.ts';
import { add, createSum, type Sum, sumValue } from './sum.ts';
import type { Cell, Series } from './tally.ts';

/** One side of the comparison: what is asked first, then the catalogue. */
export interface PriceSide {
  /** The prices of the config; undefined without a config. */
  configured: PriceBook | undefined;
  /** undefined when it was not needed. */
  catalogue: PriceBook | undefined;
  provider: string | undefined;
  baseUrl: string | undefined;
}

/** What one model cost over the period, USD. */
export interface ModelCost {
  /** As the logs report it; undefined unless every billed request carries a cost. */
  reportedUsd: number | undefined;
  /** At the price list; undefined without a price. */
  recomputedUsd: number | undefined;
  currentUsd: number | undefined;
  currentPrice: string | undefined;
  projectedUsd: number | undefined;
  targetPrice: string | undefined;
}

/** Whether the config alone prices a model. */
export function isConfigured(side: PriceSide, model: string): boolean {
  return side.configured?.find({ model, at: 0 }) !== undefined;
}

/**
 * The cost of one model on both sides. The current cost is taken from the config's prices, else from the logs
 * where they report one for every billed request, else from the catalogue, at the prices of the record's own
 * time. The projected cost takes the target's prices of today, at the record's time of day.
 * @param target undefined when there is no target to project on.
 */
export function modelCost(
  series: readonly Series[],
  legacy: PriceSide,
  target: { side: PriceSide; model: string } | undefined,
  bands: Bands,
  now: number,
): ModelCost {
  const reported = createSum();
  let complete = true;
  const recomputed = priced();
  const projected = priced();
  for (const one of series) {
    for (const cell of one.cells.values()) {
      add(reported, sumValue(cell.reportedUsd));
      if (cell.reportedRecords < cell.records) complete = false;
      recomputed.take(cell, find(legacy, one.model, one.provider, cell.at ?? now), bands);
      if (target) {
        projected.take(cell, find(target.side, target.model, undefined, today(cell.at, now)), bands);
      }
    }
  }
  const billed = series.some((one) => one.cells.size > 0);
  const reportedUsd = billed && complete ? sumValue(reported) : undefined;
  const recomputedUsd = billed ? recomputed.usd() : undefined;
  const fromLogs = reportedUsd !== undefined && recomputed.source() !== 'config';
  return {
    reportedUsd,
    recomputedUsd,
    currentUsd: fromLogs ? reportedUsd : recomputedUsd,
    currentPrice: fromLogs
      ? 'reported by the logs'
      : recomputedUsd === undefined
        ? undefined
        : recomputed.source(),
    projectedUsd: billed ? projected.usd() : undefined,
    targetPrice: projected.source(),
  };
}

/** Sums the price of cells; one without a price makes the whole unknown. */
function priced(): {
  take(cell: Cell, price: ModelPrice | undefined, bands: Bands): void;
  usd(): number | undefined;
  source(): string | undefined;
} {
  const sum: Sum = createSum();
  let known = true;
  let taken = false;
  let source: string | undefined;
  return {
    take(cell, price, bands) {
      taken = true;
      if (!price) {
        known = false;
        return;
      }
      source ??= price.source;
      const tokens = {
        input: cell.inputTokens,
        cachedInput: cell.cachedInputTokens,
        cacheWrite: cell.cacheWriteTokens,
        output: cell.outputTokens,
      };
      const card = cell.batch && price.batch ? price.batch : price;
      add(sum, costUsd(card, tokens, tokensInBand(bands, cell.inputBand)));
    },
    usd: () => (known && taken ? sumValue(sum) : undefined),
    source: () => (known ? source : undefined),
  };
}

function find(
  side: PriceSide,
  model: string,
  provider: string | undefined,
  at: number,
): ModelPrice | undefined {
  const query = { model, provider: provider ?? side.provider, baseUrl: side.baseUrl, at };
  return side.configured?.find(query) ?? side.catalogue?.find(query);
}

const DAY_MS = 86_400_000;

/** The time of day of `at`, on the day of `now`. */
function today(at: number | undefined, now: number): number {
  return at === undefined ? now : Math.floor(now / DAY_MS) * DAY_MS + (at % DAY_MS);
}
