import { MAX_COUNT, MAX_DURATION_MS } from '../fields.ts';
import { EARLIEST, LATEST } from '../time.ts';
import type { Column } from './columns.ts';

/**
 * SQL that reads one column the way the readers of log files read a field (see ../fields.ts and ../time.ts): the
 * same values, the same faults in the same words. Aliases begin with `cut_`, so that none is a column of the table.
 */
export interface Field {
  /** Items of a SELECT, with their aliases. */
  select: string[];
  /** Condition and reason of each fault, in the order in which they are looked for. */
  faults: [condition: string, reason: string][];
}

/** A number as logs write it in text; `toFloat64` alone takes more than that (nan, inf, 0x1p3). */
const NUMERIC = "'^[+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][+-]?[0-9]+)?$'";
const ISO =
  "'^[0-9]{4}-[0-9]{2}-[0-9]{2}([Tt ][0-9]{2}:[0-9]{2}(:[0-9]{2}([.,][0-9]{1,12})?)?[ ]?([Zz]|[Uu][Tt][Cc]|[+-][0-9]{2}:?[0-9]{2}|[+-][0-9]{2})?)?$'";
const UNIX = "'^[0-9]{9,20}([.][0-9]+)?$'";

/** Text that may be missing: `''` where it is. */
export function textField(alias: string, column: Column | undefined): Field {
  return { select: [`${textOf(column)} AS ${alias}`], faults: [] };
}

export function requiredText(alias: string, column: Column): Field {
  return {
    select: [`${textOf(column)} AS ${alias}`],
    faults: [
      [`${alias} = ''`, `${column.name} is missing`],
      [`NOT match(${alias}, '[^ \\t\\r\\n]')`, `${column.name} is not text`],
    ],
  };
}

/** A whole number of tokens; null where it is missing. */
export function countField(alias: string, column: Column | undefined, required: boolean): Field {
  if (!column) return { select: [`toFloat64(0) AS ${alias}`], faults: [] };
  const { name } = column;
  const number = numberField(alias, column);
  return {
    select: number.select,
    faults: [
      ...(required ? ([[`${alias}_absent`, `${name} is missing`]] as Field['faults']) : []),
      ...number.faults,
      [`${alias} != trunc(${alias})`, `${name} is not a whole number`],
      [`${alias} > ${MAX_COUNT}`, `${name} is out of range`],
    ],
  };
}

/** A duration in milliseconds. */
export function durationField(alias: string, column: Column | undefined, msPerUnit: number): Field {
  if (!column) return nothing(alias);
  const raw = numberField(`${alias}_raw`, column);
  const [ms, us] = [`${alias}_ms`, `${alias}_us`];
  return {
    select: [
      ...raw.select,
      `${alias}_raw * ${msPerUnit} AS ${ms}`,
      `round(${ms} * 1000) AS ${us}`,
      // What is a whole number of microseconds but for the last bit is taken for it, as in files.
      `if(abs(${ms} * 1000 - ${us}) <= ${us} * 1e-14, ${us} / 1000, ${ms}) AS ${alias}`,
    ],
    faults: [...raw.faults, [`${alias} > ${MAX_DURATION_MS}`, `${column.name} is out of range`]],
  };
}

/** An amount in USD. */
export function moneyField(alias: string, column: Column | undefined, unitsPerUsd: number): Field {
  if (!column) return nothing(alias);
  const raw = numberField(`${alias}_raw`, column);
  return { select: [...raw.select, `${alias}_raw / ${unitsPerUsd} AS ${alias}`], faults: raw.faults };
}

/** A time in microseconds since 1970; `ALIAS_absent` tells whether there is none. */
export function timeField(alias: string, column: Column | undefined): Field {
  if (!column) return { select: [...nothing(alias).select, `1 AS ${alias}_absent`], faults: [] };
  return {
    select: [`${microseconds(column)} AS ${alias}`, `${absent(column)} AS ${alias}_absent`],
    faults: [
      [
        `NOT ${alias}_absent AND NOT ifNull(${alias} >= ${EARLIEST * 1000} AND ${alias} < ${LATEST * 1000}, 0)`,
        `${column.name} is not a time`,
      ],
    ],
  };
}

/** Whether a flag is set. */
export function flagField(alias: string, column: Column | undefined): Field {
  const set = column ? `match(${textOf(column)}, '^ *(?i:true|1|yes) *$')` : '0';
  return { select: [`${set} AS ${alias}`], faults: [] };
}

function nothing(alias: string): Field {
  return { select: [`CAST(NULL, 'Nullable(Float64)') AS ${alias}`], faults: [] };
}

function numberField(alias: string, column: Column): Field {
  return {
    select: [`${numberOf(column)} AS ${alias}`, `${absent(column)} AS ${alias}_absent`],
    faults: [
      [`NOT ${alias}_absent AND isNull(${alias}) OR isNaN(${alias})`, `${column.name} is not a number`],
      [`${alias} < 0`, `${column.name} is negative`],
      [`isInfinite(${alias})`, `${column.name} is infinite`],
    ],
  };
}

/** A column as text, `''` where it is null. */
export function textOf(column: Column | undefined): string {
  if (!column) return "''";
  return column.kind === 'fixed'
    ? `ifNull(toStringCutToZero(${column.sql}), '')`
    : `ifNull(toString(${column.sql}), '')`;
}

function numberOf(column: Column): string {
  if (column.kind === 'number') return `toFloat64(${column.sql})`;
  // The shortest decimal that names the number is what was measured, 0.1 and not 0.10000000149.
  if (column.kind === 'float32') return `toFloat64OrNull(toString(${column.sql}))`;
  const text = textOf(column);
  return `if(match(trimBoth(${text}), ${NUMERIC}), toFloat64OrNull(trimBoth(${text})), NULL)`;
}

/** Whether a column has no value. */
export function absent(column: Column): string {
  return column.kind === 'text' || column.kind === 'fixed'
    ? `(${textOf(column)} = '')`
    : `isNull(${column.sql})`;
}

/** A column as microseconds since 1970; null where it is no time. */
export function microseconds(column: Column): string {
  const stored = (value: string) => `toFloat64(toUnixTimestamp64Micro(${value}))`;
  switch (column.kind) {
    case 'time':
    case 'date':
      return stored(`toDateTime64(${column.sql}, 6, 'UTC')`);
    case 'number':
    case 'float32':
      return fromUnix(numberOf(column));
    default: {
      const text = `trimBoth(${textOf(column)})`;
      const parsed = `parseDateTime64BestEffortOrNull(replaceOne(${text}, ',', '.'), 6, 'UTC')`;
      return `multiIf(match(${text}, ${ISO}), ${stored(parsed)}, match(${text}, ${UNIX}), ${fromUnix(`toFloat64OrNull(${text})`)}, NULL)`;
    }
  }
}

/** Seconds, milliseconds, microseconds or nanoseconds, told apart by size. */
function fromUnix(value: string): string {
  return `multiIf(${value} < 1e11, round(${value} * 1e6), ${value} < 1e14, round(${value} * 1e3), ${value} < 1e17, round(${value}), round(${value} / 1e3))`;
}
