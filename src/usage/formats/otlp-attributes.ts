/**
 * The names that dialects of OpenTelemetry have for the same thing; the first of those present counts. Conventions of
 * OpenTelemetry itself (`gen_ai.*`, whose names have changed), OpenInference (`llm.*`), OpenLLMetry (older `gen_ai.*`,
 * `llm.usage.*`), OpenLIT, OpenRouter Broadcast and the Vercel AI SDK (`ai.*`).
 */
const NAMES = {
  model: [
    'gen_ai.request.model',
    'gen_ai.response.model',
    'llm.model_name',
    'llm.request.model',
    'llm.response.model',
    'embedding.model_name',
    'ai.model.id',
  ],
  provider: ['gen_ai.provider.name', 'gen_ai.system', 'llm.provider', 'llm.system', 'ai.model.provider'],
  input: [
    'gen_ai.usage.input_tokens',
    'gen_ai.usage.prompt_tokens',
    'llm.token_count.prompt',
    'llm.usage.prompt_tokens',
    'ai.usage.inputTokens',
    'ai.usage.promptTokens',
    // Embeddings have these alone.
    'ai.usage.tokens',
  ],
  output: [
    'gen_ai.usage.output_tokens',
    'gen_ai.usage.completion_tokens',
    'llm.token_count.completion',
    'llm.usage.completion_tokens',
    'ai.usage.outputTokens',
    'ai.usage.completionTokens',
  ],
  cached: [
    'gen_ai.usage.cache_read.input_tokens',
    'gen_ai.usage.cache_read_input_tokens',
    'gen_ai.usage.input_tokens.cached',
    'llm.token_count.prompt_details.cache_read',
    'llm.usage.cache_read_input_tokens',
    'ai.usage.cachedInputTokens',
  ],
  written: [
    'gen_ai.usage.cache_write.input_tokens',
    'gen_ai.usage.cache_creation.input_tokens',
    'gen_ai.usage.cache_write_input_tokens',
    'gen_ai.usage.cache_creation_input_tokens',
    'llm.token_count.prompt_details.cache_write',
    'llm.usage.cache_creation_input_tokens',
  ],
  audioInput: ['gen_ai.usage.input_tokens.audio', 'llm.token_count.prompt_details.audio'],
  audioOutput: ['gen_ai.usage.output_tokens.audio', 'llm.token_count.completion_details.audio'],
  reasoning: [
    'gen_ai.usage.reasoning.output_tokens',
    'gen_ai.usage.output_tokens.reasoning',
    'gen_ai.usage.reasoning_tokens',
    'gen_ai.usage.reasoning_output_tokens',
    'llm.token_count.completion_details.reasoning',
    'llm.usage.reasoning_tokens',
    'ai.usage.reasoningTokens',
  ],
  cost: [
    'gen_ai.cost.total',
    'gen_ai.cost.total_cost',
    'gen_ai.cost.amount',
    'gen_ai.usage.total_cost',
    'gen_ai.usage.cost',
    'gen_ai.usage.cost_usd',
    'llm.cost.total',
  ],
  inputCost: ['gen_ai.cost.input', 'gen_ai.cost.input_cost', 'gen_ai.usage.input_cost', 'llm.cost.prompt'],
  outputCost: [
    'gen_ai.cost.output',
    'gen_ai.cost.output_cost',
    'gen_ai.usage.output_cost',
    'llm.cost.completion',
  ],
  firstChunkS: [
    'gen_ai.response.time_to_first_chunk',
    'gen_ai.server.time_to_first_token',
    'gen_ai.server.ttft',
  ],
  firstChunkMs: ['ai.response.msToFirstChunk'],
  error: ['error.type'],
  user: ['enduser.id', 'user.id', 'ai.telemetry.metadata.userId'],
  // What kind of span it is, one name a dialect.
  operation: ['gen_ai.operation.name'],
  openInferenceKind: ['openinference.span.kind'],
  requestType: ['llm.request.type'],
  traceloopKind: ['traceloop.span.kind'],
  vercelOperation: ['ai.operationId'],
} as const;

export type Attribute = keyof typeof NAMES;

interface Known {
  attribute: Attribute;
  /** How many names go before it. */
  rank: number;
}

const BY_NAME = new Map<unknown, Known>(
  Object.entries(NAMES).flatMap(([attribute, names]) =>
    names.map((name, rank) => [name, { attribute: attribute as Attribute, rank }] as const),
  ),
);

/** What a name stands for; undefined for names that nobody asks for. */
export function attributeOf(name: unknown): Known | undefined {
  return BY_NAME.get(name);
}

/**
 * What each dialect calls a request to a model. Spans of agents, tools and chains, and the Vercel AI SDK's outer spans,
 * repeat the usage of the requests inside them.
 */
const REQUESTS: readonly [Attribute, RegExp][] = [
  ['operation', /^(chat|text_completion|completion|generate_content|embeddings?|messages|responses)$/],
  ['openInferenceKind', /^(LLM|EMBEDDING)$/i],
  ['requestType', /^(chat|completion|embeddings?)$/],
  ['traceloopKind', /^$/],
  ['vercelOperation', /\.do(Generate|Stream|Embed)$/],
];

/** What the attributes of a span say, by what they stand for. */
export type Attributes = { [A in Attribute]?: unknown };

/** Whether none of the dialects that a span speaks calls it something else than a request. */
export function isRequest(attributes: Attributes): boolean {
  return REQUESTS.every(([attribute, pattern]) => {
    const kind = attributes[attribute];
    return kind === undefined || pattern.test(String(kind));
  });
}
