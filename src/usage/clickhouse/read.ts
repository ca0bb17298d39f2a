import type { ClickHouseTable } from '../../config/clickhouse.ts';
import { CutoverError, EXIT } from '../../errors.ts';
import type { Intake } from '../intake.ts';
import type { UsageSpread, UsageSum } from '../summed.ts';
import type { RunQuery } from './client.ts';
import { type Columns, mapColumns, typedColumns } from './columns.ts';
import { describeExpressions, describeTable, outsideQuery, spreadsQuery, sumsQuery } from './queries.ts';
import { countOutside, readSpreads, readSums } from './result.ts';
import type { Question } from './rows.ts';

/** A table, summed up. */
export interface TableUsage {
  sums: UsageSum[];
  /** Empty when no successful request has a duration. */
  spreads: UsageSpread[];
  intake: Intake;
}

/** Why rows lie outside the time range. */
export interface OutsideReasons {
  absent: string;
  before: string;
  after: string;
}

/**
 * Sums up a table of usage records where it is: what leaves the server grows with models and days, not with rows.
 * @param shares the quantiles to take of the durations, 0 to 1.
 * @throws CutoverError CLICKHOUSE_* (exit 69, 78).
 */
export async function readTable(
  run: RunQuery,
  table: ClickHouseTable,
  question: Question,
  shares: readonly number[],
  reasons: OutsideReasons,
): Promise<TableUsage> {
  const columns = await findColumns(run, table);
  requireColumns(columns, question);
  const outside = outsideQuery(table, columns, question);
  const { fates, dimensions, ...summing } = sumsQuery(table, columns, question);
  const told = dimensions.map(({ dimension }) => dimension);
  const { sums, intake, okStatuses } = readSums(await run(summing), fates, columns.status, told);
  if (outside) {
    const [row] = await run(outside);
    countOutside(intake, row, [reasons.absent, reasons.before, reasons.after]);
  }
  const measured = columns.latencyMs !== undefined || columns.ttftMs !== undefined;
  const spreads =
    measured && okStatuses.length > 0
      ? readSpreads(await run(spreadsQuery(table, columns, question, okStatuses, shares)), shares)
      : [];
  return { sums, spreads, intake };
}

async function findColumns(run: RunQuery, table: ClickHouseTable): Promise<Columns> {
  const cell = (row: unknown, index: number) => (Array.isArray(row) ? String(row[index]) : '');
  const existing = (await run(describeTable(table))).map((row) => cell(row, 0));
  const mapping = mapColumns(table, existing);
  const expressions = Object.values(mapping).map(({ sql }) => sql);
  const types = (await run(describeExpressions(table, expressions))).map((row) => cell(row, 1));
  return typedColumns(mapping, types);
}

/** Nothing can be chosen by what the table does not say. */
function requireColumns(columns: Columns, question: Question): void {
  const need = (asked: boolean, field: 'at' | 'provider' | 'user' | 'id', what: string) => {
    if (!asked || columns[field]) return;
    throw new CutoverError(
      'CLICKHOUSE_SCHEMA',
      EXIT.config,
      `${what} needs a column for ${field}, and none is known`,
      {
        hint: `name it in usage.clickhouse.columns.${field}`,
      },
    );
  };
  need(question.since !== undefined || question.until !== undefined, 'at', 'a time range');
  need(question.providers.length > 0, 'provider', '--provider');
  need(question.users.length > 0, 'user', '--user');
  need(question.dedupe, 'id', '--dedupe');
}
