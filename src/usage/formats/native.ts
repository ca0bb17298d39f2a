import { deliver } from '../build.ts';
import { optionalText, statusOf } from '../fields.ts';
import type { Format } from '../format.ts';

/**
 * The line that cutover's own router writes (JSONL or CSV). Only model, input_tokens and output_tokens are
 * required; latency_ms and ttft_ms are milliseconds, cost is USD, status an HTTP status or an error class,
 * timestamp ISO 8601 or Unix time. cached_input_tokens are part of input_tokens. Unknown fields are ignored.
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
