import type { Counts, Dimension } from './dimensions.ts';
import type { Fields } from './fields.ts';
import type { RecordSink } from './format.ts';
import type { UsageRecord } from './record.ts';

/** What a format knows of one record; undefined stands for what the source does not say. */
export type Draft = { [K in Exclude<keyof UsageRecord, 'dimensions'>]?: UsageRecord[K] | undefined } & {
  model: string;
  status: string;
  inputTokens: number | undefined;
  outputTokens: number | undefined;
  dimensions?: { [K in Dimension]?: number | undefined } | undefined;
};

/**
 * Delivers a draft: rejects it when a field was at fault or the fields contradict each other, or when it tells no
 * token counts although it succeeded. A failure needs none; a source that never has any says so (`untold`).
 */
export function deliver(draft: Draft, fields: Fields, out: RecordSink): void {
  const { inputTokens: input = 0, outputTokens: output = 0, cachedInputTokens: cached = 0 } = draft;
  const nothing = draft.inputTokens === undefined && draft.outputTokens === undefined;
  if (nothing && draft.untold === undefined && draft.status === 'ok') fields.fail('no token counts');
  const dimensions = draft.dimensions && told(draft.dimensions);
  if (dimensions) judge(input, cached, output, dimensions, fields);
  else if (cached > input) fields.fail(MORE_CACHED);
  if (draft.latencyMs !== undefined && draft.latencyMs < 0) fields.fail('the request ends before it starts');
  if (fields.reason !== undefined) {
    out.reject(fields.reason);
    return;
  }
  const record: UsageRecord = {
    model: draft.model,
    inputTokens: input,
    cachedInputTokens: cached,
    outputTokens: output,
    status: draft.status,
  };
  if (draft.id !== undefined) record.id = draft.id;
  if (draft.at !== undefined) record.at = draft.at;
  if (draft.provider !== undefined) record.provider = draft.provider;
  if (dimensions) record.dimensions = dimensions;
  if (nothing && isBilled(draft)) record.untold = true;
  if (draft.latencyMs !== undefined) record.latencyMs = draft.latencyMs;
  if (draft.ttftMs !== undefined && draft.ttftMs >= 0) record.ttftMs = draft.ttftMs;
  if (draft.costUsd !== undefined) record.costUsd = draft.costUsd;
  if (draft.user !== undefined) record.user = draft.user;
  if (draft.serviceTier !== undefined) record.serviceTier = draft.serviceTier;
  if (draft.aggregate !== undefined) record.aggregate = draft.aggregate;
  out.record(record);
}

/** A failure is not billed, unless it cost something: else it is no matter what its tokens were. */
function isBilled({ status, costUsd = 0 }: Draft): boolean {
  return status === 'ok' || status === 'cancelled' || costUsd > 0;
}

const MORE_CACHED = 'more cached input tokens than input tokens';

/** A count that a request must have when it succeeded. */
export function countOfRequest(
  status: string,
  value: unknown,
  name: string,
  fields: Fields,
): number | undefined {
  return status === 'ok' ? fields.count(value, name) : fields.optionalCount(value, name);
}

/** The dimensions that are told; undefined where none is. */
function told(dimensions: NonNullable<Draft['dimensions']>): Counts | undefined {
  let counts: Counts | undefined;
  for (const key in dimensions) {
    const count = dimensions[key as Dimension];
    if (count === undefined) continue;
    counts ??= {};
    counts[key as Dimension] = count;
  }
  return counts;
}

/** Finds contradictions, and completes the overlap of audio and image tokens with the cached ones. */
function judge(input: number, cached: number, output: number, counts: Counts, fields: Fields): void {
  const { cacheWrite1h = 0, cacheWrite = cacheWrite1h, audioInput = 0, imageInput = 0 } = counts;
  const { cachedAudio = 0, cachedImage = 0, audioOutput = 0, imageOutput = 0, reasoning = 0 } = counts;
  if (cacheWrite1h > 0) counts.cacheWrite = cacheWrite;
  if (cacheWrite1h > cacheWrite) fields.fail('more cache writes for an hour than cache writes');
  if (cached + cacheWrite > input) fields.fail(MORE_CACHED);
  if (audioInput + imageInput > input) fields.fail('more audio and image tokens than input tokens');
  if (cachedAudio > audioInput || cachedImage > imageInput || cachedAudio + cachedImage > cached) {
    fields.fail('more cached audio and image tokens than there are');
  }
  if (reasoning > output) fields.fail('more reasoning tokens than output tokens');
  if (audioOutput + imageOutput + reasoning > output) {
    fields.fail('more audio, image and reasoning tokens than output tokens');
  }
  if (audioInput + imageInput > 0) overlap(input, cached, cacheWrite, counts);
}

/**
 * Where a source does not say which cached tokens are audio or images, as few are as can be: what the cache did not
 * cover takes the price of its kind. What was written to the cache counts as that alone.
 */
function overlap(input: number, cached: number, written: number, counts: Counts): void {
  let excess = cached + written - input;
  for (const [kind, ofCache] of KINDS) excess += (counts[kind] ?? 0) - (counts[ofCache] ?? 0);
  let covered = cached - (counts.cachedAudio ?? 0) - (counts.cachedImage ?? 0);
  for (const [kind, ofCache] of KINDS) {
    if (excess <= 0) return;
    const fresh = (counts[kind] ?? 0) - (counts[ofCache] ?? 0);
    const read = Math.min(excess, covered, fresh);
    const rest = Math.min(excess - read, fresh - read);
    if (read > 0) counts[ofCache] = (counts[ofCache] ?? 0) + read;
    if (rest > 0) counts[kind] = (counts[kind] ?? 0) - rest;
    covered -= read;
    excess -= read + rest;
  }
}

const KINDS = [
  ['imageInput', 'cachedImage'],
  ['audioInput', 'cachedAudio'],
] as const;
