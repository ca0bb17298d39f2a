import { deliver } from '../build.ts';
import { type Fields, optionalText, statusOf } from '../fields.ts';
import type { Format, RawObject, RecordSink } from '../format.ts';
import { dig, firstOf, objectOf } from '../nested.ts';
import { readUsageObject } from './usage-object.ts';

/**
 * Azure's diagnostic logs. `properties` is an object or JSON in text. RequestResponse of Azure OpenAI holds no tokens;
 * a durationMs can be negative, and such a record is unusable. GatewayLogs of API Management in front of it hold them
 * where the answers are logged.
 */
export const azure: Format = {
  name: 'azure',
  title: 'Azure OpenAI RequestResponse diagnostic log, API Management GatewayLogs',
  lacks: 'cost and times to the first token, nor tokens but in the answers that GatewayLogs may hold',
  matches: (raw) => 'durationMs' in raw && 'operationName' in raw && 'properties' in raw,
  read(raw, out, fields) {
    if (raw.category === 'GatewayLogs') {
      readGateway(raw, out, fields);
      return;
    }
    if (raw.category !== undefined && raw.category !== 'RequestResponse') {
      out.skip('not of the category RequestResponse or GatewayLogs');
      return;
    }
    const model = firstOf(dig(raw.properties, 'modelName'), dig(raw.properties, 'modelDeploymentName'));
    if (model === undefined) {
      out.skip('an operation without a model');
      return;
    }
    deliver(
      {
        ...common(raw, fields),
        model: fields.text(model, 'modelName'),
        inputTokens: undefined,
        outputTokens: undefined,
        untold: true,
        status: statusOf(raw.resultSignature),
      },
      fields,
      out,
    );
  },
};

function readGateway(raw: RawObject, out: RecordSink, fields: Fields): void {
  const answer = answerIn(dig(raw.properties, 'backendResponseBody'));
  const url = String(dig(raw.properties, 'url') ?? '');
  const model = firstOf(answer?.model, /\/deployments\/([^/?]+)/.exec(url)?.[1]);
  if (model === undefined) {
    out.skip('an operation without a model');
    return;
  }
  deliver(
    {
      ...common(raw, fields),
      ...readUsageObject(answer?.usage, fields),
      model: fields.text(model, 'model'),
      // The gateway keeps the first 8 KB of an answer only, or none of it.
      untold: true,
      status: statusOf(
        firstOf(dig(raw.properties, 'backendResponseCode'), dig(raw.properties, 'responseCode')),
      ),
    },
    fields,
    out,
  );
}

function common(raw: RawObject, fields: Fields) {
  return {
    id: optionalText(raw.correlationId),
    at: fields.timestamp(raw.time, 'time'),
    provider: 'azure',
    latencyMs: fields.duration(raw.durationMs, 'durationMs', 1),
  };
}

/** The answer in a body: JSON, or the last event with a usage of a stream. */
function answerIn(body: unknown): RawObject | undefined {
  const whole = objectOf(body);
  if (whole || typeof body !== 'string') return whole;
  const events = body.split('\n').flatMap((line) => {
    const event = line.startsWith('data:') ? objectOf(line.slice(5)) : undefined;
    // The Responses API nests the answer in its last event.
    return event ? [objectOf(event.response) ?? event] : [];
  });
  return events.findLast((event) => objectOf(event.usage)) ?? events[0];
}
