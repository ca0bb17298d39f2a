import { deliver } from '../build.ts';
import { optionalText, statusOf } from '../fields.ts';
import type { Format } from '../format.ts';
import { dig, firstOf } from '../nested.ts';

/**
 * Azure OpenAI's diagnostic log, category RequestResponse. `properties` is an object or JSON in text.
 * It holds no tokens; a durationMs can be negative, and such a record is unusable.
 */
export const azure: Format = {
  name: 'azure',
  title: 'Azure OpenAI RequestResponse diagnostic log',
  lacks: 'tokens, cost and times to the first token',
  matches: (raw) => 'durationMs' in raw && 'operationName' in raw && 'properties' in raw,
  read(raw, out, fields) {
    const model = firstOf(dig(raw.properties, 'modelName'), dig(raw.properties, 'modelDeploymentName'));
    if (raw.category !== undefined && raw.category !== 'RequestResponse') {
      out.skip('not of the category RequestResponse');
      return;
    }
    if (model === undefined) {
      out.skip('an operation without a model');
      return;
    }
    deliver(
      {
        id: optionalText(raw.correlationId),
        at: fields.timestamp(raw.time, 'time'),
        provider: 'azure',
        model: fields.text(model, 'modelName'),
        inputTokens: 0,
        outputTokens: 0,
        latencyMs: fields.duration(raw.durationMs, 'durationMs', 1),
        status: statusOf(raw.resultSignature),
      },
      fields,
      out,
    );
  },
};
