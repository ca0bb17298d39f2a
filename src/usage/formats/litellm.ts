import { countOfRequest, deliver } from '../build.ts';
import { serviceTierOf } from '../dimensions.ts';
import { type Fields, optionalText, statusOf } from '../fields.ts';
import { type Format, FROM_RESPONSE_CACHE, type RawObject, type RecordSink } from '../format.ts';
import { dig, elapsed, firstOf, isSet, objectOf } from '../nested.ts';
import { readUsageObject } from './usage-object.ts';

/** Kinds of call that are no requests to a model for text; those with tokens are read all the same. */
const FOREIGN: [RegExp, string][] = [
  [/image/, 'images'],
  [/speech/, 'speeches'],
  [/transcription/, 'transcriptions'],
  [/rerank/, 'rerankings'],
  [/vector_store/, 'vector stores'],
  [/moderation/, 'moderations'],
  [/file/, 'files'],
  [/batch/, 'the handling of batches'],
];

/**
 * SpendLogs of a LiteLLM proxy, from `/spend/logs?summarize=false` or the database table. Without
 * `summarize=false` the proxy answers with sums a day, which are refused by name.
 * `cache_hit` (text) is LiteLLM's own response cache; what the provider cached stands in
 * metadata.usage_object and is part of prompt_tokens (LiteLLM adds it for every provider).
 */
export const litellmSpend: Format = {
  name: 'litellm',
  title: 'LiteLLM SpendLogs (/spend/logs?summarize=false)',
  matches: (raw) => 'spend' in raw && 'startTime' in raw,
  read(raw, out, fields) {
    if (!('prompt_tokens' in raw)) {
      out.reject('a sum, not a request: ask LiteLLM with summarize=false');
      return;
    }
    const usd = fields.money(raw.spend, 'spend', 1);
    const logged = fields.duration(raw.request_duration_ms, 'request_duration_ms', 1);
    readLiteLlm(raw, usd, logged, out, fields);
  },
};

/**
 * LiteLLM's standard_logging_payload, as its callbacks write it. Times are Unix seconds with a fraction.
 * `response_time` is the time to the first token when streaming, so the latency is endTime − startTime.
 */
export const litellmPayload: Format = {
  name: 'litellm-payload',
  title: 'LiteLLM standard_logging_payload (callbacks)',
  matches: (raw) => 'response_cost' in raw && 'startTime' in raw,
  read(raw, out, fields) {
    readLiteLlm(raw, fields.money(raw.response_cost, 'response_cost', 1), undefined, out, fields);
  },
};

function readLiteLlm(
  raw: RawObject,
  costUsd: number | undefined,
  loggedLatency: number | undefined,
  out: RecordSink,
  fields: Fields,
): void {
  if (isSet(raw.cache_hit)) {
    out.skip(FROM_RESPONSE_CACHE);
    return;
  }
  const foreign = foreignKind(raw.call_type);
  if (foreign !== undefined && !Number(raw.prompt_tokens) && !Number(raw.completion_tokens)) {
    out.skip(`another kind of usage: ${foreign}`);
    return;
  }
  const at = fields.timestamp(raw.startTime, 'startTime');
  const end = fields.timestamp(raw.endTime, 'endTime');
  const first = fields.timestamp(raw.completionStartTime, 'completionStartTime');
  const status = failure(raw);
  const metadata = objectOf(raw.metadata);
  const usage = readUsageObject(metadata?.usage_object, fields);
  deliver(
    {
      id: optionalText(firstOf(raw.request_id, raw.id)),
      at,
      provider: optionalText(raw.custom_llm_provider),
      // The schema's default for a model is an empty text.
      model: fields.text(firstOf(raw.model, raw.model_group, 'unnamed'), 'model'),
      inputTokens: countOfRequest(status, raw.prompt_tokens, 'prompt_tokens', fields),
      cachedInputTokens: usage.cachedInputTokens,
      outputTokens: countOfRequest(status, raw.completion_tokens, 'completion_tokens', fields),
      dimensions: usage.dimensions,
      serviceTier: usage.serviceTier ?? serviceTierOf(metadata?.service_tier),
      latencyMs: loggedLatency ?? elapsed(at, end),
      // An answer that was not streamed carries its end here, or nothing.
      ttftMs: first !== undefined && end !== undefined && first < end ? elapsed(at, first) : undefined,
      status,
      costUsd,
      user: optionalText(firstOf(raw.end_user, raw.user)),
    },
    fields,
    out,
  );
}

function foreignKind(callType: unknown): string | undefined {
  if (typeof callType !== 'string') return undefined;
  return FOREIGN.find(([pattern]) => pattern.test(callType))?.[1];
}

function failure(raw: RawObject): string {
  const status = statusOf(raw.status);
  if (status !== 'failure') return status;
  const code = firstOf(
    dig(raw.metadata, 'error_information', 'error_code'),
    dig(raw.error_information, 'error_code'),
  );
  const coded = statusOf(code);
  return coded === 'ok' ? 'other' : coded;
}
