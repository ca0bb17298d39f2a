import { deliver } from '../build.ts';
import { type Fields, optionalText } from '../fields.ts';
import type { Format, RawObject } from '../format.ts';
import { elapsed, firstOf, objectOf } from '../nested.ts';

/** Kinds of observation that are requests to a model; the others wrap or follow them. */
const REQUESTS = new Set(['GENERATION', 'EMBEDDING']);

/**
 * Langfuse observations, from the API (camelCase) or a blob export (snake_case). latency and timeToFirstToken
 * are seconds; where both ends of the request are given, they go before latency. In usageDetails every key that
 * starts with `input` or `output` is a part of that total: `input` alone leaves the cached tokens out.
 */
export const langfuse: Format = {
  name: 'langfuse',
  title: 'Langfuse observations, API or blob export',
  matches: (raw) =>
    ('usageDetails' in raw || 'usage_details' in raw) && ('startTime' in raw || 'start_time' in raw),
  read(raw, out, fields) {
    const get = (camel: string) => firstOf(raw[camel], raw[snake(camel)]);
    const type = get('type');
    if (typeof type === 'string' && !REQUESTS.has(type.toUpperCase())) {
      out.skip('an observation that is no request to a model');
      return;
    }
    const at = fields.timestamp(get('startTime'), 'startTime');
    const end = fields.timestamp(get('endTime'), 'endTime');
    const first = fields.timestamp(get('completionStartTime'), 'completionStartTime');
    const usage = objectOf(get('usageDetails')) ?? {};
    const costs = objectOf(get('costDetails')) ?? {};
    deliver(
      {
        id: optionalText(raw.id),
        at,
        model: fields.text(firstOf(raw.model, get('providedModelName'), get('modelId')), 'model'),
        inputTokens: sum(usage, fields, (key) => isInput(key)),
        cachedInputTokens: sum(usage, fields, (key) => isInput(key) && isCacheRead(key)),
        cacheWriteTokens: sum(usage, fields, (key) => isInput(key) && isCacheWrite(key)),
        outputTokens: sum(usage, fields, (key) => key.startsWith('output')),
        latencyMs: elapsed(at, end) ?? fields.duration(get('latency'), 'latency', 1000),
        ttftMs: fields.duration(get('timeToFirstToken'), 'timeToFirstToken', 1000) ?? elapsed(at, first),
        status: String(raw.level ?? '').toUpperCase() === 'ERROR' ? 'other' : 'ok',
        costUsd: fields.money(
          firstOf(get('totalCost'), costs.total, get('calculatedTotalCost')),
          'totalCost',
          1,
        ),
        user: optionalText(get('userId')),
      },
      fields,
      out,
    );
  },
};

/** Anthropic's own names stand beside Langfuse's. */
function isInput(key: string): boolean {
  return (
    key.startsWith('input') || key === 'cache_read_input_tokens' || key === 'cache_creation_input_tokens'
  );
}

function isCacheRead(key: string): boolean {
  return /cache/.test(key) && !isCacheWrite(key);
}

function isCacheWrite(key: string): boolean {
  return /cache_(creation|write)/.test(key);
}

function sum(usage: RawObject, fields: Fields, counts: (key: string) => boolean): number {
  let total = 0;
  for (const [key, value] of Object.entries(usage)) {
    if (counts(key)) total += fields.countOr(value, `usageDetails.${plain(key)}`, 0);
  }
  return total;
}

/** Keys are the user's own; a reason must not carry them along in any number. */
function plain(key: string): string {
  return key.startsWith('output') ? 'output*' : 'input*';
}

function snake(camel: string): string {
  return camel.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
