import { deliver } from '../build.ts';
import { optionalText } from '../fields.ts';
import type { Format, RawObject } from '../format.ts';
import { dig, firstOf, objectOf } from '../nested.ts';

const ERRORS: [RegExp, string][] = [
  [/Throttling|TooManyRequests|Quota/i, 'rate_limit'],
  [/Timeout/i, 'timeout'],
  [/AccessDenied|Unauthorized/i, 'auth'],
  [/NotFound/i, 'not_found'],
  [/Validation/i, 'invalid_request'],
  [/InternalServer|ServiceUnavailable|NotReady|ModelError/i, 'server_error'],
];

/**
 * AWS Bedrock's ModelInvocationLog. inputTokenCount leaves the cached tokens out. modelId is an id or an ARN that
 * ends in one. Latencies are only in the bodies: invocationMetrics of a stream, metrics of Converse.
 */
export const bedrock: Format = {
  name: 'bedrock',
  title: 'AWS Bedrock model invocation log',
  lacks: 'cost, and latencies unless bodies are logged',
  matches: (raw) => raw.schemaType === 'ModelInvocationLog' || ('modelId' in raw && 'requestId' in raw),
  read(raw, out, fields) {
    const count = (part: 'input' | 'output', key: string) =>
      fields.optionalCount(dig(raw[part], key), `${part}.${key}`);
    const uncached = count('input', 'inputTokenCount');
    const cached = count('input', 'cacheReadInputTokenCount');
    const written = count('input', 'cacheWriteInputTokenCount');
    const output = count('output', 'outputTokenCount');
    if (output === undefined && dig(raw.output, 'outputImageCount') !== undefined) {
      out.skip('another kind of usage: images');
      return;
    }
    const { latency, firstByte } = timesOf(raw);
    deliver(
      {
        id: optionalText(raw.requestId),
        at: fields.timestamp(raw.timestamp, 'timestamp'),
        provider: 'aws',
        model: fields.text(raw.modelId, 'modelId').replace(/^.*\//, ''),
        inputTokens: uncached === undefined ? undefined : uncached + (cached ?? 0) + (written ?? 0),
        cachedInputTokens: cached,
        outputTokens: output,
        dimensions: { cacheWrite: written },
        latencyMs: fields.duration(latency, 'invocationLatency', 1),
        ttftMs: fields.duration(firstByte, 'firstByteLatency', 1),
        status: statusOfError(raw.errorCode),
        user: optionalText(dig(raw.identity, 'arn')),
      },
      fields,
      out,
    );
  },
};

/** A stream's metrics stand in its last event. */
function timesOf(raw: RawObject): { latency: unknown; firstByte: unknown } {
  const body = dig(raw.output, 'outputBodyJson');
  const parts = Array.isArray(body) ? [...body].reverse() : [body];
  for (const part of parts) {
    const metrics = objectOf(dig(part, 'amazon-bedrock-invocationMetrics'));
    if (metrics) return { latency: metrics.invocationLatency, firstByte: metrics.firstByteLatency };
    const latency = firstOf(dig(part, 'metrics', 'latencyMs'), dig(part, 'metadata', 'metrics', 'latencyMs'));
    if (latency !== undefined) return { latency, firstByte: undefined };
  }
  return { latency: undefined, firstByte: undefined };
}

function statusOfError(code: unknown): string {
  const text = optionalText(code);
  if (text === undefined) return 'ok';
  return ERRORS.find(([pattern]) => pattern.test(text))?.[1] ?? 'other';
}
