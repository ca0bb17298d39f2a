import { countOfRequest, deliver } from '../build.ts';
import { optionalText, statusOf } from '../fields.ts';
import type { Format } from '../format.ts';
import { firstOf } from '../nested.ts';

/** Helicone's statuses for what had no HTTP status. */
const NEGATIVE_STATUS: Record<string, string> = { '-1': 'timeout', '-3': 'cancelled' };

/**
 * Requests exported from Helicone as JSONL. delay_ms and time_to_first_token are milliseconds, costUSD is USD.
 * prompt_tokens include the cached ones, except for Anthropic, whose API counts them apart.
 */
export const helicone: Format = {
  name: 'helicone',
  title: 'Helicone requests, JSONL',
  matches: (raw) => 'request_created_at' in raw && 'delay_ms' in raw,
  read(raw, out, fields) {
    const provider = optionalText(raw.provider)?.toLowerCase();
    const code = String(raw.response_status ?? '');
    const status = NEGATIVE_STATUS[code] ?? statusOf(raw.response_status);
    const prompt = countOfRequest(status, raw.prompt_tokens, 'prompt_tokens', fields);
    const cached = fields.countOr(raw.prompt_cache_read_tokens, 'prompt_cache_read_tokens', 0);
    const count = (name: string) => fields.optionalCount(raw[name], name);
    const written = count('prompt_cache_write_tokens');
    const apart = provider === 'anthropic' && prompt !== undefined;
    deliver(
      {
        id: optionalText(raw.request_id),
        at: fields.timestamp(raw.request_created_at, 'request_created_at'),
        provider,
        model: fields.text(firstOf(raw.request_model, raw.model, raw.response_model), 'model'),
        inputTokens: apart ? prompt + cached + (written ?? 0) : prompt,
        cachedInputTokens: cached,
        outputTokens: countOfRequest(status, raw.completion_tokens, 'completion_tokens', fields),
        dimensions: {
          cacheWrite: written,
          cacheWrite1h: count('prompt_cache_write_1h'),
          audioInput: count('prompt_audio_tokens'),
          audioOutput: count('completion_audio_tokens'),
          reasoning: count('reasoning_tokens'),
        },
        latencyMs: fields.duration(raw.delay_ms, 'delay_ms', 1),
        ttftMs: fields.duration(raw.time_to_first_token, 'time_to_first_token', 1),
        status,
        costUsd: fields.money(firstOf(raw.costUSD, raw.cost_usd, raw.cost), 'costUSD', 1),
        user: optionalText(firstOf(raw.request_user_id, raw.user_id)),
      },
      fields,
      out,
    );
  },
};
