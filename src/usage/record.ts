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
  /** Input tokens that were written to the provider's cache, part of `inputTokens`; some providers charge more for them. */
  cacheWriteTokens?: number;
  /** Whole request, milliseconds; absent where the source does not say. */
  latencyMs?: number;
  /** Time to the first token, milliseconds. */
  ttftMs?: number;
  /** `ok`, or the class of the error (see provider/error-class.ts; logs may bring classes of their own). */
  status: string;
  costUsd?: number;
  user?: string;
  /** true for a request at the batch price. */
  batch?: boolean;
  /** Set where the record sums up many requests. */
  aggregate?: {
    /** How many; 0 where the source does not say. */
    requests: number;
    /** When the interval it sums up ends, Unix milliseconds. */
    until?: number;
  };
}
