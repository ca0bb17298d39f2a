import { deliver } from '../build.ts';
import { type Fields, optionalText } from '../fields.ts';
import type { Format, RawObject, RecordSink } from '../format.ts';
import { dig, isSet, objectOf } from '../nested.ts';

/** Where a report is not grouped by model. */
const ALL_MODELS = 'all models';

interface Interval {
  at: number | undefined;
  until: number | undefined;
}

/**
 * Buckets of OpenAI's usage API; input_tokens include the cached ones. Buckets of its costs API carry money and
 * no tokens: they become records of no request, which only add to the reported cost.
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
      const requests = fields.countOr(result.num_model_requests, 'num_model_requests', 0);
      deliver(
        {
          at: interval.at,
          provider: 'openai',
          model: optionalText(result.model) ?? ALL_MODELS,
          inputTokens: fields.count(result.input_tokens, 'input_tokens'),
          cachedInputTokens: fields.countOr(result.input_cached_tokens, 'input_cached_tokens', 0),
          outputTokens: fields.countOr(result.output_tokens, 'output_tokens', 0),
          status: 'ok',
          user: optionalText(result.user_id),
          batch: isSet(result.batch) || result.service_tier === 'batch',
          aggregate: aggregate(requests, interval),
        },
        fields,
        out,
      );
    });
  },
};

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
      const uncached = fields.count(result.uncached_input_tokens, 'uncached_input_tokens');
      const cached = fields.countOr(result.cache_read_input_tokens, 'cache_read_input_tokens', 0);
      let written = 0;
      for (const amount of Object.values(objectOf(result.cache_creation) ?? {})) {
        written += fields.countOr(amount, 'cache_creation', 0);
      }
      deliver(
        {
          at: interval.at,
          provider: 'anthropic',
          model,
          inputTokens: uncached + cached + written,
          cachedInputTokens: cached,
          cacheWriteTokens: written,
          outputTokens: fields.count(result.output_tokens, 'output_tokens'),
          status: 'ok',
          batch: result.service_tier === 'batch',
          aggregate: aggregate(0, interval),
        },
        fields,
        out,
      );
    });
  },
};

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

function aggregate(requests: number, { until }: Interval): { requests: number; until?: number } {
  return until === undefined ? { requests } : { requests, until };
}
