import type { PriceOrigin } from '../pricing/price.ts';
import type { Counts } from '../usage/dimensions.ts';
import type { Intake } from '../usage/intake.ts';
import type { Confidence } from './confidence.ts';
import type { Gap } from './gaps.ts';
import type { HeavyDay } from './heavy-days.ts';
import type { Percentiles } from './percentile.ts';
import type { Recommendation } from './recommend.ts';
import type { ThresholdVerdict } from './threshold.ts';
import type { Trend } from './trend.ts';
import type { WhatIf } from './what-if.ts';
import type { MigrationWindow } from './window.ts';

/** What `cutover assess` finds out: the document of `--json`. Money is USD, times are milliseconds. */
export interface Assessment {
  schemaVersion: 1;
  command: 'assess';
  /** true when reading was interrupted: the figures are of what was read until then. */
  partial: boolean;
  records: Pick<Intake, 'read' | 'used' | 'filtered' | 'rejected'> & {
    rejectedByReason: Record<string, number>;
    filteredByReason: Record<string, number>;
  };
  /** ISO 8601; null when no record has a time. */
  period: { from: string | null; to: string | null; days: number | null; timezone: string };
  requests: { total: number; ok: number; errors: number; errorsByClass: Record<string, number> };
  tokens: {
    input: number;
    cachedInput: number;
    output: number;
    total: number;
    /** null when the period is unknown. */
    dailyAverage: number | null;
    byModel: Record<string, number>;
    /** Tokens that failed requests logged; they cost nothing. */
    unbilled: number;
    /** What the logs tell of them by what they may cost; a dimension that no record tells is missing. */
    byDimension: Omit<Counts, 'searches'>;
    /** Requests that have no token counts. */
    untoldRequests: number;
  };
  /** Searches of the web; null when no record tells them. */
  searches: number | null;
  /** Where the prices come from, and of what date they are. */
  prices: PriceOrigin[];
  /** What decides the cost and only the logs or only a price list know of. */
  priceGaps: PriceGap[];
  latencyMs: Percentiles | null;
  ttftMs: Percentiles | null;
  cost: {
    /** What the logs say, over all records; null when no record carries a cost. */
    reportedUsd: number | null;
    /** The same tokens at the price list, over the models that have a price; null when none has. */
    recomputedUsd: number | null;
    /** Both over the models that have both; null when none has. */
    difference: { reportedUsd: number; recomputedUsd: number; percent: number } | null;
    /** Over the models that can be compared, for the period of the logs. */
    currentUsd: number | null;
    projectedUsd: number | null;
    /** 30 days of it, with growth. */
    monthlyCurrentUsd: number | null;
    monthlyProjectedUsd: number | null;
  };
  savings: {
    periodUsd: number | null;
    monthlyUsd: number | null;
    /** Twelve such months. */
    yearlyUsd: number | null;
    percent: number | null;
    /**
     * `low` and `high`: what the 30 days after the log save, USD, if traffic stays as it is (a prediction interval);
     * the others: of the percentage. null for less than 3 days.
     */
    interval95: { low: number; high: number; lowPercent: number; highPercent: number } | null;
  };
  /** The assumptions asked for, and the month without them. */
  whatIf: (WhatIf & { plainMonthlyProjectedUsd: number | null; plainProjectedUsd: number | null }) | null;
  /** What probing both sides during the migration costs at least; null when it cannot be told. */
  migrationWindow: MigrationWindow | null;
  models: ModelAssessment[];
  /** With `--by`. */
  groups: { by: string; groups: List<GroupAssessment> } | null;
  days: DayAssessment[];
  /** Models without a price on one side, or without token counts: left out of current and projected cost alike. */
  unpriced: {
    model: string;
    tokens: number;
    share: number;
    missing: 'current' | 'target' | 'both' | 'tokens';
  }[];
  recommendation: Recommendation;
  /** With `--fail-under`. */
  threshold: ThresholdVerdict | null;
  confidence: Confidence;
  /** Of the current cost of the models that can be compared; null where none was found. */
  trend: Trend | null;
  heavyDays: HeavyDay[];
  /** What a reader must know to trust the figures. */
  notes: string[];
}

export interface PriceGap extends Gap {
  /** Of all tokens; for searches, that of the models that made them. */
  share: number;
  models: string[];
}

/** What of an array is needed to show it; very many groups are made one by one. */
export interface List<T> extends Iterable<T> {
  readonly length: number;
  slice(from?: number, to?: number): readonly T[];
}

interface Amounts {
  requests: number;
  errors: number;
  tokens: number;
  /** For the period of the logs; null without a price. */
  currentUsd: number | null;
  projectedUsd: number | null;
}

export interface ModelAssessment extends Amounts {
  model: string;
  targetModel: string | null;
  latencyMs: Percentiles | null;
  ttftMs: Percentiles | null;
  /** `reported by the logs`, `config`, `catalogue (openai)`; null without a price. */
  currentPrice: string | null;
  targetPrice: string | null;
}

/** Costs are those of the models that can be compared. */
export interface GroupAssessment extends Amounts {
  key: string;
  latencyMs: Percentiles | null;
  ttftMs: Percentiles | null;
}

export interface DayAssessment {
  /** `2026-08-20`, in the report's time zone. */
  day: string;
  requests: number;
  errors: number;
  currentUsd: number | null;
  projectedUsd: number | null;
}
