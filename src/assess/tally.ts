import type { Bands } from '../pricing/bands.ts';
import { addCounts, type Counts, type ServiceTier } from '../usage/dimensions.ts';
import { ownText } from '../usage/own-text.ts';
import { type Attic, atticBuffers } from './attic/attic.ts';
import { type Column, columnBuffers, createColumn, mergeColumn } from './column.ts';
import type { Span } from './period.ts';
import type { Spreads } from './spreads.ts';
import { createSum, mergeSum, type Sum } from './sum.ts';

/**
 * Everything an assessment needs to know of the records, in memory that grows with the number of models, days
 * and latencies but not with the number of records as such. Plain data: a worker can send it, and the tallies of
 * parts of a log merge into the tally of the whole, exactly.
 */
export interface Tally {
  bands: Bands;
  series: Map<string, Series>;
  /** The models that are told apart. */
  models: Set<string>;
  /** First and last timestamp, Unix milliseconds; plus and minus infinity while no record has one. */
  from: number;
  to: number;
  /** When the last interval ends that an aggregate sums up; minus infinity without one. */
  until: number;
  /** Records that have a timestamp. */
  timed: number;
  /** Set where there are too many groups for objects: those that were put away (see attic/stow.ts). */
  attic?: Attic;
  /** All groups together, as far as they were put away; by `seriesKey` without a group. */
  together?: Map<string, Series>;
  /** Set where the source took the quantiles of the durations itself: then the columns are empty. */
  spreads?: Spreads;
}

/** The records of one model at one provider, in one group of `--by`. */
export interface Series {
  group: string;
  provider: string | undefined;
  model: string;
  requests: number;
  ok: number;
  inputTokens: number;
  cachedInputTokens: number;
  outputTokens: number;
  /** Over the records that tell them. */
  dimensions: Counts;
  /** Requests that have no token counts. */
  untold: number;
  errorsByClass: Map<string, number>;
  reportedUsd: Sum;
  /** Records that carry a cost. */
  reportedRecords: number;
  /** Over successful requests, milliseconds. */
  latency: Column;
  ttft: Column;
  cells: Map<string, Cell>;
}

/** What was asked for and billed in one day and in bands in which every price is constant. */
export interface Cell {
  /** Day number since 1970 in the report's time zone; undefined without a timestamp. */
  day: number | undefined;
  /** undefined for the tier that everybody gets. */
  serviceTier: ServiceTier | undefined;
  /** The earliest timestamp in the cell. */
  at: number | undefined;
  inputBand: number;
  requests: number;
  errors: number;
  /** Records that were billed; the token counts and the cost are theirs. */
  billed: number;
  /** The requests that these are; aggregates that do not say how many count none. */
  billedRequests: number;
  /** Those of the billed records that have no token counts. */
  untold: number;
  /** Tokens of aggregates that do not say how many requests they are, and how long each of them was. */
  uncountedTokens: number;
  unsizedTokens: number;
  inputTokens: number;
  cachedInputTokens: number;
  outputTokens: number;
  dimensions: Counts;
  reportedUsd: Sum;
  /** Billed records that carry a cost. */
  reportedRecords: number;
}

/** Logs that write messages in place of error classes must not make a class of each. */
const MAX_CLASSES = 200;
const MAX_CLASS_LENGTH = 60;

/** Nobody uses so many: where the field of the model holds something else, it must not eat the memory. */
export const MAX_MODELS = 10_000;
/** What the models that come after these are added up as. */
export const OTHER_MODELS = '(other models)';

export function createTally(bands: Bands): Tally {
  return {
    bands,
    series: new Map(),
    models: new Set(),
    from: Number.POSITIVE_INFINITY,
    to: Number.NEGATIVE_INFINITY,
    until: Number.NEGATIVE_INFINITY,
    timed: 0,
  };
}

export function seriesKey(group: string, provider: string | undefined, model: string): string {
  return `${group}\0${provider ?? ''}\0${model}`;
}

/** The series of such records; a new one where there is none. */
export function seriesOf(tally: Tally, group: string, provider: string | undefined, model: string): Series {
  const key = seriesKey(group, provider, model);
  let series = tally.series.get(key);
  if (!series) {
    if (!tally.models.has(model)) {
      if (tally.models.size >= MAX_MODELS && model !== OTHER_MODELS) {
        return seriesOf(tally, group, undefined, OTHER_MODELS);
      }
      tally.models.add(ownText(model));
    }
    series = {
      group: ownText(group),
      provider: provider === undefined ? undefined : ownText(provider),
      model: ownText(model),
      requests: 0,
      ok: 0,
      inputTokens: 0,
      cachedInputTokens: 0,
      outputTokens: 0,
      dimensions: {},
      untold: 0,
      errorsByClass: new Map(),
      reportedUsd: createSum(),
      reportedRecords: 0,
      latency: createColumn(),
      ttft: createColumn(),
      cells: new Map(),
    };
    tally.series.set(key, series);
  }
  return series;
}

