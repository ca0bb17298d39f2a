import { type Bands, tokensInBand } from '../pricing/bands.ts';
import { targetModelOf } from '../pricing/book.ts';
import { costUsd, type TokenCounts } from '../pricing/price.ts';
import { driftOf, findPrice, type PriceSide, type Target } from './prices.ts';
import { add, createSum, sumValue } from './sum.ts';
import type { Cell, Series } from './tally.ts';
import { cacheHasPrice, costIf, type WhatIf } from './what-if.ts';

/** A cell with its cost, USD; undefined where a price is missing. */
export interface PricedCell {
  series: Series;
  cell: Cell;
  currentUsd: number | undefined;
  projectedUsd: number | undefined;
  /** Projected without assumptions. */
  plainUsd: number | undefined;
}

/** A cell with what is known of its cost before it is known which counts, USD. */
interface Row {
  series: Series;
  cell: Cell;
  reportedUsd: number;
  recomputedUsd: number | undefined;
  projectedUsd: number | undefined;
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
  /** Whether that is what the logs report. */
  asReported: boolean;
  currentPrice: string | undefined;
  projectedUsd: number | undefined;
  plainUsd: number | undefined;
  targetPrice: string | undefined;
  /** Whether the target asks less, or more, for a token from its cache. */
  cacheSaves: boolean;
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
  let cacheSaves = false;

  const price = (one: Series, cell: Cell) => {
    const found = findPrice(legacy, model, one.provider, cell.at ?? now);
    currentPrice = oneSource(currentPrice, found?.source);
    return cell.batch && found?.batch ? found.batch : found;
  };
  const offer = (cell: Cell) => {
    if (targetModel === null || !target) return undefined;
    const found = findPrice(target.side, targetModel, undefined, today(cell.at, now));
    targetPrice = oneSource(targetPrice, found?.source);
    cacheSaves ||= found !== undefined && cacheHasPrice(found);
    return found;
  };
  const unbilled = target ? 0 : undefined;

  const rows: Row[] = [];
  for (const one of series) {
    for (const cell of one.cells.values()) {
      const row: Row = {
        series: one,
        cell,
        reportedUsd: 0,
        recomputedUsd: 0,
        projectedUsd: unbilled,
        plainUsd: unbilled,
      };
      rows.push(row);
      if (cell.reportedRecords < cell.billed) complete = false;
      row.reportedUsd = sumValue(cell.reportedUsd);
      if (cell.billed === 0) continue;
      const size = tokensInBand(bands, cell.inputBand);
      const card = price(one, cell);
      row.recomputedUsd = card && costUsd(card, tokensOf(cell, 1), size);
      const offered = offer(cell);
      const at = (assumed: WhatIf) =>
        offered &&
        costIf(offered, tokensOf(cell, drift), size * drift, cell.batch, assumed, targetModel ?? model);
      row.projectedUsd = at(whatIf);
      row.plainUsd = at({});
    }
  }

  const billed = rows.some(({ cell }) => cell.billed > 0);
  const reportedUsd = billed && complete ? total(rows.map((row) => row.reportedUsd)) : undefined;
  const recomputedUsd = billed ? total(rows.map((row) => row.recomputedUsd)) : undefined;
  const asReported = reportedUsd !== undefined && (recomputedUsd === undefined || currentPrice !== 'config');
  return {
    model,
    targetModel,
    series,
    cells: rows.map((row) => ({
      series: row.series,
      cell: row.cell,
      currentUsd: asReported ? row.reportedUsd : row.recomputedUsd,
      projectedUsd: row.projectedUsd,
      plainUsd: row.plainUsd,
    })),
    billed,
    reportedUsd,
    recomputedUsd,
    currentUsd: asReported ? reportedUsd : recomputedUsd,
    asReported,
    currentPrice: asReported
      ? 'reported by the logs'
      : recomputedUsd === undefined
        ? undefined
        : currentPrice,
    projectedUsd: billed ? total(rows.map((row) => row.projectedUsd)) : undefined,
    plainUsd: billed ? total(rows.map((row) => row.plainUsd)) : undefined,
    targetPrice,
    cacheSaves,
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
