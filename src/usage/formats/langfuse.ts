import { deliver } from '../build.ts';
import { type Fields, optionalText } from '../fields.ts';
import type { Format, RawObject } from '../format.ts';
import { elapsed, firstOf, objectOf } from '../nested.ts';

/** Kinds of observation that are requests to a model; the others wrap or follow them. */
const REQUESTS = new Set(['GENERATION', 'EMBEDDING']);

/**
 * Langfuse observations, from the API (camelCase), a trace's download or a blob export (snake_case). latency and
 * timeToFirstToken are seconds; where both ends of the request are given, they go before latency. In usageDetails every
 * key that starts with `input` or `output` is a part of that total: `input` alone leaves the cached tokens out. What
 * OpenInference names `prompt_details.*` and `completion_details.*` is within them. Where usageDetails are empty,
 * inputUsage and outputUsage beside it are the totals; where they are 0 too, that is their default and no count.
 */
export const langfuse: Format = {
  name: 'langfuse',
  title: 'Langfuse observations: API, trace download or blob export',
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
    const older = objectOf(raw.usage) ?? {};
    const costs = objectOf(get('costDetails')) ?? {};
    const sum = (counts: (key: string) => boolean) => sumOf(usage, fields, counts);
    const total = (name: string, ...values: unknown[]) => fields.optionalCount(firstOf(...values), name);
    const inputTokens = total(
      'inputUsage',
      usage.prompt_tokens,
      get('inputUsage'),
      get('promptTokens'),
      older.input,
    );
    const outputTokens = total(
      'outputUsage',
      usage.completion_tokens,
      get('outputUsage'),
      get('completionTokens'),
      older.output,
    );
    const totals = inputTokens || outputTokens ? { inputTokens, outputTokens } : {};
    deliver(
      {
        id: optionalText(raw.id),
        at,
        model: fields.text(firstOf(raw.model, get('providedModelName'), get('modelId')), 'model'),
        inputTokens: sum(isInput) ?? totals.inputTokens,
        cachedInputTokens: sum((key) => goesIn(key) && isCacheRead(key)),
        outputTokens: sum((key) => key.startsWith('output')) ?? totals.outputTokens,
        dimensions: {
          cacheWrite: sum((key) => goesIn(key) && isCacheWrite(key)),
          cacheWrite1h: sum((key) => goesIn(key) && isCacheWrite(key) && /1h/.test(key)),
          audioInput: sum((key) => goesIn(key) && key.includes('audio')),
          cachedAudio: sum((key) => goesIn(key) && isCacheRead(key) && key.includes('audio')),
          imageInput: sum((key) => goesIn(key) && key.includes('image')),
          cachedImage: sum((key) => goesIn(key) && isCacheRead(key) && key.includes('image')),
          audioOutput: sum((key) => comesOut(key) && key.includes('audio')),
          imageOutput: sum((key) => comesOut(key) && key.includes('image')),
          reasoning: sum((key) => comesOut(key) && key.includes('reasoning')),
        },
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

/** A part of the total that goes in. Anthropic's own names stand beside Langfuse's. */
function isInput(key: string): boolean {
  return (
    key.startsWith('input') || key === 'cache_read_input_tokens' || key === 'cache_creation_input_tokens'
  );
}

function goesIn(key: string): boolean {
  return isInput(key) || key.startsWith('prompt_details.');
}

function comesOut(key: string): boolean {
  return key.startsWith('output') || key.startsWith('completion_details.');
}

function isCacheRead(key: string): boolean {
  return /cache/.test(key) && !isCacheWrite(key);
}

function isCacheWrite(key: string): boolean {
  return /cache_(creation|write)/.test(key);
}

/** The sum over some keys; undefined where there are none. */
function sumOf(usage: RawObject, fields: Fields, counts: (key: string) => boolean): number | undefined {
  let total: number | undefined;
  for (const [key, value] of Object.entries(usage)) {
    if (!counts(key)) continue;
    const count = fields.optionalCount(value, `usageDetails.${plain(key)}`);
    if (count !== undefined) total = (total ?? 0) + count;
  }
  return total;
}

/** Keys are the user's own; a reason must not carry them along in any number. */
function plain(key: string): string {
  return comesOut(key) ? 'output*' : 'input*';
}

function snake(camel: string): string {
  return camel.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
