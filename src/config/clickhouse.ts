import * as z from 'zod';

/** The name of a database, table or column; dots in a column's name lead into a tuple, a nested or a JSON column. */
const name = z
  .string()
  .min(1)
  .max(200)
  .refine((text) => !/\p{Cc}/u.test(text), { message: 'a name holds no control characters' });

/** null says that the table has no such column, even when one has the usual name. */
const column = name.nullable().optional();

const timeUnit = z.enum(['s', 'ms', 'us', 'ns']).prefault('ms');

/** A table of usage records in ClickHouse: `usage.clickhouse` of the config, without address and secrets. */
export const clickhouseTable = z.strictObject({
  database: name.prefault('default'),
  table: name,
  user: z.string().min(1).optional(),
  /** Where each field is; without it the name of the native log line (`input_tokens`), where the table has it. */
  columns: z
    .strictObject({
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
    })
    .prefault({}),
  units: z
    .strictObject({ latency: timeUnit, ttft: timeUnit, cost: z.enum(['USD', 'cents']).prefault('USD') })
    .prefault({}),
  /** Whether inputTokens hold the cached ones. */
  cachedTokens: z.enum(['inclusive', 'exclusive']).prefault('inclusive'),
  /** Reads with FINAL: rows that a ReplacingMergeTree has not yet replaced are left out. */
  final: z.boolean().prefault(false),
});

export type ClickHouseTable = z.output<typeof clickhouseTable>;
export type ClickHouseColumn = keyof ClickHouseTable['columns'];
