import type { Draft } from '../build.ts';
import { serviceTierOf } from '../dimensions.ts';
import type { Fields } from '../fields.ts';
import { dig, firstOf } from '../nested.ts';

type Usage = Pick<Draft, 'inputTokens' | 'cachedInputTokens' | 'outputTokens' | 'dimensions' | 'serviceTier'>;

/**
 * The `usage` of an answer as OpenAI's APIs give it (chat: `prompt_tokens`, responses: `input_tokens`), and as LiteLLM
 * makes every provider's look. The input tokens hold all others that go in.
 */
export function readUsageObject(usage: unknown, fields: Fields): Usage {
  const count = (name: string, ...paths: (readonly string[])[]) =>
    fields.optionalCount(firstOf(...paths.map((path) => dig(usage, ...path))), name);
  const input = (key: string) => [
    ['prompt_tokens_details', key],
    ['input_tokens_details', key],
  ];
  const output = (key: string) => [
    ['completion_tokens_details', key],
    ['output_tokens_details', key],
  ];
  return {
    inputTokens: count('prompt_tokens', ['prompt_tokens'], ['input_tokens']),
    cachedInputTokens: count('cached_tokens', ...input('cached_tokens'), ['cache_read_input_tokens']),
    outputTokens: count('completion_tokens', ['completion_tokens'], ['output_tokens']),
    dimensions: {
      cacheWrite: count(
        'cache_creation_tokens',
        ...input('cache_creation_tokens'),
        ...input('cache_write_tokens'),
        ['cache_creation_input_tokens'],
      ),
      cacheWrite1h: count(
        'ephemeral_1h_input_tokens',
        ['prompt_tokens_details', 'cache_creation_token_details', 'ephemeral_1h_input_tokens'],
        ['cache_creation', 'ephemeral_1h_input_tokens'],
      ),
      audioInput: count('audio_tokens', ...input('audio_tokens')),
      cachedAudio: count('cached_audio_tokens', ...input('cached_audio_tokens'), [
        'prompt_tokens_details',
        'cached_tokens_details',
        'audio_tokens',
      ]),
      imageInput: count('image_tokens', ...input('image_tokens')),
      audioOutput: count('audio_tokens', ...output('audio_tokens')),
      imageOutput: count('image_tokens', ...output('image_tokens')),
      reasoning: count('reasoning_tokens', ...output('reasoning_tokens')),
      searches: count(
        'web_search_requests',
        ['server_tool_use', 'web_search_requests'],
        ['prompt_tokens_details', 'web_search_requests'],
      ),
    },
    serviceTier: serviceTierOf(dig(usage, 'service_tier')),
  };
}
