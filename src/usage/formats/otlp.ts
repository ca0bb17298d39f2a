import { deliver } from '../build.ts';
import { type Fields, optionalText, statusOf } from '../fields.ts';
import type { Format, RawObject, RecordSink } from '../format.ts';
import { dig, firstOf, objectOf } from '../nested.ts';
import { type Attribute, type Attributes, attributeOf, isRequest } from './otlp-attributes.ts';

/**
 * OpenTelemetry spans of requests to a model, in any of the dialects of otlp-attributes.ts, as the OTLP-JSON file
 * exporter writes them: one object a line that holds many spans. Numbers are text; the input tokens hold the cached ones.
 */
export const otlp: Format = {
  name: 'otlp',
  title: 'OpenTelemetry GenAI spans, OpenInference, OpenLLMetry, Vercel AI SDK (OTLP-JSON file exporter)',
  lacks: 'cost, unless whoever traces writes one',
  matches: (raw) => Array.isArray(raw.resourceSpans),
  read(raw, out, fields) {
    for (const resource of list(raw.resourceSpans)) {
      for (const scope of list(resource.scopeSpans)) {
        for (const span of list(scope.spans)) {
          fields.reset();
          readSpan(span, out, fields);
        }
      }
    }
  },
};

function readSpan(span: RawObject, out: RecordSink, fields: Fields): void {
  const found = attributesOf(span);
  const { model } = found;
  if (model === undefined || !isRequest(found)) {
    out.skip('a span that is no request to a model');
    return;
  }
  const start = nanoseconds(span.startTimeUnixNano, 'startTimeUnixNano', fields);
  const end = nanoseconds(span.endTimeUnixNano, 'endTimeUnixNano', fields);
  const count = (attribute: Attribute, name: string) => fields.optionalCount(found[attribute], name);
  deliver(
    {
      id: optionalText(span.spanId),
      at:
        start === undefined ? undefined : fields.timestamp(Number(start / 1000n) / 1000, 'startTimeUnixNano'),
      provider: optionalText(found.provider),
      model: fields.text(model, 'gen_ai.request.model'),
      inputTokens: count('input', 'input_tokens'),
      cachedInputTokens: count('cached', 'cache_read.input_tokens'),
      outputTokens: count('output', 'output_tokens'),
      dimensions: {
        cacheWrite: count('written', 'cache_write.input_tokens'),
        audioInput: count('audioInput', 'audio input tokens'),
        audioOutput: count('audioOutput', 'audio output tokens'),
        reasoning: count('reasoning', 'reasoning tokens'),
      },
      // Nanoseconds since 1970 do not fit into a double: the difference is taken before.
      latencyMs: start === undefined || end === undefined ? undefined : Number(end - start) / 1e6,
      ttftMs:
        fields.duration(found.firstChunkS, 'time_to_first_chunk', 1000) ??
        fields.duration(found.firstChunkMs, 'msToFirstChunk', 1),
      status: statusOfSpan(span, found.error),
      costUsd: fields.money(found.cost, 'cost', 1) ?? sumOf(found.inputCost, found.outputCost, fields),
      user: optionalText(found.user),
    },
    fields,
    out,
  );
}

/** The cost in its two parts; a part alone is no cost of the request. */
function sumOf(input: unknown, output: unknown, fields: Fields): number | undefined {
  const [first, second] = [fields.money(input, 'cost', 1), fields.money(output, 'cost', 1)];
  return first === undefined || second === undefined ? undefined : first + second;
}

function statusOfSpan(span: RawObject, errorType: unknown): string {
  if (errorType !== undefined) {
    const status = statusOf(errorType);
    if (/timeout/i.test(status)) return 'timeout';
    return status === 'ok' ? 'other' : status;
  }
  const code = dig(span.status, 'code');
  return code === 2 || code === 'STATUS_CODE_ERROR' ? 'other' : 'ok';
}

function nanoseconds(value: unknown, name: string, fields: Fields): bigint | undefined {
  const text = String(value ?? '');
  if (/^\d{1,20}$/.test(text)) return BigInt(text);
  fields.fail(text === '' ? `${name} is missing` : `${name} is not a time`);
  return undefined;
}

/** `{key, value: {intValue: "3"}}` → `"3"` under what the key stands for; of several names for one thing the first counts. */
function attributesOf(span: RawObject): Attributes {
  const found: Attributes = {};
  let ranks: { [A in Attribute]?: number } | undefined;
  for (const { key, value } of list(span.attributes)) {
    const known = attributeOf(key);
    if (!known) continue;
    const { attribute, rank } = known;
    if (found[attribute] !== undefined && (ranks?.[attribute] ?? 0) < rank) continue;
    const holder = objectOf(value);
    const content =
      holder && firstOf(holder.stringValue, holder.intValue, holder.doubleValue, holder.boolValue);
    if (content === undefined) continue;
    found[attribute] = content;
    if (rank > 0) ranks ??= {};
    if (ranks) ranks[attribute] = rank;
  }
  return found;
}

function list(value: unknown): RawObject[] {
  return Array.isArray(value) ? value.filter((item) => objectOf(item) !== undefined) : [];
}
