import { formatNumber } from '../config/units.ts';
import { type Intake, largestFirst } from '../usage/intake.ts';
import { AFTER_UNTIL, BEFORE_SINCE } from '../usage/select.ts';
import type { Zone } from '../usage/zone.ts';
import type { Assessment, ModelAssessment } from './assessment.ts';
import { settle } from './attic/stow.ts';
import { tooLittle } from './confidence.ts';
import { dailyAssessment, dayCosts, daysOf } from './days.ts';
import { gapNotes, gapsOf, untoldNotes } from './gap-notes.ts';
import { type Grouping, groupsOf } from './groups.ts';
import { manyGroups } from './many-groups.ts';
import { monthOf } from './month.ts';
import { assessmentNotes } from './notes.ts';
import type { Percentiles } from './percentile.ts';
import { type Cut, MONTH_DAYS, periodOf } from './period.ts';
import { type PricedModel, priceModel } from './priced.ts';
import type { PriceSide, Target } from './prices.ts';
import { type Recommendation, recommend, type Thresholds } from './recommend.ts';
import { durationsOf, type Scoped } from './spreads.ts';
import { sumValue } from './sum.ts';
import { inOrder, MAX_MODELS, OTHER_MODELS, type Series, spanOf, type Tally } from './tally.ts';
import { judgeThreshold } from './threshold.ts';
import { dimensionsOf, isUntold, originsOf } from './told.ts';
import { isAssumed, type WhatIf } from './what-if.ts';
import { type MigrationWindow, migrationWindow } from './window.ts';

export interface AssessInput {
  tally: Tally;
  intake: Intake;
  legacy: PriceSide;
  /** undefined when no target is configured: then nothing is projected. */
  target: Target | undefined;
  whatIf: WhatIf;
  thresholds: Thresholds;
  /** Percent, of `--fail-under`. */
  failUnder?: number | undefined;
  by: Grouping | undefined;
  zone: Zone;
  /** What `--since` and `--until` said, Unix milliseconds. */
  cut: Cut;
  /** Stages of the ladder and the canary's smallest margin of errors. */
  migration: { stages: number; margin: number } | undefined;
  partial: boolean;
  now: number;
  seed: number;
  notes: readonly string[];
}

const TOO_MANY_MODELS =
  `The log has more than ${formatNumber(MAX_MODELS)} different models: those that came later are added up as ` +
  `${OTHER_MODELS}. Does its field of the model hold something else?`;

