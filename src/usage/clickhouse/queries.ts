import type { ClickHouseTable } from '../../config/clickhouse.ts';
import type { Columns } from './columns.ts';
import { type Binder, createBinder, type Params, quoteTable } from './names.ts';
import { type TimeRange, timeRange } from './range.ts';
import { type Question, type Rows, rowsOf } from './rows.ts';

export interface Query {
  sql: string;
  params: Params;
}

/** The names of a table's columns. */
export function describeTable(table: ClickHouseTable): Query {
  return { sql: `DESCRIBE TABLE ${quoteTable(table)}`, params: {} };
}

/** The types of some expressions on a table. */
export function describeExpressions(table: ClickHouseTable, expressions: readonly string[]): Query {
  const select = expressions.map((sql, i) => `${sql} AS cut_${i}`).join(', ');
  return { sql: `DESCRIBE TABLE (SELECT ${select} FROM ${quoteTable(table)})`, params: {} };
}

/** How many rows the time range leaves out: without a time, before it, after it. Undefined where there is no range. */
export function outsideQuery(
  table: ClickHouseTable,
  columns: Columns,
  question: Question,
): Query | undefined {
  const binder = createBinder();
  const range = rangeOf(columns, question, binder);
  if (!range) return undefined;
  const from = `FROM ${quoteTable(table)}${table.final ? ' FINAL' : ''}`;
  const count = (condition: string | undefined) =>
    condition === undefined ? '0' : `(SELECT count() ${from} WHERE ${condition})`;
  return {
    sql: `SELECT ${[range.absent, range.before, range.after].map(count).join(', ')}`,
    params: binder.params,
  };
}

/** What a row of `sumsQuery` holds, in this order; then for each dimension its sum and how many rows tell it. */
export const SUM_COLUMNS = [
  'fate',
  'model',
  'provider',
  'user',
  'status',
  'tier',
  'paid',
  'records',
  'timed',
  'from',
  'to',
  'smallestInput',
  'inputTokens',
  'cachedInputTokens',
  'outputTokens',
  'costUsd',
  'costed',
] as const;

/**
 * Everything but the percentiles: the sums over the rows that are alike, that is, of the same model, provider,
 * status, day and price bands (and user or hour, when grouped by it).
 */
export function sumsQuery(
  table: ClickHouseTable,
  columns: Columns,
  question: Question,
): Query & Pick<Rows, 'fates' | 'dimensions'> {
  const binder = createBinder();
  const rows = rowsOf(table, columns, question, rangeOf(columns, question, binder), binder);
  const { bands } = question;
  // Rows that are not used have no model, day or band to be told apart by.
  const used = (sql: string, otherwise: string) => `if(cut_fate = 0, ${sql}, ${otherwise})`;
  const moment = `toInt64(${used('ifNull(cut_at, 0)', '0')})`;
  const local = localTime(moment, question.timezone, binder);
  const timed = (sql: string) => used(`if(isNull(cut_at), -1, toInt32(${sql}))`, '-1');
  const keys = [
    'cut_fate',
    `${used('cut_model', "''")} AS k_model`,
    `${used('cut_provider', "''")} AS k_provider`,
    `${question.by === 'user' ? used('cut_user', "''") : "''"} AS k_user`,
    `${used('cut_status', "''")} AS k_status`,
    `${used('cut_tier', "''")} AS k_tier`,
    `${used('ifNull(cut_cost > 0, 0)', '0')} AS k_paid`,
  ];
  const bandKeys = [
    timed(`toDate(${local})`),
    timed(question.by === 'hour' ? `toHour(${local})` : '0'),
    timed(bandOf(`intDiv(${moment}, 60000000) % 1440`, bands.clock.slice(1), '>=')),
    used(bandOf('cut_input', bands.inputTokens, '>'), '0'),
  ];
  const sums = [
    'count()',
    'count(cut_at)',
    'min(cut_at)',
    'max(cut_at)',
    'min(cut_input)',
    'sum(cut_input)',
    'sum(cut_cached)',
    'sum(cut_output)',
    'sumKahan(cut_cost)',
    'count(cut_cost)',
    ...rows.dimensions.flatMap(({ count, told }) => [`sum(${count})`, `countIf(${told})`]),
  ];
  const groups = [...keys.map((key) => key.replace(/^.* AS /s, '')), ...bandKeys];
  return {
    sql: `${rows.select([...keys, ...sums].join(', '))} GROUP BY ${groups.join(', ')}`,
    params: binder.params,
    fates: rows.fates,
    dimensions: rows.dimensions,
  };
}

/** What a row of `spreadsQuery` holds: the scope (0 all, 1 a model, 2 a group), what names it, then the figures. */
export const SPREAD_COLUMNS = [
  'scope',
  'model',
  'user',
  'at',
  'latency',
  'ttft',
  'latencies',
  'ttfts',
] as const;

/**
 * Exact quantiles (type 7) of latency and TTFT over the successful requests: of all, of each model, of each group.
 * @param okStatuses texts of the status column that mean success.
 * @param shares the quantiles, 0 to 1.
 */
export function spreadsQuery(
  table: ClickHouseTable,
  columns: Columns,
  question: Question,
  okStatuses: readonly string[],
  shares: readonly number[],
): Query {
  const binder = createBinder();
  const rows = rowsOf(table, columns, question, rangeOf(columns, question, binder), binder);
  const local = localTime('toInt64(ifNull(cut_at, 0))', question.timezone, binder);
  const keys: Record<NonNullable<Question['by']>, string> = {
    model: 'cut_model',
    user: 'cut_user',
    day: `if(isNull(cut_at), -1, toInt32(toDate(${local})))`,
    hour: `if(isNull(cut_at), -1, toInt32(toHour(${local})))`,
  };
  const group = question.by === undefined || question.by === 'model' ? undefined : keys[question.by];
  const ok = okStatuses.map((status) => `cut_status = ${binder.text(status)}`).join(' OR ');
  const levels = shares.join(', ');
  const quantiles = (alias: string) => `quantilesExactInclusive(${levels})(${alias})`;
  const scope = group
    ? 'multiIf(grouping(k_group) = 0, 2, grouping(k_model) = 0, 1, 0)'
    : 'if(grouping(k_model) = 0, 1, 0)';
  const select = [
    scope,
    'k_model',
    question.by === 'user' ? 'k_group' : "''",
    'min(cut_at)',
    quantiles('cut_latency'),
    quantiles('cut_ttft'),
    'count(cut_latency)',
    'count(cut_ttft)',
  ];
  const inner = rows.select(
    `cut_model AS k_model, ${group ? `${group} AS k_group, ` : ''}cut_at, cut_latency, cut_ttft`,
    `cut_fate = 0 AND (${ok})`,
  );
  return {
    sql: `SELECT ${select.join(', ')} FROM (${inner}) GROUP BY GROUPING SETS ((), (k_model)${group ? ', (k_group)' : ''})`,
    params: binder.params,
  };
}

function rangeOf(columns: Columns, { since, until }: Question, binder: Binder): TimeRange | undefined {
  if (!columns.at || (since === undefined && until === undefined)) return undefined;
  return timeRange(columns.at, since, until, binder);
}

function localTime(microseconds: string, timezone: string, binder: Binder): string {
  return `fromUnixTimestamp64Micro(${microseconds}, ${binder.text(timezone)})`;
}

/** How many of the boundaries lie below a value. */
function bandOf(value: string, boundaries: readonly number[], above: '>' | '>='): string {
  if (boundaries.length === 0) return '0';
  return `arrayCount(boundary -> ${value} ${above} boundary, [${boundaries.join(', ')}])`;
}
