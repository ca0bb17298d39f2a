import type { Fields } from './fields.ts';
import type { RecordSink } from './format.ts';
import type { UsageRecord } from './record.ts';

/** What a format knows of one record; undefined stands for what the source does not say. */
export type Draft = { [K in keyof UsageRecord]?: UsageRecord[K] | undefined } & {
  model: string;
  inputTokens: number;
  outputTokens: number;
  status: string;
};

/** Delivers a draft: rejects it when a field was at fault or the fields contradict each other. */
export function deliver(draft: Draft, fields: Fields, out: RecordSink): void {
  const cached = draft.cachedInputTokens ?? 0;
  const written = draft.cacheWriteTokens ?? 0;
  if (cached + written > draft.inputTokens) fields.fail('more cached input tokens than input tokens');
  if (draft.latencyMs !== undefined && draft.latencyMs < 0) fields.fail('the request ends before it starts');
  if (fields.reason !== undefined) {
    out.reject(fields.reason);
    return;
  }
  const record: UsageRecord = {
    model: draft.model,
    inputTokens: draft.inputTokens,
    cachedInputTokens: cached,
    outputTokens: draft.outputTokens,
    status: draft.status,
  };
  if (draft.id !== undefined) record.id = draft.id;
  if (draft.at !== undefined) record.at = draft.at;
  if (draft.provider !== undefined) record.provider = draft.provider;
  if (written > 0) record.cacheWriteTokens = written;
  if (draft.latencyMs !== undefined) record.latencyMs = draft.latencyMs;
  if (draft.ttftMs !== undefined && draft.ttftMs >= 0) record.ttftMs = draft.ttftMs;
  if (draft.costUsd !== undefined) record.costUsd = draft.costUsd;
  if (draft.user !== undefined) record.user = draft.user;
  if (draft.batch) record.batch = true;
  if (draft.aggregate !== undefined) record.aggregate = draft.aggregate;
  out.record(record);
}
