import type { ClickHouseTable } from '../../config/clickhouse.ts';
import type { Bands } from '../../pricing/bands.ts';
import type { Columns } from './columns.ts';
import { type DimensionSql, dimensionFields, tierSql } from './dimensions.ts';
import {
  countField,
  durationField,
  type Field,
  flagField,
  moneyField,
  requiredText,
  textField,
  textOf,
  timeField,
} from './fields.ts';
import { type Binder, likePattern, quoteTable } from './names.ts';
import type { TimeRange } from './range.ts';

/** Which rows are wanted and how they are told apart; the same words as a selection of records. */
export interface Question {
  /** Unix milliseconds; since is included, until is not. */
  since?: number | undefined;
  until?: number | undefined;
  /** Names, in which `*` stands for anything; none means all. */
  models: readonly string[];
  providers: readonly string[];
  users: readonly string[];
  /** Rows with the same id count once: the earliest. */
  dedupe: boolean;
  by: 'model' | 'user' | 'day' | 'hour' | undefined;
  /** IANA name, for days and hours. */
  timezone: string;
  bands: Bands;
}

/** Where the rows of a table come from, with their fields under the aliases `cut_…`. */
export interface Rows {
  /** A SELECT of anything made of the aliases; `more` is a further condition. */
  select(what: string, more?: string): string;
  /** What `cut_fate` means: 0 is a row to use, n is the reason `fates[n - 1]` not to. */
  fates: { kind: 'rejected' | 'filtered'; reason: string }[];
  /** What the rows tell besides plain tokens. */
  dimensions: readonly DimensionSql[];
}

const MAX_STATUS = 100;
const MS_PER = { s: 1000, ms: 1, us: 1e-3, ns: 1e-6 } as const;

/**
 * The table's rows with their fields read as a log file's would be. Only the time range is a WHERE, so that the
 * table's own index serves it; what else is not wanted is counted by reason.
 */
export function rowsOf(
  table: ClickHouseTable,
  columns: Columns,
  question: Question,
  range: TimeRange | undefined,
  binder: Binder,
): Rows {
  const { at, model } = columns;
  if (!model) throw new TypeError('a mapping without a model');
  const exclusive = table.cachedTokens === 'exclusive';
  const time = timeField('cut_at', at);
  const besides = dimensionFields(columns);
  const fields: Field[] = [
    time,
    requiredText('cut_model', model),
    countField(exclusive ? 'cut_input_own' : 'cut_input', columns.inputTokens, true),
    countField('cut_cached_null', columns.cachedInputTokens, false),
    countField('cut_output', columns.outputTokens, true),
    ...besides.fields,
    durationField('cut_latency', columns.latencyMs, MS_PER[table.units.latency]),
    durationField('cut_ttft', columns.ttftMs, MS_PER[table.units.ttft]),
    moneyField('cut_cost', columns.costUsd, table.units.cost === 'cents' ? 100 : 1),
    textField('cut_provider', columns.provider),
    textField('cut_user', columns.user),
    textField('cut_id', columns.id),
    flagField('cut_batch', columns.batch),
  ];
  const rejected: Field['faults'] = [...fields.flatMap((field) => field.faults), ...besides.faults];
  const filtered: Field['faults'] = [
    ...unwanted('cut_model', question.models, 'of another model', binder),
    ...unwanted('cut_provider', question.providers, 'of another provider', binder),
    ...unwanted('cut_user', question.users, 'of another user', binder),
  ];
  const select = [
    ...fields.flatMap((field) => field.select),
    'ifNull(cut_cached_null, 0) AS cut_cached',
    `${besides.written} AS cut_written`,
    ...(exclusive ? ['cut_input_own + cut_cached + cut_written AS cut_input'] : []),
    ...besides.select,
    `${tierSql(columns)} AS cut_tier`,
    // Long texts are messages: an error class is shorter.
    `substringUTF8(${textOf(columns.status)}, 1, ${MAX_STATUS}) AS cut_status`,
    `toUInt16(multiIf(${[...rejected, ...filtered].map(([when], i) => `${when}, ${i + 1}`).join(', ')}, 0)) AS cut_fate`,
  ];
  const stored = `${quoteTable(table)}${table.final ? ' FINAL' : ''}`;
  const fates: Rows['fates'] = [
    ...rejected.map(([, reason]) => ({ kind: 'rejected' as const, reason })),
    ...filtered.map(([, reason]) => ({ kind: 'filtered' as const, reason })),
  ];
  const where = (...conditions: (string | undefined)[]) => {
    const given = conditions.filter((condition) => condition !== undefined);
    return given.length === 0 ? '' : ` WHERE ${given.join(' AND ')}`;
  };
  if (!question.dedupe || !columns.id) {
    // No subquery: of a table spread over servers, each then sums up its own part.
    return {
      select: (what, more) =>
        `WITH ${select.join(', ')} SELECT ${what} FROM ${stored}${where(range?.inside, more)}`,
      fates,
      dimensions: besides.dimensions,
    };
  }
  fates.push({ kind: 'filtered', reason: 'a duplicate' });
  const repeated =
    "cut_fate = 0 AND cut_id != '' AND row_number() OVER (PARTITION BY cut_fate, cut_id ORDER BY cut_at NULLS LAST) > 1";
  const rows = `SELECT ${select.join(', ')} FROM ${stored}${where(range?.inside)}`;
  const unique = `SELECT * REPLACE (if(${repeated}, ${fates.length}, cut_fate) AS cut_fate) FROM (${rows})`;
  return {
    select: (what, more) => `SELECT ${what} FROM (${unique})${where(more)}`,
    fates,
    dimensions: besides.dimensions,
  };
}

function unwanted(alias: string, names: readonly string[], reason: string, binder: Binder): Field['faults'] {
  if (names.length === 0) return [];
  const wanted = names.map((name) =>
    name.includes('*')
      ? `${alias} LIKE ${binder.text(likePattern(name))}`
      : `${alias} = ${binder.text(name)}`,
  );
  return [[`NOT (${wanted.join(' OR ')})`, reason]];
}
