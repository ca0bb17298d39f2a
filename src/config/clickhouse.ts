import * as z from 'zod/mini';
import { filled } from './fields.ts';

/** The name of a database, table or column; dots in a column's name lead into a tuple, a nested or a JSON column. */
const name = z.string().check(
  z.minLength(1),
  z.maxLength(200),
  z.refine((text) => !/\p{Cc}/u.test(text), { message: 'a name holds no control characters' }),
);

/** null says that the table has no such column, even when one has the usual name. */
const column = z.optional(z.nullable(name));

const timeUnit = z.prefault(z.enum(['s', 'ms', 'us', 'ns']), 'ms');

/** A table of usage records in ClickHouse: `usage.clickhouse` of the config, without address and secrets. */
export const clickhouseTable = z.strictObject({
  database: z.prefault(name, 'default'),
  table: name,
  user: z.optional(filled),
  /** Where each field is; without it the name of the native log line (`input_tokens`), where the table has it. */
  columns: z.prefault(
    z.strictObject({
      id: column,
      at: column,
      provider: column,
      model: column,
      inputTokens: column,
      cachedInputTokens: column,
      cacheWriteTokens: column,
      cacheWrite1hTokens: column,
      audioInputTokens: column,
      cachedAudioTokens: column,
      imageInputTokens: column,
      cachedImageTokens: column,
      outputTokens: column,
      audioOutputTokens: column,
      imageOutputTokens: column,
      reasoningTokens: column,
      searches: column,
      latencyMs: column,
      ttftMs: column,
      status: column,
      costUsd: column,
      user: column,
      serviceTier: column,
      batch: column,
    }),
    {},
  ),
  units: z.prefault(
    z.strictObject({ latency: timeUnit, ttft: timeUnit, cost: z.prefault(z.enum(['USD', 'cents']), 'USD') }),
    {},
  ),
  /** Whether inputTokens hold the cached ones. */
  cachedTokens: z.prefault(z.enum(['inclusive', 'exclusive']), 'inclusive'),
  /** Reads with FINAL: rows that a ReplacingMergeTree has not yet replaced are left out. */
  final: z.prefault(z.boolean(), false),
});

export type ClickHouseTable = z.output<typeof clickhouseTable>;
export type ClickHouseColumn = keyof ClickHouseTable['columns'];
