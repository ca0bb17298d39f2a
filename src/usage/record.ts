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
  /** Whole request, milliseconds; absent where the source does not say. */
  latencyMs?: number;
  /** Time to the first token, milliseconds. */
  ttftMs?: number;
  /** `ok`, or the class of the error (see provider/error-class.ts; logs may bring classes of their own). */
  status: string;
  costUsd?: number;
  user?: string;
  /** How many requests this stands for, where the source has only aggregates; 1 when absent. */
  requests?: number;
}
