import { deliver } from '../build.ts';
import { optionalText } from '../fields.ts';
import type { Format, RawObject } from '../format.ts';
import { isSet } from '../nested.ts';

/**
 * OpenRouter's activity export, CSV. Columns have moved between exports: only the header says which is which.
 * generation_time_ms starts with the first token: the whole request took time_to_first_token_ms more.
 */
export const openrouter: Format = {
  name: 'openrouter',
  title: 'OpenRouter activity, CSV',
  matches: (raw) => 'generation_id' in raw && 'tokens_prompt' in raw,
  read(raw, out, fields) {
    const ttftMs = fields.duration(raw.time_to_first_token_ms, 'time_to_first_token_ms', 1);
    const generationMs = fields.duration(raw.generation_time_ms, 'generation_time_ms', 1);
    deliver(
      {
        id: optionalText(raw.generation_id),
        at: fields.timestamp(raw.created_at, 'created_at'),
        provider: 'openrouter',
        model: fields.text(raw.model_permaslug, 'model_permaslug'),
        inputTokens: fields.count(raw.tokens_prompt, 'tokens_prompt'),
        cachedInputTokens: fields.countOr(raw.tokens_cached, 'tokens_cached', 0),
        outputTokens: fields.count(raw.tokens_completion, 'tokens_completion'),
        latencyMs: generationMs === undefined ? undefined : generationMs + (ttftMs ?? 0),
        ttftMs,
        status: statusOfRow(raw),
        costUsd: fields.money(raw.cost_total, 'cost_total', 1),
        user: optionalText(raw.user),
      },
      fields,
      out,
    );
  },
};

function statusOfRow(raw: RawObject): string {
  if (isSet(raw.cancelled)) return 'cancelled';
  return raw.finish_reason_normalized === 'error' ? 'other' : 'ok';
}
