import type { Counts } from './dimensions.ts';
import type { UsageRecord } from './record.ts';

/** What a source that adds up by itself says of all its records that are alike. */
export interface UsageSum {
  /**
   * Stands for each of them: model, provider, user, status and tier of service are theirs, `at` is the earliest time,
   * `inputTokens` the smallest count, and `costUsd` is above 0 where their costs are.
   */
  like: UsageRecord;
  records: number;
  /** Records that have a time, and the latest of their times. */
  timed: number;
  to: number | undefined;
  inputTokens: number;
  cachedInputTokens: number;
  outputTokens: number;
  /** What else the source tells, over all of them. */
  dimensions?: Counts;
  /** Over the records that carry a cost. */
  costUsd: number;
  reportedRecords: number;
}

/** Quantiles of durations in milliseconds: at `shares[i]` (0 to 1) they are `ms[i]`. */
export interface Spread {
  count: number;
  shares: readonly number[];
  ms: readonly number[];
}

/** How the durations of the successful requests are spread: of all, of one model, or of one group. */
export interface UsageSpread {
  scope: 'all' | 'model' | 'group';
  /** Names the model or the group; undefined for all. */
  like: UsageRecord | undefined;
  latency: Spread | undefined;
  ttft: Spread | undefined;
}
