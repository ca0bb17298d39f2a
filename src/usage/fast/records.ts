import { createFields, optionalText, statusOf } from '../fields.ts';
import type { UsageRecord } from '../record.ts';
import type { Row } from '../row.ts';
import type { Kernel } from './host.ts';
import * as at from './layout.ts';
import { Field } from './layout.ts';

/** Makes rows and records of the kernel's rows, counted from 0. One object each for all: valid until the next. */
export interface Records {
  /** undefined when a text of the row is none for the native format. */
  row(index: number): Row | undefined;
  /** The same as a record. */
  record(index: number): UsageRecord | undefined;
  /** Forgets what the tokens mean. */
  clear(): void;
}

const COLUMNS = at.ROW_BYTES / 8;

export function createRecords(kernel: Kernel): Records {
  const { doubles } = kernel;
  const fields = createFields();
  // What tokens mean as texts, as statuses and as models, by their number; null is no text, and no model.
  let texts: (string | null)[] = [];
  let statuses: string[] = [];
  let models: (string | null)[] = [];

  const meaning = (token: number): unknown => JSON.parse(kernel.token(token));
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

  const row: Row = { numbers: doubles, base: 0, provider: undefined, model: '', status: '' };
  const rowOf = (index: number): Row | undefined => {
    const base = at.ROWS / 8 + COLUMNS * index;
    const model = modelOf(doubles[base + Field.model] as number);
    if (model === null) return undefined;
    row.base = base;
    row.model = model;
    row.provider = textOf(doubles[base + Field.provider] as number);
    row.status = statusAt(doubles[base + Field.status] as number);
    return row;
  };
  return {
    row: rowOf,
    record(index) {
      if (rowOf(index) === undefined) return undefined;
      const value = (field: Field) => doubles[row.base + field] as number;
      const record: { [K in keyof UsageRecord]?: UsageRecord[K] | undefined } = {
        id: textOf(value(Field.id)),
        at: present(value(Field.at)),
        provider: row.provider,
        model: row.model,
        inputTokens: value(Field.input),
        cachedInputTokens: value(Field.cached),
        outputTokens: value(Field.output),
        latencyMs: present(value(Field.latency)),
        ttftMs: present(value(Field.ttft)),
        status: row.status,
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
