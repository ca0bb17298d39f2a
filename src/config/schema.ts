import * as z from 'zod';
import { clickhouseTable } from './clickhouse.ts';
import { attempts, command, duration, headers, httpUrl, secretReference } from './fields.ts';
import { gatewaySchema } from './gateway-schema.ts';
import { hooksSchema } from './hooks-schema.ts';
import { parsePoints, parseRatio, parseShare } from './units.ts';
import { usageMapSchema } from './usage-map.ts';

/**
 * The shape of cutover.yaml and every default in it. Parsing turns what people write into plain units:
 * durations are milliseconds, ratios and margins are fractions (10% → 0.1, 0.5pp → 0.005).
 * Secrets stay references (`${env:NAME}`, `${file:PATH}`) until the moment they are used.
 */

const ratio = z.union([z.string(), z.number()]).transform((value, ctx) => {
  const parsed = parseRatio(value);
  if (parsed !== undefined) return parsed;
  ctx.addIssue({ code: 'custom', message: `not a ratio: ${value}; write it like 10% or 0.1` });
  return z.NEVER;
});

const percentMargin = z.union([z.string(), z.number()]).transform((value, ctx) => {
  const parsed = parseShare(value);
  if (parsed !== undefined && parsed >= 0) return parsed;
  ctx.addIssue({ code: 'custom', message: `not a margin: ${value}; write it like 10%` });
  return z.NEVER;
});

const pointMargin = z.string().transform((value, ctx) => {
  const parsed = parsePoints(value);
  if (parsed !== undefined && parsed < 1) return parsed;
  ctx.addIssue({ code: 'custom', message: `not a margin: ${value}; write percentage points like 0.5pp` });
  return z.NEVER;
});

const usd = z.number().nonnegative();
const rateCard = {
  input: usd,
  cachedInput: usd.optional(),
  cacheWrite: usd.optional(),
  cacheWrite1h: usd.optional(),
  audioInput: usd.optional(),
  cachedAudio: usd.optional(),
  imageInput: usd.optional(),
  cachedImage: usd.optional(),
  output: usd,
  reasoning: usd.optional(),
  audioOutput: usd.optional(),
  imageOutput: usd.optional(),
  /** USD each. */
  request: usd.optional(),
  search: usd.optional(),
};

/**
 * USD per million tokens. What is missing falls back to `input` or `output`; `batch`, `flex` and `priority` are for
 * requests of those tiers; a bare number is one price for every token.
 */
const price = z.union([
  z
    .number()
    .nonnegative()
    .transform((each) => ({
      input: each,
      cachedInput: each,
      cacheWrite: each,
      cacheWrite1h: each,
      audioInput: each,
      cachedAudio: each,
      imageInput: each,
      cachedImage: each,
      output: each,
      reasoning: each,
      audioOutput: each,
      imageOutput: each,
    })),
  z.strictObject({
    ...rateCard,
    batch: z.strictObject(rateCard).optional(),
    flex: z.strictObject(rateCard).optional(),
    priority: z.strictObject(rateCard).optional(),
  }),
]);

const savings = z.union([z.string(), z.number()]).transform((value, ctx) => {
  const parsed = parseShare(value);
  if (parsed !== undefined && parsed <= 1) return parsed;
  ctx.addIssue({ code: 'custom', message: `not a share of the cost: ${value}; write it like 30%` });
  return z.NEVER;
});

/** How `cutover assess` judges. Nothing else reads it. */
const assess = z
  .strictObject({
    /** Savings above which a migration is recommended as HIGH and as MEDIUM. */
    high: savings.prefault('30%'),
    medium: savings.prefault('15%'),
    /** Tokens that the target counts for one token of the legacy model, by legacy model; `"*"` for the others. */
    tokenDrift: z.record(z.string(), z.number().positive()).prefault({}),
    /** A LiteLLM price file or a reply of OpenRouter's /models, in place of the bundled catalogue. */
    catalogue: z.string().optional(),
    /** What amounts are shown in; prices stay USD. */
    currency: z
      .strictObject({ code: z.string().regex(/^[A-Z]{3}$/), perUsd: z.number().positive() })
      .optional(),
    timezone: z.string().optional(),
  })
  .prefault({});

const timeouts = z
  .strictObject({
    connect: duration.prefault('10s'),
    firstByte: duration.prefault('60s'),
    total: duration.prefault('120s'),
  })
  .prefault({});

