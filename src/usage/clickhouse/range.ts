import { EARLIEST, LATEST } from '../time.ts';
import type { Column } from './columns.ts';
import { absent, microseconds } from './fields.ts';
import type { Binder } from './names.ts';

/** SQL conditions on the raw time column, for a WHERE that the table's index can serve. */
export interface TimeRange {
  /** In the range, or no time at all that could be told: such rows are judged one by one. */
  inside: string;
  /** Rows without a time. */
  absent: string;
  before: string | undefined;
  after: string | undefined;
}

/** @param since included, @param until not, Unix milliseconds. */
export function timeRange(
  column: Column,
  since: number | undefined,
  until: number | undefined,
  binder: Binder,
): TimeRange {
  const stored = column.kind === 'time';
  const value = stored ? column.sql : microseconds(column);
  const moment = (ms: number) => {
    const bound = binder.whole(ms * 1000);
    return stored ? `fromUnixTimestamp64Micro(${bound})` : bound;
  };
  const from = (ms: number) => `${value} >= ${moment(ms)}`;
  const below = (ms: number) => `${value} < ${moment(ms)}`;
  const range = [since === undefined ? [] : from(since), until === undefined ? [] : below(until)].flat();
  const missing = absent(column);
  const untold = [below(EARLIEST), from(LATEST), ...(stored ? [] : [`isNull(${value})`])];
  return {
    inside: `NOT ${missing} AND (${[range.join(' AND '), ...untold].join(' OR ')})`,
    absent: missing,
    before: since === undefined ? undefined : `${below(since)} AND ${from(EARLIEST)}`,
    after: until === undefined ? undefined : `${from(until)} AND ${below(LATEST)}`,
  };
}
