import { clockBand, inputBand } from '../pricing/bands.ts';
import type { UsageRecord } from '../usage/record.ts';
import { type Row, RowColumn } from '../usage/row.ts';
import { push } from './column.ts';
import { add } from './sum.ts';
import { type Cell, cellOf, countClass, type Series, seriesOf, type Tally } from './tally.ts';

export interface TallyRules {
  /** The group of a record; the same for all when nothing is grouped. */
  groupOf(record: UsageRecord): string;
  /** The number of the day (since 1970) in the report's time zone. */
  dayOf(at: number): number;
}

/** Where the last record of a model went: neighbours in a log are alike, so most need not be looked up. */
interface Lane {
  group: string;
  provider: string | undefined;
  series: Series;
  cell: Cell | undefined;
  clock: number;
}

/** Takes records into a tally; keeps nothing of the record itself. */
export interface Adder {
  add(record: UsageRecord): void;
  /** The same for a row of a log that is not grouped. */
  addRow(row: Row): void;
}

const MINUTE_MS = 60_000;

export function createAdder(tally: Tally, rules: TallyRules): Adder {
  const lanes = new Map<string, Lane>();
  // Days and price bands begin on whole minutes.
  let minute = Number.NaN;
  let day: number | undefined;
  let clock = 0;

  const laneOf = (group: string, provider: string | undefined, model: string): Lane => {
    const last = lanes.get(model);
    if (last !== undefined && last.group === group && last.provider === provider) return last;
    const series = seriesOf(tally, group, provider, model);
    const lane = { group, provider, series, cell: undefined, clock: 0 };
    lanes.set(model, lane);
    return lane;
  };
  const takeTime = (at: number): void => {
    if (Number.isNaN(at)) {
      minute = Number.NaN;
      day = undefined;
      clock = 0;
      return;
    }
    if (at < tally.from) tally.from = at;
    if (at > tally.to) tally.to = at;
    tally.timed++;
    const now = Math.floor(at / MINUTE_MS);
    if (now === minute) return;
    minute = now;
    day = rules.dayOf(at);
    clock = clockBand(tally.bands, at);
  };
  const takeCell = (lane: Lane, band: number, batch: boolean): Cell => {
    const { cell: last } = lane;
    const same =
      last !== undefined &&
      last.day === day &&
      lane.clock === clock &&
      last.inputBand === band &&
      last.batch === batch;
    if (same) return last;
    const cell = cellOf(lane.series, day, clock, band, batch);
    lane.cell = cell;
    lane.clock = clock;
    return cell;
  };

  /** @param size input tokens of one request. */
  const take = (
    { numbers, base, provider, model, status }: Row,
    group: string,
    requests: number,
    size: number,
    cacheWriteTokens: number,
    batch: boolean,
    billable: boolean,
  ): void => {
    const at = numbers[base + RowColumn.at] as number;
    const inputTokens = numbers[base + RowColumn.inputTokens] as number;
    const cachedInputTokens = numbers[base + RowColumn.cachedInputTokens] as number;
    const outputTokens = numbers[base + RowColumn.outputTokens] as number;
    const costUsd = numbers[base + RowColumn.costUsd] as number;
    takeTime(at);
    const lane = laneOf(group, provider, model);
    const { series } = lane;
    const cell = takeCell(lane, inputBand(tally.bands, size), batch);
    series.requests += requests;
    cell.requests += requests;
    series.inputTokens += inputTokens;
    series.cachedInputTokens += cachedInputTokens;
    series.outputTokens += outputTokens;
    if (status === 'ok') {
      series.ok += requests;
      const latencyMs = numbers[base + RowColumn.latencyMs] as number;
      const ttftMs = numbers[base + RowColumn.ttftMs] as number;
      if (!Number.isNaN(latencyMs)) push(series.latency, latencyMs);
      if (!Number.isNaN(ttftMs)) push(series.ttft, ttftMs);
    } else {
      cell.errors += requests;
      countClass(series.errorsByClass, status, requests);
    }
    const reported = !Number.isNaN(costUsd);
    if (reported) {
      add(series.reportedUsd, costUsd);
      series.reportedRecords++;
    }
    if (cell.at === undefined || at < cell.at) cell.at = Number.isNaN(at) ? undefined : at;
    // A failure whose record carries a cost was billed all the same.
    if (!billable || !(status === 'ok' || status === 'cancelled' || costUsd > 0)) return;
    cell.billed++;
    cell.inputTokens += inputTokens;
    cell.cachedInputTokens += cachedInputTokens;
    cell.cacheWriteTokens += cacheWriteTokens;
    cell.outputTokens += outputTokens;
    if (reported) {
      add(cell.reportedUsd, costUsd);
      cell.reportedRecords++;
    }
  };

  const own = new Float64Array(RowColumn.at + 1);
  const ownRow: Row = { numbers: own, base: 0, provider: undefined, model: '', status: '' };
  return {
    add(record) {
      const { aggregate } = record;
      own[RowColumn.inputTokens] = record.inputTokens;
      own[RowColumn.cachedInputTokens] = record.cachedInputTokens;
      own[RowColumn.outputTokens] = record.outputTokens;
      own[RowColumn.latencyMs] = record.latencyMs ?? Number.NaN;
      own[RowColumn.ttftMs] = record.ttftMs ?? Number.NaN;
      own[RowColumn.costUsd] = record.costUsd ?? Number.NaN;
      own[RowColumn.at] = record.at ?? Number.NaN;
      ownRow.provider = record.provider;
      ownRow.model = record.model;
      ownRow.status = record.status;
      const until = record.at === undefined ? undefined : aggregate?.until;
      if (until !== undefined && until > tally.until) tally.until = until;
      take(
        ownRow,
        rules.groupOf(record),
        aggregate?.requests ?? 1,
        requestSize(record),
        record.cacheWriteTokens ?? 0,
        record.batch === true,
        // Money without usage (a line of a bill) has no tokens to price.
        !(aggregate?.requests === 0 && record.inputTokens + record.outputTokens === 0),
      );
    },
    addRow(row) {
      take(row, '', 1, row.numbers[row.base + RowColumn.inputTokens] as number, 0, false, true);
    },
  };
}

/** Input tokens of one request; for an aggregate the mean, or 0 (the lowest tier) where the number is unknown. */
function requestSize(record: UsageRecord): number {
  if (!record.aggregate) return record.inputTokens;
  const { requests } = record.aggregate;
  return requests === 0 ? 0 : record.inputTokens / requests;
}