const provider = z.strictObject({
  name: z.string().min(1),
  baseUrl: httpUrl,
  apiKey: secretReference.optional(),
  timeouts,
  prices: z.record(z.string(), price).prefault({}),
});

const flag = z.discriminatedUnion('driver', [
  z.strictObject({
    driver: z.literal('file'),
    path: z.string().prefault('flags.json'),
    key: z.string().min(1).prefault('llm-provider'),
  }),
  z.strictObject({ driver: z.literal('exec'), command, ...attempts }),
  z.strictObject({
    driver: z.literal('webhook'),
    url: httpUrl,
    headers,
    /** How long the server may still take to do what nobody waits for any more; 20s without it. */
    settlesIn: duration.refine((ms) => ms <= 1_800_000, 'at most 30m').optional(),
    ...attempts,
  }),
]);

const guardrails = z.strictObject({
  errors: z.strictObject({ margin: pointMargin }).optional(),
  invalid: z.strictObject({ margin: pointMargin }).optional(),
  latencyP50: z.strictObject({ margin: percentMargin }).optional(),
  latencyP95: z.strictObject({ margin: percentMargin }).optional(),
  ttftP50: z.strictObject({ margin: percentMargin }).optional(),
  ttftP95: z.strictObject({ margin: percentMargin }).optional(),
  cost: z.strictObject({ margin: percentMargin }).optional(),
});

const ladder = z
  .array(ratio)
  .min(1)
  .refine((rungs) => rungs.every((rung, i) => rung > (rungs[i - 1] ?? 0)), {
    message: 'a ladder rises: each ratio must be greater than the one before it, and the first above 0',
  });

/** Where the state is kept; with a group, whose members may read it. */
const state = z.union([
  z.string(),
  z.strictObject({
    path: z.string().prefault('.cutover'),
    group: z.union([z.string().min(1), z.number().int().nonnegative()]).optional(),
  }),
]);

export const configSchema = z.strictObject({
  migration: z
    .string()
    .regex(/^[\w.-]{1,64}$/, 'a migration name is 1 to 64 letters, digits, dots, dashes or underscores'),
  providers: z.strictObject({ legacy: provider, target: provider }),
  models: z.record(z.string(), z.string()).prefault({}),
  flag: flag.prefault({ driver: 'file' }),
  ladder: ladder.prefault(['1%', '5%', '10%', '25%', '50%', '100%']),
  stage: z
    .strictObject({ bake: duration.prefault('10m'), evidenceMaxAge: duration.prefault('30m') })
    .prefault({}),
  canary: z
    .strictObject({
      ratio: ratio.prefault('10%'),
      probes: z.string().optional(),
      pairsPerRun: z.number().int().min(1).max(10_000).prefault(20),
      /** Pairs under way at the same time. */
      concurrency: z.number().int().min(1).max(64).prefault(4),
      /** Legacy model of the probes that name none; without it the first one in `models`. */
      model: z.string().min(1).optional(),
      /** Streamed answers; without it exactly when a guardrail needs the time to the first token. */
      stream: z.boolean().optional(),
      guardrails: guardrails.prefault({ errors: { margin: '0.5pp' }, latencyP50: { margin: '10%' } }),
    })
    .prefault({}),
  hooks: hooksSchema,
  gateway: gatewaySchema,
  usage: z
    .strictObject({
      map: usageMapSchema.optional(),
      clickhouse: clickhouseTable
        .extend({
          url: httpUrl,
          password: secretReference.optional(),
          /** For each query. */
          timeout: duration.prefault('5m'),
        })
        .optional(),
    })
    .prefault({}),
  assess,
  checkpoints: z.strictObject({ keep: z.number().int().min(2).prefault(10) }).prefault({}),
  state: state.prefault('.cutover'),
});

export type Config = z.output<typeof configSchema>;
export type ProviderConfig = Config['providers']['legacy'];
export type RateCardConfig = { input: number; output: number } & {
  [K in Exclude<keyof typeof rateCard, 'input' | 'output'>]?: number | undefined;
};
export type Price = RateCardConfig & { [T in 'batch' | 'flex' | 'priority']?: RateCardConfig | undefined };
export type ClickHouseConfig = NonNullable<Config['usage']['clickhouse']>;
export type AssessConfig = Config['assess'];
export type FlagConfig = Config['flag'];
export type GuardrailConfig = Config['canary']['guardrails'];
