import { type UsageMap, type UsageMapInput, usageMapSchema } from '../config/usage-map.ts';

/** Maps that come along, by the name for `--map`. */
const SHIPPED: Readonly<Record<string, { title: string; map: UsageMapInput }>> = {
  'azure-trace': {
    title: 'Azure LLM inference traces of 2023 and 2024, CSV',
    map: {
      at: 'TIMESTAMP',
      model: { value: 'unnamed' },
      inputTokens: 'ContextTokens',
      outputTokens: 'GeneratedTokens',
      caveat: 'The trace names no models: price the model "unnamed" in the config.',
    },
  },
  burstgpt: {
    title: 'BurstGPT trace, CSV',
    map: {
      at: { path: 'Timestamp', unit: 's', from: '2024-01-01T00:00:00Z' },
      model: 'Model',
      inputTokens: 'Request tokens',
      outputTokens: 'Response tokens',
      latency: { path: 'Elapsed time', unit: 's' },
      caveat:
        'The trace tells no date, so its beginning is put at 2024-01-01; a request without response tokens has failed.',
    },
  },
  mooncake: {
    title: 'Mooncake traces, JSONL',
    map: {
      at: { path: 'timestamp', unit: 'ms', from: '2024-01-01T00:00:00Z' },
      model: { value: 'unnamed' },
      inputTokens: 'input_length',
      outputTokens: 'output_length',
      caveat:
        'The trace tells neither date nor model: its beginning is put at 2024-01-01; price the model "unnamed" in the config.',
    },
  },
  posthog: {
    title: 'PostHog LLM events ($ai_generation, $ai_embedding), JSONL or CSV',
    map: {
      where: { event: ['$ai_generation', '$ai_embedding'] },
      id: 'uuid',
      at: 'timestamp',
      provider: 'properties.$ai_provider',
      model: 'properties.$ai_model',
      inputTokens: 'properties.$ai_input_tokens',
      cachedInputTokens: 'properties.$ai_cache_read_input_tokens',
      cacheWriteTokens: 'properties.$ai_cache_creation_input_tokens',
      outputTokens: 'properties.$ai_output_tokens',
      reasoningTokens: 'properties.$ai_reasoning_tokens',
      searches: 'properties.$ai_web_search_count',
      // As the providers' own APIs count.
      cachedTokens: { exclusiveWhere: { 'properties.$ai_provider': 'anthropic' } },
      reasoning: { exclusiveWhere: { 'properties.$ai_provider': ['gemini', 'google'] } },
      latency: { path: 'properties.$ai_latency', unit: 's' },
      ttft: { path: 'properties.$ai_time_to_first_token', unit: 's' },
      status: 'properties.$ai_http_status',
      cost: 'properties.$ai_total_cost_usd',
      user: 'distinct_id',
    },
  },
  'claude-code': {
    title: 'sessions of Claude Code (~/.claude/projects), JSONL',
    map: {
      // Messages that it makes up itself name no model of a provider.
      where: {
        type: 'assistant',
        'message.model': { not: '<synthetic>' },
        'message.usage': { exists: true },
      },
      // Each part of an answer is a line with the usage so far.
      id: 'message.id',
      sameId: 'last',
      at: 'timestamp',
      provider: { value: 'anthropic' },
      model: 'message.model',
      inputTokens: 'message.usage.input_tokens',
      cachedInputTokens: 'message.usage.cache_read_input_tokens',
      cacheWriteTokens: 'message.usage.cache_creation_input_tokens',
      cacheWrite1hTokens: 'message.usage.cache_creation.ephemeral_1h_input_tokens',
      outputTokens: 'message.usage.output_tokens',
      searches: 'message.usage.server_tool_use.web_search_requests',
      cachedTokens: 'exclusive',
      serviceTier: 'message.usage.service_tier',
      cost: 'costUSD',
      user: 'sessionId',
      caveat:
        'Sessions tell no latencies; one that was resumed repeats the messages before: use --dedupe over several.',
    },
  },
};

export const SHIPPED_MAPS = Object.entries(SHIPPED).map(([name, { title }]) => ({ name, title }));

/** The map of that name; undefined where none has it. */
export function shippedMap(name: string): { title: string; map: UsageMap } | undefined {
  const shipped = Object.hasOwn(SHIPPED, name) ? SHIPPED[name] : undefined;
  return shipped && { title: shipped.title, map: usageMapSchema.parse(shipped.map) };
}
