import type { Counts, ServiceTier } from './dimensions.ts';

/**
 * One request to a provider, as every log format is read into it and as the router writes it.
 * Token counts are whole numbers ≥ 0; `cachedInputTokens` is part of `inputTokens`.
 */
export interface UsageRecord {
  id?: string;
  /** When the request began, Unix milliseconds. */
  at?: number;
  provider?: string;
  model: string;
  inputTokens: number;
  cachedInputTokens: number;
  outputTokens: number;
  /** What else the request may be charged for; only what the source tells. */
  dimensions?: Counts;
  /** The source tells no token counts: those above are 0 and mean nothing. */
  untold?: true;
  /** Whole request, milliseconds; absent where the source does not say. */
  latencyMs?: number;
  /** Time to the first token, milliseconds. */
  ttftMs?: number;
  /** `ok`, or the class of the error (see provider/error-class.ts; logs may bring classes of their own). */
  status: string;
  costUsd?: number;
  user?: string;
  /** Missing for the tier that everybody gets. */
  serviceTier?: ServiceTier;
  /** Set where the record sums up many requests. */
  aggregate?: {
    /** How many; 0 where the source does not say. */
    requests: number;
    /** Each of them had more input tokens than this; missing where the source does not say. */
    inputAbove?: number;
    /** When the interval it sums up ends, Unix milliseconds. */
    until?: number;
  };
}
