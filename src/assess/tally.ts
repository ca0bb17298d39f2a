import { type Bands, clockBand, inputBand } from '../pricing/bands.ts';
import type { UsageRecord } from '../usage/record.ts';
import { type Column, createColumn, mergeColumn, push } from './column.ts';
import type { Spreads } from './spreads.ts';
import { add, createSum, mergeSum, type Sum } from './sum.ts';

/**
 * Everything an assessment needs to know of the records, in memory that grows with the number of models, days
 * and latencies but not with the number of records as such. Plain data: a worker can send it, and the tallies of
 * parts of a log merge into the tally of the whole, exactly.
 */
export interface Tally {
  bands: Bands;
  series: Map<string, Series>;
  /** First and last timestamp, Unix milliseconds; undefined while no record has one. */
  from: number | undefined;
  to: number | undefined;
  /** When the last interval ends that an aggregate sums up. */
  until: number | undefined;
  /** Records that have a timestamp. */
  timed: number;
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
  /** At the batch price. */
  batch: boolean;
  /** The earliest timestamp in the cell. */
  at: number | undefined;
  inputBand: number;
  requests: number;
  errors: number;
  /** Records that were billed; the token counts and the cost are theirs. */
  billed: number;
  inputTokens: number;
  cachedInputTokens: number;
  cacheWriteTokens: number;
  outputTokens: number;
  reportedUsd: Sum;
  /** Billed records that carry a cost. */
  reportedRecords: number;
}

export interface TallyRules {
  /** The group of a record; the same for all when nothing is grouped. */
  groupOf(record: UsageRecord): string;
  /** The number of the day (since 1970) in the report's time zone. */
  dayOf(at: number): number;
}

/** Logs that write messages in place of error classes must not make a class of each. */
const MAX_CLASSES = 200;
const MAX_CLASS_LENGTH = 60;

export function createTally(bands: Bands): Tally {
  return { bands, series: new Map(), from: undefined, to: undefined, until: undefined, timed: 0 };
}

/**
 * Whether a request was billed: successful ones, those the caller cancelled (providers bill what they had
 * generated), and any whose record carries a cost. Other failures are not billed, whatever tokens they log.
 */
export function isBilled(record: UsageRecord): boolean {
  // Money without usage (a line of a bill) has no tokens to price.
  if (record.aggregate?.requests === 0 && record.inputTokens + record.outputTokens === 0) return false;
  return record.status === 'ok' || record.status === 'cancelled' || (record.costUsd ?? 0) > 0;
}

export function addRecord(tally: Tally, record: UsageRecord, rules: TallyRules): void {
  const { at } = record;
  if (at !== undefined) {
    if (tally.from === undefined || at < tally.from) tally.from = at;
    if (tally.to === undefined || at > tally.to) tally.to = at;
    const until = record.aggregate?.until;
    if (until !== undefined && (tally.until === undefined || until > tally.until)) tally.until = until;
    tally.timed++;
  }
  const series = seriesOf(tally, rules.groupOf(record), record.provider, record.model);
  const requests = record.aggregate?.requests ?? 1;
  series.requests += requests;
  series.inputTokens += record.inputTokens;
  series.cachedInputTokens += record.cachedInputTokens;
  series.outputTokens += record.outputTokens;
  if (record.status === 'ok') {
    series.ok += requests;
    if (record.latencyMs !== undefined) push(series.latency, record.latencyMs);
    if (record.ttftMs !== undefined) push(series.ttft, record.ttftMs);
  } else {
    countClass(series.errorsByClass, record.status, requests);
  }
  if (record.costUsd !== undefined) {
    add(series.reportedUsd, record.costUsd);
    series.reportedRecords++;
  }
  const cell = cellOf(
    series,
    at === undefined ? undefined : rules.dayOf(at),
    at === undefined ? 0 : clockBand(tally.bands, at),
    inputBand(tally.bands, requestSize(record)),
    record.batch === true,
  );
  if (at !== undefined && (cell.at === undefined || at < cell.at)) cell.at = at;
  cell.requests += requests;
  if (record.status !== 'ok') cell.errors += requests;
  if (!isBilled(record)) return;
  cell.billed++;
  cell.inputTokens += record.inputTokens;
  cell.cachedInputTokens += record.cachedInputTokens;
  cell.cacheWriteTokens += record.cacheWriteTokens ?? 0;
  cell.outputTokens += record.outputTokens;
  if (record.costUsd !== undefined) {
    add(cell.reportedUsd, record.costUsd);
    cell.reportedRecords++;
  }
}

