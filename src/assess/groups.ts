import type { UsageRecord } from '../usage/record.ts';
import { dayName, type Zone } from '../usage/zone.ts';
import type { GroupAssessment } from './assessment.ts';
import type { PricedModel } from './priced.ts';
import { durationsOf } from './spreads.ts';
import type { Series, Tally } from './tally.ts';

/** What records can be grouped by; `hour` is the hour of the day. */
export const GROUPINGS = ['model', 'user', 'day', 'hour'] as const;
export type Grouping = (typeof GROUPINGS)[number];

/** The group of a record. */
export function groupKey(by: Grouping | undefined, zone: Zone): (record: UsageRecord) => string {
  const timed = (numberOf: (at: number) => number, nameOf: (number: number) => string) => {
    // Neighbours in a log are of one day, and to write it down takes longer than all else.
    let last = Number.NaN;
    let name = '';
    return ({ at }: UsageRecord) => {
      if (at === undefined) return '(no time)';
      const number = numberOf(at);
      if (number !== last) name = nameOf(number);
      last = number;
      return name;
    };
  };
  switch (by) {
    case undefined:
      return () => '';
    case 'model':
      return (record) => record.model;
    case 'user':
      return (record) => record.user ?? '(no user)';
    case 'day':
      return timed(zone.dayOf, dayName);
    case 'hour':
      return timed(zone.hourOf, (hour) => `${String(hour).padStart(2, '0')}:00`);
  }
}

/** The groups, times in their order and others by their tokens. */
export function groupsOf(
  by: Grouping,
  tally: Tally,
  models: readonly PricedModel[],
  comparable: ReadonlySet<PricedModel>,
  projected: boolean,
): GroupAssessment[] {
  const groups = new Map<
    string,
    { series: Series[]; currentUsd: number; projectedUsd: number; priced: boolean }
  >();
  const entryOf = (key: string) => {
    let entry = groups.get(key);
    if (!entry) {
      entry = { series: [], currentUsd: 0, projectedUsd: 0, priced: false };
      groups.set(key, entry);
    }
    return entry;
  };
  for (const model of models) {
    for (const series of model.series) entryOf(series.group).series.push(series);
    if (!comparable.has(model)) continue;
    for (const { series, currentUsd, projectedUsd } of model.cells) {
      const entry = entryOf(series.group);
      entry.priced = true;
      entry.currentUsd += currentUsd ?? 0;
      entry.projectedUsd += projectedUsd ?? 0;
    }
  }
  const asked = [...groups].map(([key, { series }]) => ({ scope: { group: key }, series }));
  const [latencies, ttfts] = [durationsOf(tally, 'latency', asked), durationsOf(tally, 'ttft', asked)];
  const list = [...groups].map(([key, { series, currentUsd, projectedUsd, priced }], i) => ({
    key,
    requests: sum(series, (one) => one.requests),
    errors: sum(series, (one) => one.requests - one.ok),
    tokens: sum(series, (one) => one.inputTokens + one.outputTokens),
    latencyMs: latencies[i] ?? null,
    ttftMs: ttfts[i] ?? null,
    currentUsd: priced ? currentUsd : null,
    projectedUsd: priced && projected ? projectedUsd : null,
  }));
  const byKey = (a: GroupAssessment, b: GroupAssessment) => (a.key < b.key ? -1 : 1);
  const inOrder = by === 'day' || by === 'hour';
  return list.sort((a, b) => (inOrder ? byKey(a, b) : b.tokens - a.tokens || byKey(a, b)));
}

function sum(series: readonly Series[], of: (series: Series) => number): number {
  return series.reduce((total, one) => total + of(one), 0);
}
