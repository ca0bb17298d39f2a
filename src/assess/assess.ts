import { targetModelOf } from '../pricing/book.ts';
import type { Intake } from '../usage/intake.ts';
import type { Assessment, ModelAssessment } from './assessment.ts';
import { type ModelCost, modelCost, type PriceSide } from './cost.ts';
import { percentiles } from './percentile.ts';
import { MONTH_DAYS, type Period, periodOf } from './period.ts';
import { type Recommendation, recommend } from './recommend.ts';
import { sumValue } from './sum.ts';
import type { Series, Tally } from './tally.ts';

export interface AssessInput {
  tally: Tally;
  intake: Intake;
  legacy: PriceSide;
  /** undefined when no target is configured: then nothing is projected. */
  target: { side: PriceSide; models: Readonly<Record<string, string>> } | undefined;
  now: number;
  notes: readonly string[];
}

/** Records → Assessment. Pure: everything it knows comes in. */
export function assess(input: AssessInput): Assessment {
  const { tally, intake } = input;
  const all = [...tally.series.values()].filter((series) => !isNothing(series));
  const period = periodOf(tally);
  const byModel = group(all);
  const costed = [...byModel].map(([model, series]) => ({ model, series, ...costOf(model, series, input) }));
  costed.sort((a, b) => tokensOf(b.series) - tokensOf(a.series) || (a.model < b.model ? -1 : 1));

  const totalTokens = tokensOf(all);
  const comparable = costed.filter(({ cost }) =>
    input.target
      ? cost.currentUsd !== undefined && cost.projectedUsd !== undefined
      : cost.currentUsd !== undefined,
  );
  const currentUsd = total(comparable.map(({ cost }) => cost.currentUsd));
  const projectedUsd = input.target ? total(comparable.map(({ cost }) => cost.projectedUsd)) : null;
  const monthly = (usd: number | null) =>
    usd === null || period.days === null ? null : (usd / period.days) * MONTH_DAYS;
  const savedUsd = currentUsd === null || projectedUsd === null ? null : currentUsd - projectedUsd;
  const percent = savedUsd === null || !currentUsd ? null : (savedUsd / currentUsd) * 100;
  const monthlySaved = monthly(savedUsd);

  return {
    schemaVersion: 1,
    command: 'assess',
    records: {
      read: intake.read,
      used: intake.used,
      filtered: intake.filtered,
      rejected: intake.rejected,
      rejectedByReason: byCount(intake.rejectedByReason),
      filteredByReason: byCount(intake.filteredByReason),
    },
    period: { from: iso(period.from), to: iso(period.to), days: period.days },
    requests: requestsOf(all),
    tokens: {
      input: add(all, (series) => series.inputTokens),
      cachedInput: add(all, (series) => series.cachedInputTokens),
      output: add(all, (series) => series.outputTokens),
      total: totalTokens,
      dailyAverage: period.days === null ? null : totalTokens / period.days,
      byModel: Object.fromEntries(costed.map(({ model, series }) => [model, tokensOf(series)])),
      unbilled: totalTokens - add(all, billedTokens),
    },
    latencyMs: percentiles(all.map((series) => series.latency)),
    ttftMs: percentiles(all.map((series) => series.ttft)),
    cost: {
      reportedUsd: all.some((series) => series.reportedRecords > 0)
        ? add(all, (series) => sumValue(series.reportedUsd))
        : null,
      recomputedUsd: total(costed.map(({ cost }) => cost.recomputedUsd)),
      currentUsd,
      projectedUsd,
      monthlyCurrentUsd: monthly(currentUsd),
      monthlyProjectedUsd: monthly(projectedUsd),
    },
    savings: {
      periodUsd: savedUsd,
      monthlyUsd: monthlySaved,
      yearlyUsd: monthlySaved === null ? null : monthlySaved * 12,
      percent,
      interval95: null,
    },
    models: costed.map(
      ({ model, targetModel, series, cost }): ModelAssessment => ({
        model,
        targetModel,
        requests: add(series, (one) => one.requests),
        tokens: tokensOf(series),
        latencyMs: percentiles(series.map((one) => one.latency)),
        currentUsd: cost.currentUsd ?? null,
        projectedUsd: cost.projectedUsd ?? null,
        currentPrice: cost.currentPrice ?? null,
        targetPrice: cost.targetPrice ?? null,
      }),
    ),
    unpriced: costed
      .filter((one) => !comparable.includes(one) && one.series.some((series) => series.cells.size > 0))
      .map(({ model, series, cost }) => ({
        model,
        tokens: tokensOf(series),
        share: totalTokens === 0 ? 0 : tokensOf(series) / totalTokens,
        missing: missingSide(cost, input.target !== undefined),
      })),
    recommendation: recommendation(percent, input, comparable.length),
    notes: [...input.notes, ...periodNotes(period)],
  };
}

