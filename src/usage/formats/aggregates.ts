import { deliver } from '../build.ts';
import { serviceTierOf } from '../dimensions.ts';
import { type Fields, optionalText } from '../fields.ts';
import type { Format, RawObject, RecordSink } from '../format.ts';
import { dig, isSet, objectOf } from '../nested.ts';
import type { UsageRecord } from '../record.ts';

/** Where a report is not grouped by model. */
const ALL_MODELS = 'all models';

interface Interval {
  at: number | undefined;
  until: number | undefined;
}

/**
 * Buckets of OpenAI's usage API; input_tokens hold the cached, written, audio and image ones. Buckets of its costs API
 * carry money and no tokens: they become records of no request, which only add to the reported cost. What is not
 * measured in tokens (images, speeches, vector stores …) is another kind of usage.
 */
export const openaiUsage: Format = {
  name: 'openai-usage',
  title: 'OpenAI usage and costs API, buckets (aggregates)',
  lacks: 'latencies and errors: they are sums',
  matches: (raw) => 'start_time' in raw && 'end_time' in raw && Array.isArray(raw.results),
  read(raw, out, fields) {
    const interval = {
      at: fields.timestamp(raw.start_time, 'start_time'),
      until: fields.timestamp(raw.end_time, 'end_time'),
    };
    eachResult(raw, interval, out, fields, (result) => {
      if ('amount' in result) {
        const usd = fields.money(dig(result.amount, 'value'), 'amount.value', 1);
        const item = optionalText(result.line_item)?.split(',')[0];
        costOnly(item ?? ALL_MODELS, 'openai', usd, interval, fields, out);
        return;
      }
      const kind = /^organization\.usage\.(\w+)\.result$/.exec(String(result.object ?? ''))?.[1];
      if (kind !== undefined && !IN_TOKENS.has(kind) && !('input_tokens' in result)) {
        out.skip(`another kind of usage: ${kind.replaceAll('_', ' ').slice(0, 40)}`);
        return;
      }
      if (result.batch === null && result.service_tier === null) out.warn(NOT_BY_TIER);
      const count = (name: string) => fields.optionalCount(result[name], name);
      const requests = fields.countOr(result.num_model_requests, 'num_model_requests', 0);
      deliver(
        {
          at: interval.at,
          provider: 'openai',
          model: optionalText(result.model) ?? ALL_MODELS,
          inputTokens: fields.count(result.input_tokens, 'input_tokens'),
          cachedInputTokens: count('input_cached_tokens'),
          outputTokens: count('output_tokens'),
          dimensions: {
            cacheWrite: count('input_cache_write_tokens'),
            audioInput: count('input_audio_tokens'),
            cachedAudio: count('input_cached_audio_tokens'),
            imageInput: count('input_image_tokens'),
            cachedImage: count('input_cached_image_tokens'),
            audioOutput: count('output_audio_tokens'),
            imageOutput: count('output_image_tokens'),
          },
          status: 'ok',
          user: optionalText(result.user_id),
          serviceTier: isSet(result.batch) ? 'batch' : serviceTierOf(result.service_tier),
          aggregate: aggregate(requests, interval),
        },
        fields,
        out,
      );
    });
  },
};

/** Kinds of usage that are measured in tokens. */
const IN_TOKENS = new Set(['completions', 'embeddings', 'moderations']);
const NOT_BY_TIER =
  'The usage report is not grouped by batch and service_tier, so all of it is priced as the plain tier.';

/**
 * Anthropic's usage report; uncached_input_tokens **exclude** the cached ones, so the parts are added up.
 * Its cost report gives `amount` as a decimal string in **cents**.
 */
export const anthropicUsage: Format = {
  name: 'anthropic-usage',
  title: 'Anthropic usage and cost report (aggregates)',
  lacks: 'latencies, errors and numbers of requests: they are sums of tokens',
  matches: (raw) => 'starting_at' in raw && 'ending_at' in raw && Array.isArray(raw.results),
  read(raw, out, fields) {
    const interval = {
      at: fields.timestamp(raw.starting_at, 'starting_at'),
      until: fields.timestamp(raw.ending_at, 'ending_at'),
    };
    eachResult(raw, interval, out, fields, (result) => {
      const model = optionalText(result.model) ?? ALL_MODELS;
      if ('amount' in result) {
        costOnly(model, 'anthropic', fields.money(result.amount, 'amount', 100), interval, fields, out);
        return;
      }
      if (result.service_tier === null) out.warn(NOT_BY_SERVICE_TIER);
      const uncached = fields.count(result.uncached_input_tokens, 'uncached_input_tokens');
      const cached = fields.countOr(result.cache_read_input_tokens, 'cache_read_input_tokens', 0);
      const creation = objectOf(result.cache_creation);
      let written = 0;
      for (const amount of Object.values(creation ?? {})) {
        written += fields.countOr(amount, 'cache_creation', 0);
      }
      deliver(
        {
          at: interval.at,
          provider: 'anthropic',
          model,
          inputTokens: uncached + cached + written,
          cachedInputTokens: cached,
          outputTokens: fields.count(result.output_tokens, 'output_tokens'),
          dimensions: {
            cacheWrite: creation && written,
            cacheWrite1h: fields.optionalCount(creation?.ephemeral_1h_input_tokens, 'cache_creation'),
            searches: fields.optionalCount(
              dig(result.server_tool_use, 'web_search_requests'),
              'web_search_requests',
            ),
          },
          status: 'ok',
          serviceTier: serviceTierOf(result.service_tier),
          aggregate: { ...aggregate(0, interval), ...above(result.context_window) },
        },
        fields,
        out,
      );
    });
  },
};

const NOT_BY_SERVICE_TIER =
  'The usage report is not grouped by service_tier, so all of it is priced as the plain tier.';

/** `200k-1M` → above 200,000 input tokens. */
function above(context: unknown): { inputAbove?: number } {
  const [, digits, unit] = /^(\d+)([kM]?)-/.exec(String(context ?? '')) ?? [];
  if (digits === undefined) return {};
  return { inputAbove: Number(digits) * (unit === 'M' ? 1e6 : unit === 'k' ? 1e3 : 1) };
}

/** An interval without usage is a record too, of nothing: it is part of the period. */
function eachResult(
  raw: RawObject,
  interval: Interval,
  out: RecordSink,
  fields: Fields,
  read: (result: RawObject) => void,
): void {
  const results = raw.results as readonly unknown[];
  if (fields.reason !== undefined) {
    out.reject(fields.reason);
    return;
  }
  if (results.length === 0) {
    const nothing = { model: ALL_MODELS, inputTokens: 0, outputTokens: 0, status: 'ok' };
    deliver({ ...nothing, at: interval.at, aggregate: aggregate(0, interval) }, fields, out);
  }
  for (const result of results) {
    fields.reset();
    const object = objectOf(result);
    if (object) read(object);
    else out.reject('not a JSON object');
  }
}

function costOnly(
  model: string,
  provider: string,
  costUsd: number | undefined,
  interval: Interval,
  fields: Fields,
  out: RecordSink,
): void {
  if (costUsd === undefined) fields.fail('amount is missing');
  const draft = { model, provider, inputTokens: 0, outputTokens: 0, status: 'ok', costUsd };
  deliver({ ...draft, at: interval.at, aggregate: aggregate(0, interval) }, fields, out);
}

function aggregate(requests: number, { until }: Interval): NonNullable<UsageRecord['aggregate']> {
  return until === undefined ? { requests } : { requests, until };
}
