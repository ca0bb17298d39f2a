import * as z from 'zod';

/** Where a field is: a path (`usage.prompt_tokens`, `choices.0.model`), or one value for every record. */
const place = z.union([
  z.string().min(1),
  z.strictObject({ path: z.string().min(1) }),
  z.strictObject({ value: z.union([z.string(), z.number()]) }),
]);
const duration = z.union([
  z.string().min(1),
  z.strictObject({ path: z.string().min(1), unit: z.enum(['s', 'ms', 'us', 'ns']).prefault('ms') }),
]);
const money = z.union([
  z.string().min(1),
  z.strictObject({ path: z.string().min(1), unit: z.enum(['USD', 'cents']).prefault('USD') }),
]);

/** Tells how to read a log of one's own: the part `usage.map` of the config, or a file of its own (`--map`). */
export const usageMapSchema = z.strictObject({
  id: place.optional(),
  at: place.optional(),
  /** When the request ended; gives the latency where there is no field of it. */
  end: place.optional(),
  provider: place.optional(),
  model: place,
  inputTokens: place,
  cachedInputTokens: place.optional(),
  cacheWriteTokens: place.optional(),
  outputTokens: place,
  /** Whether inputTokens hold the cached ones. */
  cachedTokens: z.enum(['inclusive', 'exclusive']).prefault('inclusive'),
  latency: duration.optional(),
  ttft: duration.optional(),
  status: place.optional(),
  cost: money.optional(),
  user: place.optional(),
  batch: place.optional(),
});

export type UsageMap = z.output<typeof usageMapSchema>;