function costOf(
  model: string,
  series: Series[],
  input: AssessInput,
): { targetModel: string | null; cost: ModelCost } {
  const targetModel = input.target ? targetModelOf(input.target.models, model) : null;
  const target =
    input.target && targetModel !== null ? { side: input.target.side, model: targetModel } : undefined;
  return { targetModel, cost: modelCost(series, input.legacy, target, input.tally.bands, input.now) };
}

function missingSide(cost: ModelCost, hasTarget: boolean): 'current' | 'target' | 'both' {
  if (!hasTarget || cost.projectedUsd !== undefined) return 'current';
  return cost.currentUsd === undefined ? 'both' : 'target';
}

function recommendation(percent: number | null, input: AssessInput, comparable: number): Recommendation {
  if (percent !== null) return recommend(percent);
  if (!input.target) return { level: null, reason: 'no target is configured, so nothing is projected' };
  if (comparable === 0) return { level: null, reason: 'no model has a price on both sides' };
  return { level: null, reason: 'the current cost is zero' };
}

function periodNotes(period: Period): string[] {
  if (period.days !== null) return [];
  return [
    period.from === null
      ? 'The records have no timestamps: there are no daily and monthly figures.'
      : 'The records do not span any time: there are no daily and monthly figures.',
  ];
}

function requestsOf(all: readonly Series[]): Assessment['requests'] {
  const classes = new Map<string, number>();
  for (const series of all) {
    for (const [name, count] of series.errorsByClass) classes.set(name, (classes.get(name) ?? 0) + count);
  }
  const requests = add(all, (series) => series.requests);
  const ok = add(all, (series) => series.ok);
  return { total: requests, ok, errors: requests - ok, errorsByClass: byCount(classes) };
}

function group(all: readonly Series[]): Map<string, Series[]> {
  const groups = new Map<string, Series[]>();
  for (const series of all) {
    const list = groups.get(series.model);
    if (list) list.push(series);
    else groups.set(series.model, [series]);
  }
  return groups;
}

/** Intervals in which nothing was used only tell how long the period is. */
function isNothing(series: Series): boolean {
  return series.requests === 0 && series.reportedRecords === 0 && tokensOf([series]) === 0;
}

function billedTokens(series: Series): number {
  let tokens = 0;
  for (const cell of series.cells.values()) tokens += cell.inputTokens + cell.outputTokens;
  return tokens;
}

function tokensOf(series: readonly Series[]): number {
  return add(series, (one) => one.inputTokens + one.outputTokens);
}

function add(series: readonly Series[], of: (series: Series) => number): number {
  return series.reduce((sum, one) => sum + of(one), 0);
}

/** The sum of what is known; null when nothing is. */
function total(amounts: readonly (number | undefined)[]): number | null {
  const known = amounts.filter((amount) => amount !== undefined);
  return known.length === 0 ? null : known.reduce((sum, amount) => sum + amount, 0);
}

function byCount(counts: ReadonlyMap<string, number>): Record<string, number> {
  return Object.fromEntries([...counts].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1)));
}

function iso(at: number | null): string | null {
  return at === null ? null : new Date(at).toISOString();
}
