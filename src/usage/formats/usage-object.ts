import type { Draft } from '../build.ts';
import { serviceTierOf } from '../dimensions.ts';
import type { Fields } from '../fields.ts';
import type { RawObject } from '../format.ts';
import { objectOf } from '../nested.ts';

type Usage = Pick<Draft, 'inputTokens' | 'cachedInputTokens' | 'outputTokens' | 'dimensions' | 'serviceTier'>;

/**
 * The `usage` of an answer as OpenAI's APIs give it (chat: `prompt_tokens`, responses: `input_tokens`), and as LiteLLM
 * makes every provider's look. The input tokens hold all others that go in.
 */
export function readUsageObject(object: unknown, fields: Fields): Usage {
  const usage = objectOf(object);
  if (!usage) return { inputTokens: undefined, outputTokens: undefined };
  const input = objectOf(usage.prompt_tokens_details) ?? objectOf(usage.input_tokens_details) ?? NOTHING;
  const output =
    objectOf(usage.completion_tokens_details) ?? objectOf(usage.output_tokens_details) ?? NOTHING;
  // Both of a cache's kinds of writes, as LiteLLM and as Anthropic put it.
  const creation = objectOf(input.cache_creation_token_details) ?? objectOf(usage.cache_creation) ?? NOTHING;
  const cachedKinds = objectOf(input.cached_tokens_details) ?? NOTHING;
  const tools = objectOf(usage.server_tool_use) ?? NOTHING;
  const count = fields.optionalCount;
  return {
    inputTokens: count(usage.prompt_tokens ?? usage.input_tokens, 'prompt_tokens'),
    cachedInputTokens: count(input.cached_tokens ?? usage.cache_read_input_tokens, 'cached_tokens'),
    outputTokens: count(usage.completion_tokens ?? usage.output_tokens, 'completion_tokens'),
    dimensions: {
      cacheWrite: count(
        input.cache_creation_tokens ?? input.cache_write_tokens ?? usage.cache_creation_input_tokens,
        'cache_creation_tokens',
      ),
      cacheWrite1h: count(creation.ephemeral_1h_input_tokens, 'ephemeral_1h_input_tokens'),
      audioInput: count(input.audio_tokens, 'audio_tokens'),
      cachedAudio: count(input.cached_audio_tokens ?? cachedKinds.audio_tokens, 'cached_audio_tokens'),
      imageInput: count(input.image_tokens, 'image_tokens'),
      cachedImage: count(cachedKinds.image_tokens, 'cached_image_tokens'),
      audioOutput: count(output.audio_tokens, 'audio_tokens'),
      imageOutput: count(output.image_tokens, 'image_tokens'),
      reasoning: count(output.reasoning_tokens, 'reasoning_tokens'),
      searches: count(tools.web_search_requests ?? input.web_search_requests, 'web_search_requests'),
    },
    serviceTier: serviceTierOf(usage.service_tier),
  };
}

const NOTHING: RawObject = {};
