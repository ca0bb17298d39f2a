import { CutoverError, EXIT } from '../../errors.ts';
import { type Counts, type Dimension, serviceTierOf } from '../dimensions.ts';
import { statusOf } from '../fields.ts';
import { createIntake, type Intake } from '../intake.ts';
import type { UsageRecord } from '../record.ts';
import type { Spread, UsageSpread, UsageSum } from '../summed.ts';
import type { Column } from './columns.ts';
import { SPREAD_COLUMNS, SUM_COLUMNS } from './queries.ts';
import type { Rows } from './rows.ts';

/** What the rows of the sums query say. */
export interface Summed {
  sums: UsageSum[];
  intake: Intake;
  /** Texts of the status column that mean success. */
  okStatuses: string[];
}

/**
 * @param dimensions those that the rows tell, in the order of the query's.
 * @throws CutoverError CLICKHOUSE_ANSWER (exit 69) for rows that no such query can give.
 */
export function readSums(
  rows: Iterable<unknown>,
  fates: Rows['fates'],
  status: Column | undefined,
  dimensions: readonly Dimension[],
): Summed {
  const names = [...SUM_COLUMNS, ...dimensions.flatMap((name) => [name, `${name} told`] as const)];
  const sums: UsageSum[] = [];
  const intake = createIntake();
  const okStatuses = new Set<string>();
  for (const row of rows) {
    const get = cells(row, names);
    const records = get.number('records');
    intake.read += records;
    const fate = get.number('fate');
    if (fate > 0) {
      count(intake, fates[fate - 1], records);
      continue;
    }
    intake.used += records;
    const text = get.text('status');
    const like: UsageRecord = {
      model: get.text('model'),
      inputTokens: get.number('smallestInput'),
      cachedInputTokens: 0,
      outputTokens: 0,
      status: statusOf(status?.kind === 'bool' ? booleanOf(text) : text),
    };
    if (like.status === 'ok') okStatuses.add(text);
    const [provider, user] = [get.text('provider'), get.text('user')];
    if (provider !== '') like.provider = provider;
    if (user !== '') like.user = user;
    const tier = serviceTierOf(get.text('tier'));
    if (tier !== undefined) like.serviceTier = tier;
    if (get.number('paid') === 1) like.costUsd = 1;
    const timed = get.number('timed');
    const told: Counts = {};
    for (const name of dimensions) if (get.number(`${name} told`) > 0) told[name] = get.number(name);
    if (timed > 0) like.at = get.number('from') / 1000;
    sums.push({
      like,
      records,
      timed,
      to: timed > 0 ? get.number('to') / 1000 : undefined,
      inputTokens: get.number('inputTokens'),
      cachedInputTokens: get.number('cachedInputTokens'),
      outputTokens: get.number('outputTokens'),
      ...(Object.keys(told).length > 0 ? { dimensions: told } : {}),
      costUsd: get.number('costUsd'),
      reportedRecords: get.number('costed'),
    });
  }
  sums.sort(inOrder);
  return { sums, intake, okStatuses: [...okStatuses] };
}

/** The order of a log, so that the same table always gives the same report; a server gives groups in any order. */
function inOrder({ like: a }: UsageSum, { like: b }: UsageSum): number {
  const [atA, atB] = [a.at ?? Number.MAX_VALUE, b.at ?? Number.MAX_VALUE];
  if (atA !== atB) return atA - atB;
  const name = ({ model, provider, user, status }: UsageRecord) =>
    JSON.stringify([model, provider, user, status]);
  return name(a) < name(b) ? -1 : 1;
}

/** @param shares the quantiles that were asked for. */
export function readSpreads(rows: Iterable<unknown>, shares: readonly number[]): UsageSpread[] {
  return [...rows].map((row) => {
    const get = cells(row, SPREAD_COLUMNS);
    const scope = (['all', 'model', 'group'] as const)[get.number('scope')] ?? 'all';
    const like: UsageRecord = {
      model: get.text('model'),
      inputTokens: 0,
      cachedInputTokens: 0,
      outputTokens: 0,
      status: 'ok',
    };
    const user = get.text('user');
    if (user !== '') like.user = user;
    if (get.has('at')) like.at = get.number('at') / 1000;
    return {
      scope,
      like: scope === 'all' ? undefined : like,
      latency: spread(get.number('latencies'), get.list('latency'), shares),
      ttft: spread(get.number('ttfts'), get.list('ttft'), shares),
    };
  });
}

/** Adds what the time range left out. @param counts rows without a time, before it, after it. */
export function countOutside(
  intake: Intake,
  row: unknown,
  reasons: readonly [absent: string, before: string, after: string],
): void {
  const counts = Array.isArray(row) ? row.map(Number) : [];
  reasons.forEach((reason, index) => {
    const rows = counts[index];
    if (rows === undefined || !Number.isFinite(rows)) throw unexpected('no count of rows');
    if (rows === 0) return;
    intake.read += rows;
    count(intake, { kind: 'filtered', reason }, rows);
  });
}

function count(intake: Intake, fate: Rows['fates'][number] | undefined, rows: number): void {
  if (!fate) throw unexpected('an unknown reason');
  intake[fate.kind] += rows;
  const byReason = fate.kind === 'rejected' ? intake.rejectedByReason : intake.filteredByReason;
  byReason.set(fate.reason, (byReason.get(fate.reason) ?? 0) + rows);
}

function spread(count: number, values: readonly unknown[], shares: readonly number[]): Spread | undefined {
  if (count === 0) return undefined;
  const ms = values.map(Number);
  if (ms.length !== shares.length || ms.some((value) => !Number.isFinite(value))) {
    throw unexpected('a quantile that is no number');
  }
  return { count, shares, ms };
}

function booleanOf(text: string): boolean | string {
  return text === '' ? '' : text === 'true';
}

/** Reads the cells of a row by name. 64-bit numbers may come as text: a setting of the server decides. */
function cells<Name extends string>(row: unknown, names: readonly Name[]) {
  if (!Array.isArray(row) || row.length !== names.length)
    throw unexpected(`a row that is not ${names.length} cells`);
  const at = (name: Name): unknown => row[names.indexOf(name)];
  return {
    has: (name: Name) => at(name) !== null,
    text: (name: Name): string => {
      const value = at(name);
      if (typeof value !== 'string') throw unexpected(`a ${name} that is no text`);
      return value;
    },
    number: (name: Name): number => {
      const value = at(name);
      const number = typeof value === 'boolean' || value === null ? Number(value ?? 0) : Number(value);
      if (!Number.isFinite(number)) throw unexpected(`a ${name} that is no number`);
      return number;
    },
    list: (name: Name): unknown[] => {
      const value = at(name);
      if (!Array.isArray(value)) throw unexpected(`a ${name} that is no list`);
      return value;
    },
  };
}

function unexpected(what: string): CutoverError {
  return new CutoverError('CLICKHOUSE_ANSWER', EXIT.unreachable, `ClickHouse answered with ${what}`, {
    hint: 'is usage.clickhouse.url the HTTP interface of ClickHouse?',
  });
}