/** The cell of a series; a new one where there is none. */
export function cellOf(
  series: Series,
  day: number | undefined,
  clock: number,
  band: number,
  serviceTier: ServiceTier | undefined,
): Cell {
  const key = `${day ?? ''}/${clock}/${band}${serviceTier ? `/${serviceTier}` : ''}`;
  let cell = series.cells.get(key);
  if (!cell) {
    cell = {
      day,
      serviceTier,
      at: undefined,
      inputBand: band,
      requests: 0,
      errors: 0,
      billed: 0,
      billedRequests: 0,
      untold: 0,
      uncountedTokens: 0,
      unsizedTokens: 0,
      inputTokens: 0,
      cachedInputTokens: 0,
      outputTokens: 0,
      dimensions: {},
      reportedUsd: createSum(),
      reportedRecords: 0,
    };
    series.cells.set(key, cell);
  }
  return cell;
}

/** Counts a class of errors. */
export function countClass(counts: Map<string, number>, name: string, by: number): void {
  const short = name.slice(0, MAX_CLASS_LENGTH);
  const key = counts.has(short) || counts.size < MAX_CLASSES ? short : 'other';
  counts.set(key, (counts.get(key) ?? 0) + by);
}

/** What the tally knows of its times. */
export function spanOf({ from, to, until, timed }: Tally): Span {
  const known = (time: number) => (Number.isFinite(time) ? time : undefined);
  return { from: known(from), to: known(to), until: known(until), timed };
}

/**
 * The series and their cells in an order of their own, so that it does not show in any figure in which order the
 * records came.
 */
export function inOrder(tally: Tally): Series[] {
  return sortedByKey(tally.series).map(([, series]) => ({
    ...series,
    cells: new Map(sortedByKey(series.cells)),
  }));
}

function sortedByKey<T>(map: ReadonlyMap<string, T>): [string, T][] {
  return [...map].sort(([a], [b]) => (a < b ? -1 : 1));
}

/**
 * Whether some tallies may hold too many models or classes of errors together, so that it depends on the order of the
 * records which of them are lumped.
 */
export function lumps(tallies: readonly Tally[]): boolean {
  const models = new Set(tallies.flatMap((tally) => [...tally.models]));
  if (models.size > MAX_MODELS) return true;
  const classes = new Map<string, number>();
  for (const { series } of tallies) {
    for (const [key, { errorsByClass }] of series) {
      classes.set(key, (classes.get(key) ?? 0) + errorsByClass.size);
    }
  }
  return [...classes.values()].some((count) => count >= MAX_CLASSES);
}

/** The memory of a tally that can be handed to another thread as it is. */
export function buffersOf(tally: Tally): ArrayBuffer[] {
  const all = [...tally.series.values(), ...(tally.together?.values() ?? [])];
  const columns = all.flatMap(({ latency, ttft }) => [latency, ttft]);
  return [...columns.flatMap(columnBuffers), ...(tally.attic ? atticBuffers(tally.attic) : [])];
}

/**
 * Adds the tally of another part of the log, which must not be used any more; both must have the same bands, and neither
 * an attic (see attic/stow.ts).
 */
export function mergeTally(into: Tally, other: Tally): void {
  into.from = Math.min(into.from, other.from);
  into.to = Math.max(into.to, other.to);
  into.until = Math.max(into.until, other.until);
  into.timed += other.timed;
  for (const model of other.models) into.models.add(model);
  for (const [key, theirs] of other.series) addSeries(into.series, key, theirs);
}

/** Adds a series to those of its key; it must not be used any more. */
export function addSeries(all: Map<string, Series>, key: string, series: Series): void {
  const known = all.get(key);
  if (known) mergeSeries(known, series);
  else all.set(key, series);
}

function mergeSeries(into: Series, other: Series): void {
  into.requests += other.requests;
  into.ok += other.ok;
  into.inputTokens += other.inputTokens;
  into.cachedInputTokens += other.cachedInputTokens;
  into.outputTokens += other.outputTokens;
  addCounts(into.dimensions, other.dimensions);
  into.untold += other.untold;
  for (const [name, count] of other.errorsByClass) countClass(into.errorsByClass, name, count);
  mergeSum(into.reportedUsd, other.reportedUsd);
  into.reportedRecords += other.reportedRecords;
  mergeColumn(into.latency, other.latency);
  mergeColumn(into.ttft, other.ttft);
  for (const [key, cell] of other.cells) {
    const mine = into.cells.get(key);
    if (mine) mergeCell(mine, cell);
    else into.cells.set(key, cell);
  }
}

function mergeCell(into: Cell, other: Cell): void {
  if (other.at !== undefined && (into.at === undefined || other.at < into.at)) into.at = other.at;
  into.requests += other.requests;
  into.errors += other.errors;
  into.billed += other.billed;
  into.billedRequests += other.billedRequests;
  into.untold += other.untold;
  into.uncountedTokens += other.uncountedTokens;
  into.unsizedTokens += other.unsizedTokens;
  into.inputTokens += other.inputTokens;
  into.cachedInputTokens += other.cachedInputTokens;
  into.outputTokens += other.outputTokens;
  addCounts(into.dimensions, other.dimensions);
  mergeSum(into.reportedUsd, other.reportedUsd);
  into.reportedRecords += other.reportedRecords;
}
