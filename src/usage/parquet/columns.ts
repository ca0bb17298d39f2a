import type { Format } from '../format.ts';

/** A column of a Parquet file, with DuckDB's name of its type. */
export interface ParquetColumn {
  name: string;
  type: string;
}

/** 2001 in microseconds; earlier times are faults, and small numbers could be taken for another unit. */
const EARLIEST_US = 978_307_200_000_000;

/**
 * SQL that reads a column as a JSON log would have its values: numbers, text, booleans, nested values as JSON in text,
 * times as Unix microseconds. Undefined for a column of bytes, which no log has.
 */
export function selectColumn({ name, type }: ParquetColumn): string | undefined {
  const column = quoteColumn(name);
  if (type.endsWith(']') || /^(STRUCT|MAP|UNION|VARIANT)\b/.test(type))
    return `CAST(to_json(${column}) AS VARCHAR)`;
  if (/^(TIMESTAMP|DATETIME)/.test(type)) return microseconds(column);
  if (type === 'DATE') return microseconds(`CAST(${column} AS TIMESTAMP)`);
  if (type === 'JSON') {
    // A text in JSON has quotes around it, which are not part of it.
    return `CASE json_type(${column}) WHEN 'VARCHAR' THEN ${column}->>'$' WHEN 'NULL' THEN NULL ELSE CAST(${column} AS VARCHAR) END`;
  }
  // The shortest decimal that names the number is what was measured, 0.1 and not 0.10000000149.
  if (type === 'FLOAT') return `CAST(CAST(${column} AS VARCHAR) AS DOUBLE)`;
  if (/^(DECIMAL|U?HUGEINT)/.test(type)) return `CAST(${column} AS DOUBLE)`;
  if (/^(U?(TINY|SMALL|BIG)INT|U?INTEGER|DOUBLE|BOOLEAN|VARCHAR)$/.test(type)) return column;
  return type === 'BLOB' ? undefined : `CAST(${column} AS VARCHAR)`;
}

function microseconds(column: string): string {
  const value = `CAST(epoch_us(${column}) AS DOUBLE)`;
  return `CASE WHEN ${value} < ${EARLIEST_US} THEN -1 ELSE ${value} END`;
}

export function quoteColumn(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** A path that DuckDB takes for that very file, whatever characters it is made of. */
export function literalPath(path: string): string {
  return path.replace(/[*?[]/g, '[$&]');
}

/**
 * The columns that are worth reading: those of the format that the names tell, where it says which it looks at,
 * else all. Tables of requests hold prompts and answers beside the figures: reading those takes most of the time.
 */
export function neededColumns(
  columns: readonly ParquetColumn[],
  formats: readonly Format[],
): readonly ParquetColumn[] {
  const names = new Set(columns.map(({ name }) => name));
  const format = formats.length === 1 ? formats[0] : formatOf(columns, names, formats);
  if (!format?.fields) return columns;
  const wanted = new Set(format.fields.map((path) => columnOf(path, names)));
  const needed = columns.filter(({ name }) => wanted.has(name));
  // None at all: the format does not fit, and its reader says so best when it sees what is there.
  return needed.length > 0 ? needed : columns;
}

function formatOf(
  columns: readonly ParquetColumn[],
  names: ReadonlySet<string>,
  formats: readonly Format[],
): Format | undefined {
  const example = Object.fromEntries(columns.map(({ name }) => [name, '']));
  return (
    formats.find((format) => format.matches(example)) ??
    // A mapping that leads into nested columns cannot be told from the names of the outer ones alone.
    formats.find((format) => format.fields?.every((path) => columnOf(path, names) !== undefined))
  );
}

/** The column that a path begins with: `usage.tokens`, else `usage`. */
function columnOf(path: string, names: ReadonlySet<string>): string | undefined {
  const parts = path.split('.');
  for (let length = parts.length; length > 0; length--) {
    const name = parts.slice(0, length).join('.');
    if (names.has(name)) return name;
  }
  return undefined;
}

/** A value as JSON has it: 64-bit numbers are numbers where they are exact, else text (identifiers can be that long). */
export function plainValue(value: unknown): unknown {
  if (typeof value !== 'bigint') return value;
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : String(value);
}
