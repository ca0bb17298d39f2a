import { type Bands, tokensInBand } from '../pricing/bands.ts';
import { targetModelOf } from '../pricing/book.ts';
import { cardOf, costUsd, type ModelPrice, type PriceOrigin, type Usage } from '../pricing/price.ts';
import type { Counts, Dimension } from '../usage/dimensions.ts';
import { createGapFinder, type Gap } from './gaps.ts';
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
  /** As the logs report it; undefined unless every billed record carries a cost, and token counts or none of them. */
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
  /** The lists that the prices are from. */
  origins: ReadonlySet<PriceOrigin>;
  /** What only the logs or only a price list know of; none where they were not looked for. */
  gaps: readonly Gap[];
  /** Billed requests without token counts: they are in no cost that prices make. */
  untold: number;
  /** Whether none of the billed requests has any. */
  allUntold: boolean;
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
  /** Whether gaps are not looked for: nobody asks for those of a group. */
  gapless?: boolean;
}

const DAY_MS = 86_400_000;

/**
 * Prices one model on both sides. The current cost is the config's price of the tokens, else what the logs report
 * where they do so for every billed record, else the catalogue's price. The projected cost takes the target's
 * prices of today, at the record's time of day, for the tokens that the target would count.
 */
export function priceModel(model: string, series: readonly Series[], pricing: Pricing): PricedModel {
  const { legacy, target, bands, now, whatIf, gapless = false } = pricing;
  const targetModel = target ? targetModelOf(target.models, model) : null;
  const drift = target ? driftOf(target, model) : 1;
  const told = new Set(series.flatMap(({ dimensions }) => Object.keys(dimensions) as Dimension[]));
  const origins = new Set<PriceOrigin>();
  const finders = { current: createGapFinder('current'), target: createGapFinder('target') };
  let currentPrice: string | undefined;
  let targetPrice: string | undefined;
  let complete = true;
  let cacheSaves = false;

  const look = (side: Gap['side'], found: ModelPrice | undefined, cell: Cell) => {
    if (!found) return;
    origins.add(found.origin);
    if (!gapless) finders[side].add(found, cell);
  };
  const price = (one: Series, cell: Cell) => {
    const found = findPrice(legacy, model, one.provider, cell.at ?? now);
    currentPrice = oneSource(currentPrice, found?.source);
    look('current', found, cell);
    return found && cardOf(found, cell.serviceTier);
  };
  const offer = (cell: Cell) => {
    if (targetModel === null || !target) return undefined;
    const found = findPrice(target.side, targetModel, undefined, today(cell.at, now));
    targetPrice = oneSource(targetPrice, found?.source);
    look('target', found, cell);
    cacheSaves ||= found !== undefined && cacheHasPrice(cardOf(found, cell.serviceTier));
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
      // What requests without token counts cost cannot be told.
      if (cell.billed === cell.untold) continue;
      const size = tokensInBand(bands, cell.inputBand);
      const card = price(one, cell);
      row.recomputedUsd = card && costUsd(card, usageOf(cell, 1), size);
      const offered = offer(cell);
      const at = (assumed: WhatIf) =>
        offered &&
        costIf(offered, usageOf(cell, drift), size * drift, cell.serviceTier, assumed, targetModel ?? model);
      row.projectedUsd = at(whatIf);
      row.plainUsd = at({});
    }
  }

  const billed = rows.some(({ cell }) => cell.billed > 0);
  const allUntold = !rows.some(({ cell }) => cell.billed > cell.untold);
  const sumOf = (amount: (row: Row) => number | undefined) =>
    allUntold ? undefined : total(rows.map(amount));
  const untold = rows.reduce((sum, { cell }) => sum + cell.untold, 0);
  // What is reported of requests without token counts must not stand against a projection without them.
  const isWhole = billed && complete && (allUntold || untold === 0);
  const reportedUsd = isWhole ? total(rows.map((row) => row.reportedUsd)) : undefined;
  const recomputedUsd = sumOf((row) => row.recomputedUsd);
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
    projectedUsd: sumOf((row) => row.projectedUsd),
    plainUsd: sumOf((row) => row.plainUsd),
    targetPrice,
    origins,
    gaps: gapless ? [] : [...finders.current.gaps(told), ...finders.target.gaps(told)],
    untold,
    allUntold: billed && allUntold,
    cacheSaves,
  };
}

/** What is billed in a cell, with so many tokens for each of its own; requests without token counts are left out. */
function usageOf(cell: Cell, factor: number): Usage {
  const dimensions: Counts = {};
  for (const key in cell.dimensions) {
    const dimension = key as Dimension;
    const count = cell.dimensions[dimension] as number;
    dimensions[dimension] = dimension === 'searches' ? count : count * factor;
  }
  return {
    input: cell.inputTokens * factor,
    cachedInput: cell.cachedInputTokens * factor,
    output: cell.outputTokens * factor,
    requests: cell.billedRequests - cell.untold,
    dimensions,
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
