import type { Kind } from '../bundle.ts';
import { createFields, optionalText, statusOf } from '../fields.ts';
import type { UsageRecord } from '../record.ts';
import * as at from './kernel/layout.ts';
import { Field } from './kernel/layout.ts';
import { type KernelMemory, tokenText } from './memory.ts';

/** Makes records of the kernel's rows. */
export interface Records {
  /** What kind the record of the row at a place is of; undefined when a text of it is none for the native format. */
  kind(row: number): Kind | undefined;
  /** The record of a row, counted from 0; undefined as above. */
  record(index: number): UsageRecord | undefined;
  /** Forgets what the tokens mean. */
  clear(): void;
}

export function createRecords(memory: KernelMemory): Records {
  const { doubles } = memory;
  const fields = createFields();
  // What tokens mean as texts, as statuses and as models, by their number; null is no text, and no model.
  let texts: (string | null)[] = [];
  let statuses: string[] = [];
  let models: (string | null)[] = [];

  const meaning = (token: number): unknown => JSON.parse(tokenText(memory, token));
  const textOf = (token: number): string | undefined => {
    // NaN stands for an absent value, here and below.
    if (Number.isNaN(token)) return undefined;
    let text = texts[token];
    if (text === undefined) {
      text = optionalText(meaning(token)) ?? null;
      texts[token] = text;
    }
    return text ?? undefined;
  };
  const statusAt = (token: number): string => {
    if (Number.isNaN(token)) return statusOf(undefined);
    let status = statuses[token];
    if (status === undefined) {
      status = statusOf(meaning(token));
      statuses[token] = status;
    }
    return status;
  };
  const modelOf = (token: number): string | null => {
    let model = models[token];
    if (model === undefined) {
      fields.reset();
      const text = fields.text(meaning(token), 'model');
      model = fields.reason === undefined ? text : null;
      models[token] = model;
    }
    return model;
  };

  const kindOf = (row: number): Kind | undefined => {
    const token = (field: Field) => doubles[row / 8 + field] as number;
    const model = modelOf(token(Field.model));
    if (model === null) return undefined;
    return { model, provider: textOf(token(Field.provider)), status: statusAt(token(Field.status)) };
  };
  return {
    kind: kindOf,
    record(index) {
      const row = at.ROWS + at.ROW_BYTES * index;
      const kind = kindOf(row);
      if (kind === undefined) return undefined;
      const value = (field: Field) => doubles[row / 8 + field] as number;
      const record: { [K in keyof UsageRecord]?: UsageRecord[K] | undefined } = {
        id: textOf(value(Field.id)),
        at: present(value(Field.at)),
        provider: kind.provider,
        model: kind.model,
        inputTokens: value(Field.input),
        cachedInputTokens: value(Field.cached),
        outputTokens: value(Field.output),
        latencyMs: present(value(Field.latency)),
        ttftMs: present(value(Field.ttft)),
        status: kind.status,
        costUsd: present(value(Field.cost)),
        user: textOf(value(Field.user)),
      };
      return record as UsageRecord;
    },
    clear() {
      texts = [];
      statuses = [];
      models = [];
    },
  };
}

function present(value: number): number | undefined {
  return Number.isNaN(value) ? undefined : value;
}