/** Records → Assessment. Pure: everything it knows comes in. */
export function assess(input: AssessInput): Assessment {
  const { tally, intake, target, whatIf, zone } = input;
  settle(tally);
  const all = inOrder(tally).filter((series) => !isNothing(series));
  const period = periodOf(spanOf(tally), effectiveCut(input));
  const pricing = { legacy: input.legacy, target, whatIf, bands: tally.bands, now: input.now };
  const models = [...byModel(all)].map(([model, series]) => priceModel(model, series, pricing));
  models.sort((a, b) => tokensOf(b.series) - tokensOf(a.series) || (a.model < b.model ? -1 : 1));

  const comparable = new Set(models.filter((model) => isComparable(model, target)));
  const compared = [...comparable];
  const currentUsd = total(compared.map((model) => model.currentUsd));
  const projectedUsd = target ? total(compared.map((model) => model.projectedUsd)) : null;
  const plainUsd = target ? total(compared.map((model) => model.plainUsd)) : null;
  const growth = whatIf.growth ?? 0;
  const perMonth = period.days === null ? null : (MONTH_DAYS / period.days) * (1 + growth);
  const monthly = (usd: number | null) => (usd === null || perMonth === null ? null : usd * perMonth);
  const savedUsd = currentUsd === null || projectedUsd === null ? null : less(currentUsd, projectedUsd);
  const percent = savedUsd === null || !currentUsd ? null : (savedUsd / currentUsd) * 100;
  const monthlySaved = monthly(savedUsd);

  const days = daysOf(period, zone);
  const costs = dayCosts(
    days,
    period,
    zone,
    compared.flatMap((model) => model.cells),
  );
  const requests = requestsOf(all);
  const { interval95, confidence, trend, heavyDays } = monthOf({
    costs,
    days: period.days,
    requests: requests.total,
    projected: target !== undefined,
    saves: savedUsd !== null,
    growth,
    seed: input.seed,
  });
  const difference = differenceOf(models);
  const totalTokens = tokensOf(all);
  const { searches = null, ...byDimension } = dimensionsOf(all);
  const priceGaps = gapsOf(models, totalTokens);
  const asked: Scoped[] = [{ scope: { all: true }, series: all }];
  for (const model of models) asked.push({ scope: { model: model.model }, series: model.series });
  const [latencyMs = null, ...latencies] = durationsOf(tally, 'latency', asked);
  const [ttftMs = null, ...ttfts] = durationsOf(tally, 'ttft', asked);
  const assessed = models.map((model, i) => modelAssessment(model, latencies[i] ?? null, ttfts[i] ?? null));

  return {
    schemaVersion: 1,
    command: 'assess',
    partial: input.partial,
    records: {
      read: intake.read,
      used: intake.used,
      filtered: intake.filtered,
      rejected: intake.rejected,
      rejectedByReason: byCount(intake.rejectedByReason),
      filteredByReason: byCount(intake.filteredByReason),
    },
    period: { from: iso(period.from), to: iso(period.to), days: period.days, timezone: zone.name },
    requests,
    tokens: {
      input: sum(all, (series) => series.inputTokens),
      cachedInput: sum(all, (series) => series.cachedInputTokens),
      output: sum(all, (series) => series.outputTokens),
      total: totalTokens,
      dailyAverage: period.days === null || isUntold(all) ? null : totalTokens / period.days,
      byModel: Object.fromEntries(models.map(({ model, series }) => [model, tokensOf(series)])),
      unbilled: totalTokens - sum(all, billedTokens),
      byDimension,
      untoldRequests: sum(all, (series) => series.untold),
    },
    searches,
    latencyMs,
    ttftMs,
    cost: {
      reportedUsd: all.some((series) => series.reportedRecords > 0)
        ? sum(all, (series) => sumValue(series.reportedUsd))
        : null,
      recomputedUsd: total(models.map((model) => model.recomputedUsd)),
      difference,
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
      interval95,
    },
    whatIf: isAssumed(whatIf)
      ? { ...whatIf, plainProjectedUsd: plainUsd, plainMonthlyProjectedUsd: monthly(plainUsd) }
      : null,
    migrationWindow: windowOf(compared, input.migration, currentUsd, projectedUsd),
    models: assessed,
    groups: input.by
      ? {
          by: input.by,
          groups: tally.attic
            ? manyGroups(tally.attic, pricing, comparable)
            : groupsOf(input.by, tally, models, comparable, target !== undefined),
        }
      : null,
    days: dailyAssessment(days, models, comparable, target !== undefined),
    prices: originsOf(models),
    priceGaps,
    unpriced: models
      .filter((model) => model.billed && !comparable.has(model))
      .map((model) => ({
        model: model.model,
        tokens: tokensOf(model.series),
        share: totalTokens === 0 ? 0 : tokensOf(model.series) / totalTokens,
        missing: missingSide(model, target !== undefined),
      })),
    recommendation: recommendation(
      percent,
      interval95?.lowPercent,
      input,
      compared.length,
      tooLittle(confidence),
    ),
    threshold:
      input.failUnder === undefined
        ? null
        : judgeThreshold(input.failUnder, percent, interval95?.lowPercent, confidence, input.partial),
    confidence,
    trend,
    heavyDays,
    notes: [
      ...input.notes,
      ...(tally.models.has(OTHER_MODELS) ? [TOO_MANY_MODELS] : []),
      ...assessmentNotes({
        period,
        confidence,
        trend,
        heavyDays,
        interval95,
        monthlySaved,
        difference,
        models,
        latencies: assessed,
        whatIf,
      }),
      ...untoldNotes(models),
      ...gapNotes(priceGaps, new Set(models.flatMap((one) => (one.asReported ? one.model : [])))),
    ],
  };
}

function isComparable(model: PricedModel, target: Target | undefined): boolean {
  if (!model.billed || model.currentUsd === undefined) return false;
  return !target || model.projectedUsd !== undefined;
}

/** A cut counts as the period's end only where the log goes on beyond it: else the log ends earlier by itself. */
function effectiveCut({ cut, intake }: AssessInput): Cut {
  return {
    since: intake.filteredByReason.has(BEFORE_SINCE) ? cut.since : undefined,
    until: intake.filteredByReason.has(AFTER_UNTIL) ? cut.until : undefined,
  };
}