/** Input tokens of one request; for an aggregate the mean, or 0 (the lowest tier) where the number is unknown. */
function requestSize(record: UsageRecord): number {
  if (!record.aggregate) return record.inputTokens;
  const { requests } = record.aggregate;
  return requests === 0 ? 0 : record.inputTokens / requests;
}

function seriesOf(tally: Tally, group: string, provider: string | undefined, model: string): Series {
  const key = `${group}\0${provider ?? ''}\0${model}`;
  let series = tally.series.get(key);
  if (!series) {
    series = {
      group,
      provider,
      model,
      requests: 0,
      ok: 0,
      inputTokens: 0,
      cachedInputTokens: 0,
      outputTokens: 0,
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

function cellOf(series: Series, day: number | undefined, clock: number, band: number, batch: boolean): Cell {
  const key = `${day ?? ''}/${clock}/${band}${batch ? '/batch' : ''}`;
  let cell = series.cells.get(key);
  if (!cell) {
    cell = {
      day,
      batch,
      at: undefined,
      inputBand: band,
      requests: 0,
      errors: 0,
      billed: 0,
      inputTokens: 0,
      cachedInputTokens: 0,
      cacheWriteTokens: 0,
      outputTokens: 0,
      reportedUsd: createSum(),
      reportedRecords: 0,
    };
    series.cells.set(key, cell);
  }
  return cell;
}

function countClass(counts: Map<string, number>, name: string, by: number): void {
  const short = name.slice(0, MAX_CLASS_LENGTH);
  const key = counts.has(short) || counts.size < MAX_CLASSES ? short : 'other';
  counts.set(key, (counts.get(key) ?? 0) + by);
}

/** Adds the tally of another part of the log; both must have the same bands. */
export function mergeTally(into: Tally, other: Tally): void {
  if (other.from !== undefined && (into.from === undefined || other.from < into.from)) into.from = other.from;
  if (other.to !== undefined && (into.to === undefined || other.to > into.to)) into.to = other.to;
  if (other.until !== undefined && (into.until === undefined || other.until > into.until))
    into.until = other.until;
  into.timed += other.timed;
  for (const theirs of other.series.values()) {
    mergeSeries(seriesOf(into, theirs.group, theirs.provider, theirs.model), theirs);
  }
}

function mergeSeries(into: Series, other: Series): void {
  into.requests += other.requests;
  into.ok += other.ok;
  into.inputTokens += other.inputTokens;
  into.cachedInputTokens += other.cachedInputTokens;
  into.outputTokens += other.outputTokens;
  for (const [name, count] of other.errorsByClass) countClass(into.errorsByClass, name, count);
  mergeSum(into.reportedUsd, other.reportedUsd);
  into.reportedRecords += other.reportedRecords;
  mergeColumn(into.latency, other.latency);
  mergeColumn(into.ttft, other.ttft);
  for (const [key, cell] of other.cells) {
    const mine = into.cells.get(key);
    if (mine) mergeCell(mine, cell);
    else into.cells.set(key, { ...cell, reportedUsd: { ...cell.reportedUsd } });
  }
}

function mergeCell(into: Cell, other: Cell): void {
  if (other.at !== undefined && (into.at === undefined || other.at < into.at)) into.at = other.at;
  into.requests += other.requests;
  into.errors += other.errors;
  into.billed += other.billed;
  into.inputTokens += other.inputTokens;
  into.cachedInputTokens += other.cachedInputTokens;
  into.cacheWriteTokens += other.cacheWriteTokens;
  into.outputTokens += other.outputTokens;
  mergeSum(into.reportedUsd, other.reportedUsd);
  into.reportedRecords += other.reportedRecords;
}
