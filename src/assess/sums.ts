import type { UsageRecord } from '../usage/record.ts';
import type { UsageSpread, UsageSum } from '../usage/summed.ts';
import { createAdder, type TallyRules } from './adder.ts';
import { scopeKey } from './spreads.ts';
import { createTally, mergeTally, type Tally } from './tally.ts';

/**
 * Takes in records that their source has added up; but for the durations, the tally is as if each had been added
 * by itself.
 */
export function addSum(tally: Tally, sum: UsageSum, rules: TallyRules): void {
  const { like, records } = sum;
  // One of them finds the series and the cell, and whether it is billed; then the figures of all take its place.
  const part = createTally(tally.bands);
  createAdder(part, rules).add(like);
  part.timed = sum.timed;
  part.to = sum.to ?? Number.NEGATIVE_INFINITY;
  for (const series of part.series.values()) {
    const ok = like.status === 'ok';
    const tokens = {
      inputTokens: sum.inputTokens,
      cachedInputTokens: sum.cachedInputTokens,
      outputTokens: sum.outputTokens,
    };
    const cost = () => ({
      reportedUsd: { high: sum.costUsd, low: 0, rest: [] },
      reportedRecords: sum.reportedRecords,
    });
    Object.assign(series, tokens, cost(), { requests: records, ok: ok ? records : 0 });
    if (sum.dimensions) series.dimensions = { ...sum.dimensions };
    for (const name of series.errorsByClass.keys()) series.errorsByClass.set(name, records);
    for (const cell of series.cells.values()) {
      const billed = cell.billed > 0;
      Object.assign(cell, { requests: records, errors: ok ? 0 : records });
      if (billed) Object.assign(cell, tokens, cost(), { billed: records, billedRequests: records });
      if (billed && sum.dimensions) cell.dimensions = { ...sum.dimensions };
    }
  }
  mergeTally(tally, part);
}

/**
 * Takes in the quantiles of the durations. A tally that has them is not merged with others.
 * @param groupOf names the group of a record; undefined without groups.
 */
export function addSpreads(
  tally: Tally,
  spreads: readonly UsageSpread[],
  groupOf: ((record: UsageRecord) => string) | undefined,
): void {
  const into: NonNullable<Tally['spreads']> = { latency: new Map(), ttft: new Map() };
  tally.spreads = into;
  // Grouped by model, the models are the groups.
  const groupScope = spreads.some(({ scope }) => scope === 'group') ? 'group' : 'model';
  for (const { scope, like, latency, ttft } of spreads) {
    const keys = scope === 'all' ? [scopeKey({ all: true })] : [];
    if (like && scope === 'model') keys.push(scopeKey({ model: like.model }));
    if (like && scope === groupScope && groupOf) keys.push(scopeKey({ group: groupOf(like) }));
    for (const key of keys) {
      if (latency) into.latency.set(key, latency);
      if (ttft) into.ttft.set(key, ttft);
    }
  }
}