function modelAssessment(
  model: PricedModel,
  latencyMs: Percentiles | null,
  ttftMs: Percentiles | null,
): ModelAssessment {
  const { series } = model;
  return {
    model: model.model,
    targetModel: model.targetModel,
    requests: sum(series, (one) => one.requests),
    errors: sum(series, (one) => one.requests - one.ok),
    tokens: tokensOf(series),
    latencyMs,
    ttftMs,
    currentUsd: model.currentUsd ?? null,
    projectedUsd: model.projectedUsd ?? null,
    currentPrice: model.currentPrice ?? null,
    targetPrice: model.targetPrice ?? null,
  };
}

function missingSide(model: PricedModel, hasTarget: boolean): Assessment['unpriced'][number]['missing'] {
  if (model.allUntold) return 'tokens';
  if (!hasTarget || model.projectedUsd !== undefined) return 'current';
  return model.currentUsd === undefined ? 'both' : 'target';
}

function differenceOf(models: readonly PricedModel[]): Assessment['cost']['difference'] {
  const both = models.filter((model) => model.reportedUsd !== undefined && model.recomputedUsd !== undefined);
  const reportedUsd = total(both.map((model) => model.reportedUsd));
  const recomputedUsd = total(both.map((model) => model.recomputedUsd));
  if (!reportedUsd || recomputedUsd === null) return null;
  return { reportedUsd, recomputedUsd, percent: ((recomputedUsd - reportedUsd) / reportedUsd) * 100 };
}

function windowOf(
  compared: readonly PricedModel[],
  migration: AssessInput['migration'],
  currentUsd: number | null,
  projectedUsd: number | null,
): MigrationWindow | null {
  const requests = compared.reduce((count, model) => count + sum(model.series, (series) => series.ok), 0);
  if (!migration || requests === 0 || currentUsd === null || projectedUsd === null) return null;
  return migrationWindow(migration.stages, migration.margin, currentUsd / requests, projectedUsd / requests);
}

function recommendation(
  percent: number | null,
  low: number | undefined,
  input: AssessInput,
  compared: number,
  lack: string | undefined,
): Recommendation {
  if (percent !== null && lack !== undefined) return { level: null, reason: lack };
  if (percent !== null) return recommend(percent, low, input.thresholds);
  if (!input.target) return { level: null, reason: 'no target is configured, so nothing is projected' };
  if (compared === 0) return { level: null, reason: 'no model with billed tokens has a price on both sides' };
  return { level: null, reason: 'the current cost is zero' };
}

function requestsOf(all: readonly Series[]): Assessment['requests'] {
  const classes = new Map<string, number>();
  for (const series of all) {
    for (const [name, count] of series.errorsByClass) classes.set(name, (classes.get(name) ?? 0) + count);
  }
  const requests = sum(all, (series) => series.requests);
  const ok = sum(all, (series) => series.ok);
  return { total: requests, ok, errors: requests - ok, errorsByClass: byCount(classes) };
}

function byModel(all: readonly Series[]): Map<string, Series[]> {
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
  const { requests, reportedRecords, dimensions } = series;
  return requests === 0 && reportedRecords === 0 && tokensOf([series]) === 0 && !dimensions.searches;
}

function billedTokens(series: Series): number {
  let tokens = 0;
  for (const cell of series.cells.values()) tokens += cell.inputTokens + cell.outputTokens;
  return tokens;
}

function tokensOf(series: readonly Series[]): number {
  return sum(series, (one) => one.inputTokens + one.outputTokens);
}

function sum(series: readonly Series[], of: (series: Series) => number): number {
  return series.reduce((count, one) => count + of(one), 0);
}

/** The sum of what is known; null when nothing is. */
function total(amounts: readonly (number | undefined)[]): number | null {
  const known = amounts.filter((amount) => amount !== undefined);
  return known.length === 0 ? null : known.reduce((count, amount) => count + amount, 0);
}

/** The difference of two amounts; what rounding alone leaves of equal ones is none. */
function less(a: number, b: number): number {
  return Math.abs(a - b) <= 1e-12 * Math.max(Math.abs(a), Math.abs(b)) ? 0 : a - b;
}

function byCount(counts: ReadonlyMap<string, number>): Record<string, number> {
  return Object.fromEntries(largestFirst(counts));
}

function iso(at: number | null): string | null {
  return at === null ? null : new Date(at).toISOString();
}
