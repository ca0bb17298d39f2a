import * as z from 'zod/mini';
import { filled, textOrNumber } from './fields.ts';

const path = filled;
const sum = z.array(path).check(z.minLength(1));
/** Where a field is: a path (`usage.prompt_tokens`, `choices.0.model`), or one value for every record. */
const place = z.union([path, z.strictObject({ path }), z.strictObject({ value: textOrNumber })]);
/** Counts may stand in several places. */
const count = z.union([place, z.strictObject({ sum })]);
const timeUnit = z.enum(['s', 'ms', 'us', 'ns']);
/** A time that counts from another one is given with that and its unit. */
const time = z.union([place, z.strictObject({ path, unit: timeUnit, from: filled })]);
const timeUnits = z.prefault(timeUnit, 'ms');
const duration = z.union([
  path,
  z.strictObject({ path, unit: timeUnits }),
  z.strictObject({ sum, unit: timeUnits }),
]);
const moneyUnits = z.prefault(z.enum(['USD', 'cents']), 'USD');
const money = z.union([
  path,
  z.strictObject({ path, unit: moneyUnits }),
  z.strictObject({ sum, unit: moneyUnits }),
]);

const scalar = z.union([z.string(), z.number(), z.boolean()]);
const values = z.union([scalar, z.array(scalar).check(z.minLength(1))]);
/** By path: one of these values, none of them, or anything at all. */
const where = z.record(
  path,
  z.union([values, z.strictObject({ not: values }), z.strictObject({ exists: z.boolean() })]),
);

/** Whether a count holds another one that is told beside it: for all records, or not for those that are named. */
const holds = z.prefault(
  z.union([z.enum(['inclusive', 'exclusive']), z.strictObject({ exclusiveWhere: where })]),
  'inclusive',
);

const placeIfAny = z.optional(place);
const countIfAny = z.optional(count);
const timeIfAny = z.optional(time);
const durationIfAny = z.optional(duration);

/** Tells how to read a log of one's own: the part `usage.map` of the config, or a file of its own (`--map`). */
export const usageMapSchema = z.strictObject({
  /** Which records are requests; the others are passed over. */
  where: z.optional(where),
  id: placeIfAny,
  /** Several records with the same id are states of one request: the last of them counts. */
  sameId: z.optional(z.literal('last')),
  at: timeIfAny,
  /** When the request ended; gives the latency where there is no field of it. */
  end: timeIfAny,
  provider: placeIfAny,
  model: place,
  inputTokens: count,
  cachedInputTokens: countIfAny,
  cacheWriteTokens: countIfAny,
  cacheWrite1hTokens: countIfAny,
  audioInputTokens: countIfAny,
  cachedAudioTokens: countIfAny,
  imageInputTokens: countIfAny,
  cachedImageTokens: countIfAny,
  outputTokens: count,
  audioOutputTokens: countIfAny,
  imageOutputTokens: countIfAny,
  reasoningTokens: countIfAny,
  searches: countIfAny,
  /** Whether inputTokens hold the tokens read from the cache and written to it. */
  cachedTokens: holds,
  /** Whether outputTokens hold the reasoning ones. */
  reasoning: holds,
  latency: durationIfAny,
  ttft: durationIfAny,
  status: placeIfAny,
  cost: z.optional(money),
  user: placeIfAny,
  serviceTier: placeIfAny,
  batch: placeIfAny,
  /** What a reader of the figures must know of the log. */
  caveat: z.optional(z.string()),
});

export type UsageMap = z.output<typeof usageMapSchema>;
export type UsageMapInput = z.input<typeof usageMapSchema>;
export type Place = z.output<typeof count> | z.output<typeof time> | z.output<typeof duration>;
export type Where = z.output<typeof where>;
