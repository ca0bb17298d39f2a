import { type Bands, tokensInBand } from '../pricing/bands.ts';
import { targetModelOf } from '../pricing/book.ts';
import { costUsd, type TokenCounts } from '../pricing/price.ts';
import { driftOf, findPrice, type PriceSide, type Target } from './prices.ts';
import { add, createSum, sumValue } from './sum.ts';
import type { Cell, Series } from './tally.ts';
import { costIf, type WhatIf } from './what-if.ts';

/** A cell with its cost, USD; undefined where a price is missing. */
export interface PricedCell {
  series: Series;
  cell: Cell;
  currentUsd: number | undefined;
  projectedUsd: number | undefined;
  /** Projected without assumptions. */
  plainUsd: number | undefined;
}

/** One model with its cost over the period, USD. */
export interface PricedModel {
  model: string;
  targetModel: string | null;
  series: readonly Series[];
  cells: readonly PricedCell[];
  /** Whether there is anything to price. */
  billed: boolean;
  /** As the logs report it; undefined unless every billed record carries a cost. */
  reportedUsd: number | undefined;
  /** At the legacy price list, each record at the price of its own time. */
  recomputedUsd: number | undefined;
  currentUsd: number | undefined;
  currentPrice: string | undefined;
  projectedUsd: number | undefined;
  plainUsd: number | undefined;
  targetPrice: string | undefined;
}

export interface Pricing {
  legacy: PriceSide;
  target: Target | undefined;
  whatIf: WhatIf;
  bands: Bands;
  /** Unix milliseconds. */
  now: number;
}

const DAY_MS = 86_400_000;

/**
 * Prices one model on both sides. The current cost is the config's price of the tokens, else what the logs report
 * where they do so for every billed record, else the catalogue's price. The projected cost takes the target's
 * prices of today, at the record's time of day, for the tokens that the target would count.
 */
export function priceModel(model: string, series: readonly Series[], pricing: Pricing): PricedModel {
  const { legacy, target, bands, now, whatIf } = pricing;
  const targetModel = target ? targetModelOf(target.models, model) : null;
  const drift = target ? driftOf(target, model) : 1;
  let currentPrice: string | undefined;
  let targetPrice: string | undefined;
  let complete = true;

  const rows = series.flatMap((one) =>
    [...one.cells.values()].map((cell) => {
      if (cell.reportedRecords < cell.billed) complete = false;
      const size = tokensInBand(bands, cell.inputBand);
      const tokens = tokensOf(cell, 1);
      const row = { series: one, cell, recomputedUsd: 0 as number | undefined, projectedUsd: 0, plainUsd: 0 };
      if (cell.billed === 0)
        return { ...row, projectedUsd: target ? 0 : undefined, plainUsd: target ? 0 : undefined };
      const price = findPrice(legacy, model, one.provider, cell.at ?? now);
      currentPrice = oneSource(currentPrice, price?.source);
      const card = cell.batch && price?.batch ? price.batch : price;
      const offered =
        targetModel === null || !target
          ? undefined
          : findPrice(target.side, targetModel, undefined, today(cell.at, now));
      targetPrice = oneSource(targetPrice, offered?.source);
      const moved = tokensOf(cell, drift);
      const at = (assumed: WhatIf) =>
        offered && costIf(offered, moved, size * drift, cell.batch, assumed, targetModel ?? model);
      return {
        ...row,
        recomputedUsd: card && costUsd(card, tokens, size),
        projectedUsd: at(whatIf),
        plainUsd: at({}),
      };
    }),
  );

  const billed = rows.some(({ cell }) => cell.billed > 0);
  const reportedUsd =
    billed && complete ? total(rows.map(({ cell }) => sumValue(cell.reportedUsd))) : undefined;
  const recomputedUsd = billed ? total(rows.map((row) => row.recomputedUsd)) : undefined;
  const asReported = reportedUsd !== undefined && (recomputedUsd === undefined || currentPrice !== 'config');
  return {
    model,
    targetModel,
    series,
    cells: rows.map((row) => ({
      series: row.series,
      cell: row.cell,
      currentUsd: asReported ? sumValue(row.cell.reportedUsd) : row.recomputedUsd,
      projectedUsd: row.projectedUsd,
      plainUsd: row.plainUsd,
    })),
    billed,
    reportedUsd,
    recomputedUsd,
    currentUsd: asReported ? reportedUsd : recomputedUsd,
    currentPrice: asReported
      ? 'reported by the logs'
      : recomputedUsd === undefined
        ? undefined
        : currentPrice,
    projectedUsd: billed ? total(rows.map((row) => row.projectedUsd)) : undefined,
    plainUsd: billed ? total(rows.map((row) => row.plainUsd)) : undefined,
    targetPrice,
  };
}

function tokensOf(cell: Cell, factor: number): TokenCounts {
  return {
    input: cell.inputTokens * factor,
    cachedInput: cell.cachedInputTokens * factor,
    cacheWrite: cell.cacheWriteTokens * factor,
    output: cell.outputTokens * factor,
  };
}

/** The sum; undefined when any part is unknown. */
function total(amounts: readonly (number | undefined)[]): number | undefined {
  const sum = createSum();
  for (const amount of amounts) {
    if (amount === undefined) return undefined;
    add(sum, amount);
  }
  return sumValue(sum);
}

/** The time of day of `at`, on the day of `now`. */
function today(at: number | undefined, now: number): number {
  return at === undefined ? now : Math.floor(now / DAY_MS) * DAY_MS + (at % DAY_MS);
}

/** Of several sources the same one whatever the order of the records; that a price is only its maker's is kept. */
function oneSource(a: string | undefined, b: string | undefined): string | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return a > b ? a : b;
}
