import { inputBand } from '../pricing/bands.ts';
import type { Bundle, Kind, Seller } from '../usage/bundle.ts';
import { addCounts, type Counts, type ServiceTier } from '../usage/dimensions.ts';
import type { UsageRecord } from '../usage/record.ts';
import { createStowing } from './attic/stow.ts';
import { push, pushAll } from './column.ts';
import { createSpans, type DaySpan } from './span.ts';
import { add } from './sum.ts';
import { type Cell, cellOf, countClass, type Series, seriesOf, type Tally } from './tally.ts';

export interface TallyRules {
  /** The group of a record; the same for all when nothing is grouped. */
  groupOf(record: UsageRecord): string;
  /** The number of the day (since 1970) in the report's time zone. */
  dayOf(at: number): number;
}

/** Takes records into a tally; keeps nothing of the record itself. */
export interface Adder {
  add(record: UsageRecord): void;
  /** Takes records of a log that is not grouped; see BundleTaker. */
  spanOf(at: number): DaySpan;
  announce(kind: Kind): 'ok' | 'billed' | 'failed';
  count(kind: Kind, records: number): void;
  addDurations(seller: Seller, what: 'latency' | 'ttft', values: Float64Array): void;
  addBundle(bundle: Bundle): void;
}

/** What a record or a bundle stands for besides what it sums up. */
interface Traits {
  group: string;
  requests: number;
  /** No token counts are told. */
  untold: boolean;
  dimensions: Counts | undefined;
  serviceTier: ServiceTier | undefined;
  /** Sums up requests, and how many or how long they were is not told. */
  uncounted: boolean;
  unsized: boolean;
}

/** Where the last record of a model in a group went: most go there too, and need not be looked up. */
interface Lane {
  provider: string | undefined;
  series: Series;
  cell: Cell | undefined;
  clock: number;
}

