import { type Draft, deliver } from '../build.ts';
import { serviceTierOf } from '../dimensions.ts';
import { type Fields, optionalText, statusOf } from '../fields.ts';
import type { Format, RawObject } from '../format.ts';

/** What a line may tell besides; most lines hold none of it. */
export const BESIDES = [
  'cache_write_input_tokens',
  'cache_write_1h_input_tokens',
  'audio_input_tokens',
  'cached_audio_input_tokens',
  'image_input_tokens',
  'cached_image_input_tokens',
  'audio_output_tokens',
  'image_output_tokens',
  'reasoning_tokens',
  'searches',
  'service_tier',
] as const;

/**
 * The line that cutover's own router writes (JSONL or CSV). Only model, input_tokens and output_tokens are
 * required; latency_ms and ttft_ms are milliseconds, cost is USD, status an HTTP status or an error class,
 * timestamp ISO 8601 or Unix time. cached_input_tokens are part of input_tokens, and so are all other tokens that go in;
 * those that come out are part of output_tokens. Unknown fields are ignored.
 */
export const native: Format = {
  name: 'native',
  title: 'the log line of cutover itself, JSONL or CSV',
  fields: [
    'id',
    'timestamp',
    'provider',
    'model',
    'input_tokens',
    'cached_input_tokens',
    'output_tokens',
    'latency_ms',
    'ttft_ms',
    'status',
    'cost',
    'user',
    ...BESIDES,
  ],
  matches: (raw) => 'model' in raw && 'input_tokens' in raw && 'output_tokens' in raw,
  read(raw, out, fields) {
    deliver(
      {
        id: optionalText(raw.id),
        at: fields.timestamp(raw.timestamp, 'timestamp'),
        provider: optionalText(raw.provider),
        model: fields.text(raw.model, 'model'),
        inputTokens: fields.count(raw.input_tokens, 'input_tokens'),
        cachedInputTokens: fields.countOr(raw.cached_input_tokens, 'cached_input_tokens', 0),
        outputTokens: fields.count(raw.output_tokens, 'output_tokens'),
        dimensions: BESIDES.some((name) => raw[name] !== undefined) ? dimensionsOf(raw, fields) : undefined,
        serviceTier: serviceTierOf(raw.service_tier),
        latencyMs: fields.duration(raw.latency_ms, 'latency_ms', 1),
        ttftMs: fields.duration(raw.ttft_ms, 'ttft_ms', 1),
        status: statusOf(raw.status),
        costUsd: fields.money(raw.cost, 'cost', 1),
        user: optionalText(raw.user),
      },
      fields,
      out,
    );
  },
};

function dimensionsOf(raw: RawObject, fields: Fields): Draft['dimensions'] {
  const count = (name: (typeof BESIDES)[number]) => fields.optionalCount(raw[name], name);
  return {
    cacheWrite: count('cache_write_input_tokens'),
    cacheWrite1h: count('cache_write_1h_input_tokens'),
    audioInput: count('audio_input_tokens'),
    cachedAudio: count('cached_audio_input_tokens'),
    imageInput: count('image_input_tokens'),
    cachedImage: count('cached_image_input_tokens'),
    audioOutput: count('audio_output_tokens'),
    imageOutput: count('image_output_tokens'),
    reasoning: count('reasoning_tokens'),
    searches: count('searches'),
  };
}
