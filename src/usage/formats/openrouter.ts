import { countOfRequest, deliver } from '../build.ts';
import { type Fields, optionalText } from '../fields.ts';
import type { Format, RawObject } from '../format.ts';
import { isSet } from '../nested.ts';

/**
 * OpenRouter's activity export, CSV. Columns have moved between exports: only the header says which is which.
 * cost_total is what OpenRouter takes; with a key of one's own the provider bills byok_usage_inference besides.
 * generation_time_ms starts with the first token: the whole request took time_to_first_token_ms more.
 */
export const openrouter: Format = {
  name: 'openrouter',
  title: 'OpenRouter activity, CSV',
  matches: (raw) => 'generation_id' in raw && 'tokens_prompt' in raw,
  read(raw, out, fields) {
    const ttftMs = fields.duration(raw.time_to_first_token_ms, 'time_to_first_token_ms', 1);
    const generationMs = fields.duration(raw.generation_time_ms, 'generation_time_ms', 1);
    const status = statusOfRow(raw);
    deliver(
      {
        id: optionalText(raw.generation_id),
        at: fields.timestamp(raw.created_at, 'created_at'),
        provider: 'openrouter',
        model: fields.text(raw.model_permaslug, 'model_permaslug'),
        inputTokens: countOfRequest(status, raw.tokens_prompt, 'tokens_prompt', fields),
        cachedInputTokens: fields.optionalCount(raw.tokens_cached, 'tokens_cached'),
        outputTokens: countOfRequest(status, raw.tokens_completion, 'tokens_completion', fields),
        dimensions: { reasoning: fields.optionalCount(raw.tokens_reasoning, 'tokens_reasoning') },
        latencyMs: generationMs === undefined ? undefined : generationMs + (ttftMs ?? 0),
        ttftMs,
        status,
        costUsd: costOfRow(raw, fields),
        user: optionalText(raw.user),
      },
      fields,
      out,
    );
  },
};

function costOfRow(raw: RawObject, fields: Fields): number | undefined {
  const total = fields.money(raw.cost_total, 'cost_total', 1);
  const own = fields.money(raw.byok_usage_inference, 'byok_usage_inference', 1);
  return total === undefined ? own : total + (own ?? 0);
}

function statusOfRow(raw: RawObject): string {
  if (isSet(raw.cancelled)) return 'cancelled';
  return raw.finish_reason_normalized === 'error' ? 'other' : 'ok';
}
