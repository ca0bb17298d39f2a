import type { Intake } from '../usage/intake.ts';
import type { Percentiles } from './percentile.ts';
import type { Recommendation } from './recommend.ts';

/** What `cutover assess` finds out: the document of `--json`. Money is USD, times are milliseconds. */
export interface Assessment {
  schemaVersion: 1;
  command: 'assess';
  records: Pick<Intake, 'read' | 'used' | 'filtered' | 'rejected'> & {
    rejectedByReason: Record<string, number>;
    filteredByReason: Record<string, number>;
  };
  /** ISO 8601; null when no record has a time. */
  period: { from: string | null; to: string | null; days: number | null };
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
  };
  latencyMs: Percentiles | null;
  ttftMs: Percentiles | null;
  cost: {
    /** What the logs say, over all records; null when no record carries a cost. */
    reportedUsd: number | null;
    /** The same tokens at the price list, over the models that have a price; null when none has. */
    recomputedUsd: number | null;
    /** Over the models that can be compared, for the period of the logs. */
    currentUsd: number | null;
    projectedUsd: number | null;
    monthlyCurrentUsd: number | null;
    monthlyProjectedUsd: number | null;
  };
  savings: {
    periodUsd: number | null;
    monthlyUsd: number | null;
    /** Twelve such months. */
    yearlyUsd: number | null;
    percent: number | null;
    interval95: { low: number; high: number } | null;
  };
  models: ModelAssessment[];
  /** Models without a price on one side: left out of current and projected cost alike. */
  unpriced: { model: string; tokens: number; share: number; missing: 'current' | 'target' | 'both' }[];
  recommendation: Recommendation;
  /** What a reader must know to trust the figures. */
  notes: string[];
}

export interface ModelAssessment {
  model: string;
  targetModel: string | null;
  requests: number;
  tokens: number;
  latencyMs: Percentiles | null;
  /** For the period of the logs; null without a price. */
  currentUsd: number | null;
  projectedUsd: number | null;
  /** `reported by the logs`, `config`, `catalogue (openai)`; null without a price. */
  currentPrice: string | null;
  targetPrice: string | null;
}
