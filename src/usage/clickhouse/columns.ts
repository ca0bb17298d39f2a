import { clean } from '../../clean.ts';
import type { ClickHouseColumn, ClickHouseTable } from '../../config/clickhouse.ts';
import { didYouMean } from '../../config/suggest.ts';
import { CutoverError, EXIT } from '../../errors.ts';
import { quoteName } from './names.ts';

/** What kind of values a column holds; decides how SQL reads it. */
export type ColumnKind = 'number' | 'float32' | 'text' | 'fixed' | 'time' | 'date' | 'bool';

/** A column that a field is read from. */
export interface Column {
  /** As people write it, for messages. */
  name: string;
  sql: string;
  kind: ColumnKind;
}

export type Columns = { readonly [K in ClickHouseColumn]?: Column };

/** The names of the native log line: a table that was filled from such logs needs no mapping. */
const USUAL: { readonly [K in ClickHouseColumn]: string | null } = {
  id: 'id',
  at: 'timestamp',
  provider: 'provider',
  model: 'model',
  inputTokens: 'input_tokens',
  cachedInputTokens: 'cached_input_tokens',
  cacheWriteTokens: 'cache_write_input_tokens',
  cacheWrite1hTokens: 'cache_write_1h_input_tokens',
  audioInputTokens: 'audio_input_tokens',
  cachedAudioTokens: 'cached_audio_input_tokens',
  imageInputTokens: 'image_input_tokens',
  cachedImageTokens: 'cached_image_input_tokens',
  outputTokens: 'output_tokens',
  audioOutputTokens: 'audio_output_tokens',
  imageOutputTokens: 'image_output_tokens',
  reasoningTokens: 'reasoning_tokens',
  searches: 'searches',
  latencyMs: 'latency_ms',
  ttftMs: 'ttft_ms',
  status: 'status',
  costUsd: 'cost',
  user: 'user',
  serviceTier: 'service_tier',
  batch: null,
};
const REQUIRED: readonly ClickHouseColumn[] = ['model', 'inputTokens', 'outputTokens'];
const NUMBERS: readonly ClickHouseColumn[] = [
  'inputTokens',
  'cachedInputTokens',
  'cacheWriteTokens',
  'cacheWrite1hTokens',
  'audioInputTokens',
  'cachedAudioTokens',
  'imageInputTokens',
  'cachedImageTokens',
  'outputTokens',
  'audioOutputTokens',
  'imageOutputTokens',
  'reasoningTokens',
  'searches',
  'latencyMs',
  'ttftMs',
  'costUsd',
];

/** Where each field is in the table; `sql` reads it. */
export type Mapping = { readonly [K in ClickHouseColumn]?: Omit<Column, 'kind'> };

/**
 * Finds the columns of the mapping in a table.
 * @param existing names of the table's columns, as DESCRIBE TABLE gives them.
 * @throws CutoverError CLICKHOUSE_SCHEMA (exit 78) for a column that is not there.
 */
export function mapColumns(settings: ClickHouseTable, existing: readonly string[]): Mapping {
  const mapping: { -readonly [K in keyof Mapping]: Mapping[K] } = {};
  for (const field of Object.keys(USUAL) as ClickHouseColumn[]) {
    const asked = settings.columns[field];
    const name = asked === undefined ? USUAL[field] : asked;
    const found = name === null ? undefined : find(name, existing);
    if (name !== null && found) mapping[field] = { name, sql: found };
    else if (asked) throw unknownColumn(field, asked, settings, existing);
    else if (REQUIRED.includes(field)) throw unknownColumn(field, name ?? field, settings, existing);
  }
  return mapping;
}

/** A whole name goes before a path into a column. */
function find(name: string, existing: readonly string[]): string | undefined {
  if (existing.includes(name)) return quoteName(name);
  const parts = name.split('.');
  for (let length = parts.length - 1; length > 0; length--) {
    const column = parts.slice(0, length).join('.');
    if (!existing.includes(column)) continue;
    return [column, ...parts.slice(length)].map(quoteName).join('.');
  }
  return undefined;
}

function unknownColumn(
  field: ClickHouseColumn,
  name: string,
  { database, table }: ClickHouseTable,
  existing: readonly string[],
): CutoverError {
  const known = existing.map((each) => clean(each, 60));
  return schemaError(
    `the table ${clean(`${database}.${table}`)} has no column ${clean(name)} for ${field}`,
    `${didYouMean(name, known)}; name it in usage.clickhouse.columns.${field}`,
  );
}

/**
 * Joins the mapping with the types of its columns.
 * @param types ClickHouse's names of types, in the order of the mapping's fields.
 * @throws CutoverError CLICKHOUSE_SCHEMA (exit 78) for a column that cannot hold its field.
 */
export function typedColumns(mapping: Mapping, types: readonly string[]): Columns {
  const columns: { -readonly [K in keyof Columns]: Columns[K] } = {};
  Object.entries(mapping).forEach(([key, place], index) => {
    const field = key as ClickHouseColumn;
    const type = types[index] ?? '';
    const kind = kindOf(type);
    if (NUMBERS.includes(field) && ['time', 'date', 'bool'].includes(kind)) {
      throw schemaError(
        `the column ${clean(place.name)} is of type ${clean(type)}, which cannot be ${field}`,
        `name another one in usage.clickhouse.columns.${field}`,
      );
    }
    columns[field] = { ...place, kind };
  });
  return columns;
}

/** Types that are none of the others (Enum, UUID, JSON, Dynamic, Tuple …) are read as their text. */
export function kindOf(type: string): ColumnKind {
  const inner = /^(?:Nullable|LowCardinality)\((.*)\)$/s.exec(type);
  if (inner) return kindOf(inner[1] as string);
  if (/^(U?Int\d+|Float64|Decimal)/.test(type)) return 'number';
  if (/^(Float32|BFloat16)/.test(type)) return 'float32';
  if (/^DateTime/.test(type)) return 'time';
  if (/^Date/.test(type)) return 'date';
  if (type === 'Bool') return 'bool';
  return type.startsWith('FixedString') ? 'fixed' : 'text';
}

function schemaError(message: string, hint: string): CutoverError {
  return new CutoverError('CLICKHOUSE_SCHEMA', EXIT.config, message, { hint });
}
