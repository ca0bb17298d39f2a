import * as z from 'zod';

const path = z.string().min(1);
const sum = z.array(path).min(1);
/** Where a field is: a path (`usage.prompt_tokens`, `choices.0.model`), or one value for every record. */
const place = z.union([
  path,
  z.strictObject({ path }),
  z.strictObject({ value: z.union([z.string(), z.number()]) }),
]);
/** Counts may stand in several places. */
const count = z.union([place, z.strictObject({ sum })]);
const timeUnit = z.enum(['s', 'ms', 'us', 'ns']);
/** A time that counts from another one is given with that and its unit. */
const time = z.union([place, z.strictObject({ path, unit: timeUnit, from: z.string().min(1) })]);
const timeUnits = timeUnit.prefault('ms');
const duration = z.union([
  path,
  z.strictObject({ path, unit: timeUnits }),
  z.strictObject({ sum, unit: timeUnits }),
]);
const moneyUnits = z.enum(['USD', 'cents']).prefault('USD');
const money = z.union([
  path,
  z.strictObject({ path, unit: moneyUnits }),
  z.strictObject({ sum, unit: moneyUnits }),
]);

const scalar = z.union([z.string(), z.number(), z.boolean()]);
const values = z.union([scalar, z.array(scalar).min(1)]);
/** By path: one of these values, none of them, or anything at all. */
const where = z.record(
  path,
  z.union([values, z.strictObject({ not: values }), z.strictObject({ exists: z.boolean() })]),
);

/** Whether a count holds another one that is told beside it: for all records, or not for those that are named. */
const holds = z
  .union([z.enum(['inclusive', 'exclusive']), z.strictObject({ exclusiveWhere: where })])
  .prefault('inclusive');

/** Tells how to read a log of one's own: the part `usage.map` of the config, or a file of its own (`--map`). */
export const usageMapSchema = z.strictObject({
  /** Which records are requests; the others are passed over. */
  where: where.optional(),
  id: place.optional(),
  /** Several records with the same id are states of one request: the last of them counts. */
  sameId: z.literal('last').optional(),
  at: time.optional(),
  /** When the request ended; gives the latency where there is no field of it. */
  end: time.optional(),
  provider: place.optional(),
  model: place,
  inputTokens: count,
  cachedInputTokens: count.optional(),
  cacheWriteTokens: count.optional(),
  cacheWrite1hTokens: count.optional(),
  audioInputTokens: count.optional(),
  cachedAudioTokens: count.optional(),
  imageInputTokens: count.optional(),
  cachedImageTokens: count.optional(),
  outputTokens: count,
  audioOutputTokens: count.optional(),
  imageOutputTokens: count.optional(),
  reasoningTokens: count.optional(),
  searches: count.optional(),
  /** Whether inputTokens hold the tokens read from the cache and written to it. */
  cachedTokens: holds,
  /** Whether outputTokens hold the reasoning ones. */
  reasoning: holds,
  latency: duration.optional(),
  ttft: duration.optional(),
  status: place.optional(),
  cost: money.optional(),
  user: place.optional(),
  serviceTier: place.optional(),
  batch: place.optional(),
  /** What a reader of the figures must know of the log. */
  caveat: z.string().optional(),
});

export type UsageMap = z.output<typeof usageMapSchema>;
export type UsageMapInput = z.input<typeof usageMapSchema>;
export type Place = z.output<typeof count> | z.output<typeof time> | z.output<typeof duration>;
export type Where = z.output<typeof where>;
