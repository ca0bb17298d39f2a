import { deliver } from '../build.ts';
import { type Fields, optionalText, statusOf } from '../fields.ts';
import type { Format, RawObject, RecordSink } from '../format.ts';
import { dig, firstOf, objectOf } from '../nested.ts';

/** Operations that are requests to a model. Agent and tool spans repeat the usage of the requests inside them. */
const REQUESTS = new Set(['chat', 'text_completion', 'generate_content', 'embeddings', 'completion']);

/**
 * OpenTelemetry spans with the GenAI conventions, as the OTLP-JSON file exporter writes them: one object a line
 * that holds many spans. Numbers are text; gen_ai.usage.input_tokens includes the cached ones;
 * gen_ai.response.time_to_first_chunk is seconds.
 */
export const otlp: Format = {
  name: 'otlp',
  title: 'OpenTelemetry GenAI spans (OTLP-JSON file exporter)',
  lacks: 'cost',
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
  const of = attributes(span);
  const operation = of('gen_ai.operation.name');
  const model = firstOf(of('gen_ai.request.model'), of('gen_ai.response.model'));
  if (model === undefined || (operation !== undefined && !REQUESTS.has(String(operation)))) {
    out.skip('a span that is no request to a model');
    return;
  }
  const start = nanoseconds(span.startTimeUnixNano, 'startTimeUnixNano', fields);
  const end = nanoseconds(span.endTimeUnixNano, 'endTimeUnixNano', fields);
  deliver(
    {
      id: optionalText(span.spanId),
      at:
        start === undefined ? undefined : fields.timestamp(Number(start / 1000n) / 1000, 'startTimeUnixNano'),
      provider: optionalText(firstOf(of('gen_ai.provider.name'), of('gen_ai.system'))),
      model: fields.text(model, 'gen_ai.request.model'),
      inputTokens: fields.countOr(of('gen_ai.usage.input_tokens'), 'gen_ai.usage.input_tokens', 0),
      cachedInputTokens: fields.countOr(
        of('gen_ai.usage.cache_read.input_tokens'),
        'gen_ai.usage.cache_read.input_tokens',
        0,
      ),
      cacheWriteTokens: fields.countOr(
        of('gen_ai.usage.cache_creation.input_tokens'),
        'gen_ai.usage.cache_creation.input_tokens',
        0,
      ),
      outputTokens: fields.countOr(of('gen_ai.usage.output_tokens'), 'gen_ai.usage.output_tokens', 0),
      // Nanoseconds since 1970 do not fit into a double: the difference is taken before.
      latencyMs: start === undefined || end === undefined ? undefined : Number(end - start) / 1e6,
      ttftMs: fields.duration(of('gen_ai.response.time_to_first_chunk'), 'time_to_first_chunk', 1000),
      status: statusOfSpan(span, of('error.type')),
      user: optionalText(firstOf(of('enduser.id'), of('user.id'))),
    },
    fields,
    out,
  );
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

/** The attributes of a span by name; `{intValue: "3"}` → `"3"`. */
function attributes(span: RawObject): (name: string) => unknown {
  const found = new Map<unknown, unknown>();
  for (const { key, value } of list(span.attributes)) {
    const holder = objectOf(value);
    found.set(
      key,
      holder && firstOf(holder.stringValue, holder.intValue, holder.doubleValue, holder.boolValue),
    );
  }
  return (name) => found.get(name);
}

function list(value: unknown): RawObject[] {
  return Array.isArray(value) ? value.filter((item) => objectOf(item) !== undefined) : [];
}
