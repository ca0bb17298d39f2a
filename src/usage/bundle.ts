/** A model as one provider sells it. */
export interface Seller {
  provider: string | undefined;
  model: string;
}

/** What tells records apart besides their numbers. */
export interface Kind extends Seller {
  status: string;
}

/**
 * Records of one model, one span of time and one size, summed up where they are read: whoever takes millions of
 * records takes them faster so than one by one.
 */
export interface Bundle extends Seller {
  /** Whether they succeeded, and whether they were billed; the same for all of them. */
  ok: boolean;
  billed: boolean;
  records: number;
  /** First and last time, Unix milliseconds; NaN where the records have none. */
  from: number;
  to: number;
  /** Input tokens of one of them. */
  size: number;
  inputTokens: number;
  cachedInputTokens: number;
  outputTokens: number;
  /** Records with a cost, and parts whose sum is that of the costs, exactly. */
  reportedRecords: number;
  usd: readonly number[];
}

/** Takes bundles, where one can tell from them all that is asked. */
export interface BundleTaker {
  /** Ascending; records of one bundle exceed the same ones of these counts of input tokens. */
  inputStarts: readonly number[];
  /** The time around `at` in which records may be of one bundle. */
  spanOf(at: number): Span;
  /**
   * Told of each kind before any of its records is.
   * @returns what becomes of such requests: `billed` ones fail all the same, `failed` ones are billed when they cost.
   */
  announce(kind: Kind): 'ok' | 'billed' | 'failed';
  /** How many records there are of a kind, besides those counted before. */
  count(kind: Kind, records: number): void;
  /** Durations of requests that succeeded, milliseconds; the array is valid during the call only. */
  addDurations(seller: Seller, what: 'latency' | 'ttft', values: Float64Array): void;
  add(bundle: Bundle): void;
}

export interface Span {
  /** Times with the same key may be of one bundle too. */
  key: number;
  /** Unix milliseconds; `to` is no longer part of it. */
  from: number;
  to: number;
}
