import { deliver } from '../build.ts';
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
    const prompt = fields.count(raw.prompt_tokens, 'prompt_tokens');
    const cached = fields.countOr(raw.prompt_cache_read_tokens, 'prompt_cache_read_tokens', 0);
    const written = fields.countOr(raw.prompt_cache_write_tokens, 'prompt_cache_write_tokens', 0);
    const status = String(raw.response_status ?? '');
    deliver(
      {
        id: optionalText(raw.request_id),
        at: fields.timestamp(raw.request_created_at, 'request_created_at'),
        provider,
        model: fields.text(firstOf(raw.request_model, raw.model, raw.response_model), 'model'),
        inputTokens: provider === 'anthropic' ? prompt + cached + written : prompt,
        cachedInputTokens: cached,
        cacheWriteTokens: written,
        outputTokens: fields.count(raw.completion_tokens, 'completion_tokens'),
        latencyMs: fields.duration(raw.delay_ms, 'delay_ms', 1),
        ttftMs: fields.duration(raw.time_to_first_token, 'time_to_first_token', 1),
        status: NEGATIVE_STATUS[status] ?? statusOf(raw.response_status),
        costUsd: fields.money(firstOf(raw.costUSD, raw.cost_usd, raw.cost), 'costUSD', 1),
        user: optionalText(firstOf(raw.request_user_id, raw.user_id)),
      },
      fields,
      out,
    );
  },
};
