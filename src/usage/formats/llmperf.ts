import { basename } from 'node:path';
import { deliver } from '../build.ts';
import { isAbsent, statusOf } from '../fields.ts';
import type { Format } from '../format.ts';

/**
 * `individual_responses` of ray-project/llmperf: a JSON array, times in seconds, no timestamps, no cost.
 * A record with an error_code is a failed request; its zero times are no measurement.
 * The records do not name their model: it is taken from the file's name (`anyscale_70b.json` → `anyscale_70b`,
 * llmperf's own `MODEL_550_150_individual_responses.json` → `MODEL`), and is `unnamed` on stdin.
 */
export const llmperf: Format = {
  name: 'llmperf',
  title: 'individual_responses of llmperf, a JSON array',
  lacks: 'timestamps, model names and cost',
  matches: (raw) => 'end_to_end_latency_s' in raw && 'ttft_s' in raw,
  read(raw, out, fields, source) {
    const failed = !isAbsent(raw.error_code);
    deliver(
      {
        model: modelFromName(source.name),
        inputTokens: fields.count(raw.number_input_tokens, 'number_input_tokens'),
        cachedInputTokens: 0,
        outputTokens: fields.count(raw.number_output_tokens, 'number_output_tokens'),
        latencyMs: fields.duration(raw.end_to_end_latency_s, 'end_to_end_latency_s', 1000),
        ttftMs: fields.duration(raw.ttft_s, 'ttft_s', 1000),
        status: failed ? failure(raw.error_code) : 'ok',
      },
      fields,
      out,
    );
  },
};

/** llmperf writes the HTTP status, or -1 when there was none; an error is an error whatever the number. */
function failure(code: unknown): string {
  const status = statusOf(code);
  return status === 'ok' ? 'other' : status;
}

function modelFromName(name: string): string {
  if (name === '-') return 'unnamed';
  const stem = basename(name).replace(/(\.(json|jsonl|gz|zst))+$/i, '');
  return stem.replace(/(_\d+_\d+)?_individual_responses$/, '') || 'unnamed';
}
