import * as z from 'zod/mini';
import { clickhouseTable } from './clickhouse.ts';
import {
  attempts,
  command,
  duration,
  filled,
  headers,
  httpUrl,
  readAs,
  secretReference,
  textOrNumber,
  whole,
} from './fields.ts';
import { gatewaySchema } from './gateway-schema.ts';
import { hooksSchema } from './hooks-schema.ts';
import { parsePoints, parseRatio, parseShare } from './units.ts';
import { usageMapSchema } from './usage-map.ts';

/**
 * The shape of cutover.yaml and every default in it. Parsing turns what people write into plain units:
 * durations are milliseconds, ratios and margins are fractions (10% → 0.1, 0.5pp → 0.005).
 * Secrets stay references (`${env:NAME}`, `${file:PATH}`) until the moment they are used.
 */

const ratio = readAs(textOrNumber, parseRatio, (value) => `not a ratio: ${value}; write it like 10% or 0.1`);

const percentMargin = readAs(
  textOrNumber,
  parseShare,
  (value) => `not a margin: ${value}; write it like 10%`,
  (share) => share >= 0,
);

const pointMargin = readAs(
  z.string(),
  parsePoints,
  (value) => `not a margin: ${value}; write percentage points like 0.5pp`,
  (points) => points < 1,
);

const usd = z.number().check(z.nonnegative());
const usdIfAny = z.optional(usd);
const rateCard = {
  input: usd,
  cachedInput: usdIfAny,
  cacheWrite: usdIfAny,
  cacheWrite1h: usdIfAny,
  audioInput: usdIfAny,
  cachedAudio: usdIfAny,
  imageInput: usdIfAny,
  cachedImage: usdIfAny,
  output: usd,
  reasoning: usdIfAny,
  audioOutput: usdIfAny,
  imageOutput: usdIfAny,
  /** USD each. */
  request: usdIfAny,
  search: usdIfAny,
};
const tier = z.optional(z.strictObject(rateCard));

/**
 * USD per million tokens. What is missing falls back to `input` or `output`; `batch`, `flex` and `priority` are for
 * requests of those tiers; a bare number is one price for every token.
 */
const price = z.union([
  z.pipe(
    usd,
    z.transform((each: number) => ({
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
  ),
  z.strictObject({ ...rateCard, batch: tier, flex: tier, priority: tier }),
]);

const savings = readAs(
  textOrNumber,
  parseShare,
  (value) => `not a share of the cost: ${value}; write it like 30%`,
  (share) => share <= 1,
);

/** How `cutover assess` judges. Nothing else reads it. */
const assess = z.prefault(
  z.strictObject({
    /** Savings above which a migration is recommended as HIGH and as MEDIUM. */
    high: z.prefault(savings, '30%'),
    medium: z.prefault(savings, '15%'),
    /** Tokens that the target counts for one token of the legacy model, by legacy model; `"*"` for the others. */
    tokenDrift: z.prefault(z.record(z.string(), z.number().check(z.positive())), {}),
    /** A LiteLLM price file or a reply of OpenRouter's /models, in place of the bundled catalogue. */
    catalogue: z.optional(z.string()),
    /** What amounts are shown in; prices stay USD. */
    currency: z.optional(
      z.strictObject({
        code: z.string().check(z.regex(/^[A-Z]{3}$/)),
        perUsd: z.number().check(z.positive()),
      }),
    ),
    timezone: z.optional(z.string()),
  }),
  {},
);

const timeouts = z.prefault(
  z.strictObject({
    connect: z.prefault(duration, '10s'),
    firstByte: z.prefault(duration, '60s'),
    total: z.prefault(duration, '120s'),
  }),
  {},
);

const provider = z.strictObject({
  name: filled,
  baseUrl: httpUrl,
  apiKey: z.optional(secretReference),
  timeouts,
  prices: z.prefault(z.record(z.string(), price), {}),
});

const flag = z.discriminatedUnion('driver', [
  z.strictObject({
    driver: z.literal('file'),
    path: z.prefault(z.string(), 'flags.json'),
    key: z.prefault(filled, 'llm-provider'),
  }),
  z.strictObject({ driver: z.literal('exec'), command, ...attempts }),
  z.strictObject({
    driver: z.literal('webhook'),
    url: httpUrl,
    headers,
    /** How long the server may still take to do what nobody waits for any more; 20s without it. */
    settlesIn: z.optional(duration.check(z.refine((ms) => ms <= 1_800_000, 'at most 30m'))),
    ...attempts,
  }),
]);

const byPoints = z.optional(z.strictObject({ margin: pointMargin }));
const byPercent = z.optional(z.strictObject({ margin: percentMargin }));
const guardrails = z.strictObject({
  errors: byPoints,
  invalid: byPoints,
  latencyP50: byPercent,
  latencyP95: byPercent,
  ttftP50: byPercent,
  ttftP95: byPercent,
  cost: byPercent,
});

const ladder = z.array(ratio).check(
  z.minLength(1),
  z.refine((rungs) => rungs.every((rung, i) => rung > (rungs[i - 1] ?? 0)), {
    message: 'a ladder rises: each ratio must be greater than the one before it, and the first above 0',
  }),
);

/** Where the state is kept; with a group, whose members may read it. */
const state = z.union([
  z.string(),
  z.strictObject({
    path: z.prefault(z.string(), '.cutover'),
    group: z.optional(z.union([filled, whole(0)])),
  }),
]);

export const configSchema = z.strictObject({
  migration: z
    .string()
    .check(
      z.regex(/^[\w.-]{1,64}$/, 'a migration name is 1 to 64 letters, digits, dots, dashes or underscores'),
    ),
  providers: z.strictObject({ legacy: provider, target: provider }),
  models: z.prefault(z.record(z.string(), z.string()), {}),
  flag: z.prefault(flag, { driver: 'file' }),
  ladder: z.prefault(ladder, ['1%', '5%', '10%', '25%', '50%', '100%']),
  stage: z.prefault(
    z.strictObject({ bake: z.prefault(duration, '10m'), evidenceMaxAge: z.prefault(duration, '30m') }),
    {},
  ),
  canary: z.prefault(
    z.strictObject({
      ratio: z.prefault(ratio, '10%'),
      probes: z.optional(z.string()),
      pairsPerRun: z.prefault(whole(1, 10_000), 20),
      /** Pairs under way at the same time. */
      concurrency: z.prefault(whole(1, 64), 4),
      /** Legacy model of the probes that name none; without it the first one in `models`. */
      model: z.optional(filled),
      /** Streamed answers; without it exactly when a guardrail needs the time to the first token. */
      stream: z.optional(z.boolean()),
      guardrails: z.prefault(guardrails, { errors: { margin: '0.5pp' }, latencyP50: { margin: '10%' } }),
    }),
    {},
  ),
  hooks: hooksSchema,
  gateway: gatewaySchema,
  usage: z.prefault(
    z.strictObject({
      map: z.optional(usageMapSchema),
      clickhouse: z.optional(
        z.extend(clickhouseTable, {
          url: httpUrl,
          password: z.optional(secretReference),
          /** For each query. */
          timeout: z.prefault(duration, '5m'),
        }),
      ),
    }),
    {},
  ),
  assess,
  checkpoints: z.prefault(z.strictObject({ keep: z.prefault(whole(2), 10) }), {}),
  state: z.prefault(state, '.cutover'),
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
