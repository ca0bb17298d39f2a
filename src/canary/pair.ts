import type { ErrorClass } from '../provider/error-class.ts';

export type Side = 'legacy' | 'target';

/** What one probe saw of one provider. */
export interface Sample {
  readonly status: 'ok' | ErrorClass;
  /** Whole request, milliseconds. */
  readonly latencyMs: number;
  /** Time to the first token, milliseconds; absent when the answer was not streamed. */
  readonly ttftMs?: number;
  readonly inputTokens?: number;
  readonly cachedInputTokens?: number;
  readonly outputTokens?: number;
  /** Absent when the provider reported no usage or the model has no price. */
  readonly costUsd?: number;
  /** Whether the answer failed the probe's expectation; absent when there is none, or no answer. */
  readonly invalid?: boolean;
  /** Nothing at all came back and no connection was made: it may be our network. */
  readonly unreachable?: boolean;
  /** Why it failed, in the words of the provider or the system. */
  readonly message?: string;
}

/** One probe sent to both providers back to back. */
export interface Pair {
  /** Index of the probe in its file. */
  readonly probe: number;
  readonly legacy: Sample;
  readonly target: Sample;
}

/** What was known of legacy before a run: the run must not choose what it is measured by. */
export interface Baseline {
  /** p95 of legacy's latency, milliseconds; null until there are samples enough. */
  readonly latencyP95Ms: number | null;
  readonly ttftP95Ms: number | null;
  /** Legacy samples that the p95s could be taken from. */
  readonly samples: number;
  /** Costs above this many USD count as this much; null when cost cannot be told. */
  readonly costCapUsd: number | null;
}

export const failed = (sample: Sample): boolean => sample.status !== 'ok';
