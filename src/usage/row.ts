/**
 * A record as numbers in a row of an array, and its texts. Whoever takes millions of records takes them faster so than
 * as objects; NaN stands for what is absent. One object for all rows: valid during a call only.
 */
export interface Row {
  numbers: Float64Array;
  /** Where the row begins. */
  base: number;
  provider: string | undefined;
  model: string;
  status: string;
}

/** Where in a row the numbers of a UsageRecord stand. */
export enum RowColumn {
  inputTokens,
  cachedInputTokens,
  outputTokens,
  latencyMs,
  ttftMs,
  costUsd,
  at,
}