export function createAdder(tally: Tally, rules: TallyRules): Adder {
  /** By group, then by model. */
  let lanes = new Map<string, Map<string, Lane>>();
  const spanOf = createSpans(tally.bands, rules.dayOf);
  let span: DaySpan | undefined;
  const stowing = createStowing(tally);

  const laneOf = (group: string, provider: string | undefined, model: string): Lane => {
    const inGroup = lanes.get(group);
    const last = inGroup?.get(model);
    if (last !== undefined && last.provider === provider) return last;
    const series = seriesOf(tally, group, provider, model);
    const lane = { provider, series, cell: undefined, clock: 0 };
    if (inGroup) inGroup.set(series.model, lane);
    else lanes.set(series.group, new Map([[series.model, lane]]));
    return lane;
  };
  const takeTimes = ({ from, to, records }: Bundle): DaySpan | undefined => {
    if (Number.isNaN(from)) return undefined;
    if (from < tally.from) tally.from = from;
    if (to > tally.to) tally.to = to;
    tally.timed += records;
    if (span === undefined || from < span.from || from >= span.to) span = spanOf(from);
    return span;
  };
  const takeCell = (
    lane: Lane,
    span: DaySpan | undefined,
    band: number,
    serviceTier: ServiceTier | undefined,
  ): Cell => {
    const { cell: last } = lane;
    const day = span?.day;
    const clock = span?.clock ?? 0;
    const same =
      last !== undefined &&
      last.day === day &&
      lane.clock === clock &&
      last.inputBand === band &&
      last.serviceTier === serviceTier;
    if (same) return last;
    const cell = cellOf(lane.series, day, clock, band, serviceTier);
    lane.cell = cell;
    lane.clock = clock;
    return cell;
  };

  const take = (bundle: Bundle, traits: Traits): Series => {
    const { group, requests, untold, dimensions } = traits;
    const { records, from, inputTokens, cachedInputTokens, outputTokens, usd, reportedRecords } = bundle;
    const lane = laneOf(group, bundle.provider, bundle.model);
    const { series } = lane;
    const cell = takeCell(lane, takeTimes(bundle), inputBand(tally.bands, bundle.size), traits.serviceTier);
    series.requests += requests;
    cell.requests += requests;
    if (bundle.ok) series.ok += requests;
    else cell.errors += requests;
    series.inputTokens += inputTokens;
    series.cachedInputTokens += cachedInputTokens;
    series.outputTokens += outputTokens;
    if (dimensions) addCounts(series.dimensions, dimensions);
    if (untold) series.untold += requests;
    for (const part of usd) add(series.reportedUsd, part);
    series.reportedRecords += reportedRecords;
    if (cell.at === undefined || from < cell.at) cell.at = Number.isNaN(from) ? undefined : from;
    if (!bundle.billed) return series;
    cell.billed += records;
    cell.billedRequests += requests;
    if (untold) cell.untold += records;
    if (traits.uncounted) cell.uncountedTokens += inputTokens + outputTokens;
    if (traits.unsized) cell.unsizedTokens += inputTokens + outputTokens;
    cell.inputTokens += inputTokens;
    cell.cachedInputTokens += cachedInputTokens;
    cell.outputTokens += outputTokens;
    if (dimensions) addCounts(cell.dimensions, dimensions);
    for (const part of usd) add(cell.reportedUsd, part);
    cell.reportedRecords += reportedRecords;
    return series;
  };

  const countKind = ({ provider, model, status }: Kind, records: number) => {
    countClass(laneOf('', provider, model).series.errorsByClass, status, records);
  };

  return {
    add(record) {
      const group = rules.groupOf(record);
      if (group !== '' && stowing.isDue()) {
        stowing.stow();
        // Not cleared: an old table that is cleared keeps the young one that follows it, with all that this holds.
        lanes = new Map();
      }
      const { aggregate, at = Number.NaN, costUsd } = record;
      const until = record.at === undefined ? undefined : aggregate?.until;
      if (until !== undefined && until > tally.until) tally.until = until;
      const { provider, model, inputTokens, cachedInputTokens, outputTokens } = record;
      const requests = aggregate?.requests ?? 1;
      const outcome = outcomeOf(record.status);
      // Money without usage (a line of a bill) has no tokens to price.
      const isMoney =
        aggregate?.requests === 0 && inputTokens + outputTokens === 0 && !record.dimensions?.searches;
      const bundle = {
        provider,
        model,
        ok: outcome === 'ok',
        billed: !isMoney && (outcome !== 'failed' || (costUsd !== undefined && costUsd > 0)),
        records: 1,
        from: at,
        to: at,
        size: requestSize(record),
        inputTokens,
        cachedInputTokens,
        outputTokens,
        reportedRecords: costUsd === undefined ? 0 : 1,
        usd: costUsd === undefined ? NOTHING : [costUsd],
      };
      const series = take(bundle, {
        group,
        requests,
        untold: record.untold === true,
        dimensions: record.dimensions,
        serviceTier: record.serviceTier,
        uncounted: aggregate?.requests === 0,
        unsized: aggregate !== undefined && aggregate.inputAbove === undefined,
      });
      if (outcome !== 'ok') {
        countClass(series.errorsByClass, record.status, requests);
        return;
      }
      if (record.latencyMs !== undefined) push(series.latency, record.latencyMs);
      if (record.ttftMs !== undefined) push(series.ttft, record.ttftMs);
    },
    spanOf,
    announce(kind) {
      const outcome = outcomeOf(kind.status);
      // The classes that come first are kept, and they are counted later.
      if (outcome !== 'ok') countKind(kind, 0);
      return outcome;
    },
    count(kind, records) {
      if (outcomeOf(kind.status) !== 'ok') countKind(kind, records);
    },
    addDurations({ provider, model }, what, values) {
      pushAll(laneOf('', provider, model).series[what], values);
    },
    addBundle(bundle) {
      take(bundle, { ...PLAIN, requests: bundle.records });
    },
  };
}

/** What is cancelled was billed; a failure whose record carries a cost was billed all the same. */
function outcomeOf(status: string): 'ok' | 'billed' | 'failed' {
  return status === 'ok' ? 'ok' : status === 'cancelled' ? 'billed' : 'failed';
}

const NOTHING: readonly number[] = [];
/** Bundles are made of plain requests. */
const PLAIN: Omit<Traits, 'requests'> = {
  group: '',
  untold: false,
  dimensions: undefined,
  serviceTier: undefined,
  uncounted: false,
  unsized: false,
};

/**
 * Input tokens of one request; for an aggregate what it says they were more than, else the mean, or 0 (the lowest tier)
 * where their number is unknown.
 */
function requestSize(record: UsageRecord): number {
  if (!record.aggregate) return record.inputTokens;
  const { requests, inputAbove } = record.aggregate;
  if (inputAbove !== undefined) return inputAbove === 0 ? 0 : inputAbove + 1;
  return requests === 0 ? 0 : record.inputTokens / requests;
}
