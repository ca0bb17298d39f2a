import { safe } from '../clean.ts';
import { formatRatio } from '../config/units.ts';
import { describeValues } from '../operation/dns.ts';
import { sameRecord } from '../rollback/moved.ts';
import type { Checkpoint } from '../store/checkpoints.ts';
import type { DnsReading, DnsRecordSet, World } from '../world.ts';
import { type ColumnSpec, tableOrList } from './grid.ts';
import type { Style } from './style.ts';
import { alignColumns, formatAge, formatTime, wrap } from './text.ts';

/** The `checkpoint` JSON document. */
export function checkpointDocument(list: readonly Checkpoint[]): Record<string, unknown> {
  return {
    schemaVersion: 1,
    command: 'checkpoint',
    checkpoints: list.map(({ at, ...checkpoint }) => ({ ...checkpoint, at: new Date(at).toISOString() })),
  };
}

/** @param columns width to keep to; Infinity when the output is no terminal */
export function renderCheckpoints(
  list: readonly Checkpoint[],
  now: number,
  style: Style,
  columns: number,
): string {
  if (list.length === 0)
    return 'no checkpoints yet; each change makes one, and so does `cutover checkpoint create`';
  const rows = list.map((checkpoint) => [
    style.bold(String(checkpoint.id)),
    formatAge(now - checkpoint.at),
    checkpoint.status,
    formatRatio(checkpoint.ratio),
    checkpoint.activeProvider,
    checkpoint.pinned ? 'pinned' : '',
    safe(checkpoint.reason),
  ]);
  return tableOrList(COLUMNS, rows, columns).join('\n');
}

const COLUMNS: ColumnSpec[] = [
  { title: 'id', align: 'right' },
  { title: 'made', align: 'left' },
  { title: 'status', align: 'left' },
  { title: 'ratio', align: 'right' },
  { title: 'active', align: 'left' },
  { title: 'kept', align: 'left' },
  { title: 'reason', align: 'left' },
];

/** @param columns width to keep to; Infinity for one line a fact */
export function renderCheckpoint(checkpoint: Checkpoint, columns: number): string {
  return alignColumns(
    [
      ['checkpoint', String(checkpoint.id)],
      ['made', formatTime(checkpoint.at)],
      ['reason', safe(checkpoint.reason)],
      ['status', checkpoint.status],
      ['ratio', formatRatio(checkpoint.ratio)],
      ['active provider', checkpoint.activeProvider],
      ['pinned', checkpoint.pinned ? 'yes' : 'no'],
      ['by operation', checkpoint.operationId ?? 'none (made by hand)'],
      ['leads back to', checkpoint.previous === null ? 'nothing' : `checkpoint ${checkpoint.previous}`],
      ['DNS', checkpoint.dns.length === 0 ? 'no values read' : JSON.stringify(checkpoint.dns)],
      ['metrics', Object.keys(checkpoint.metrics).length === 0 ? 'none' : JSON.stringify(checkpoint.metrics)],
    ],
    0,
    columns,
  ).join('\n');
}

export interface Difference {
  field: string;
  first: unknown;
  second: unknown;
}

/** The fields in which a checkpoint differs from another, or from the world (whose flag is looked at too). */
export function diffWorlds(first: World, second: World & { flagRatio?: number | null }): Difference[] {
  const fields = ['status', 'ratio', 'activeProvider'] as const;
  const differences: Difference[] = fields
    .filter((field) => first[field] !== second[field])
    .map((field) => ({ field, first: first[field], second: second[field] }));
  if (second.flagRatio !== undefined && (second.flagRatio ?? 0) !== first.ratio) {
    differences.push({ field: 'flag ratio', first: first.ratio, second: second.flagRatio ?? 0 });
  }
  return differences;
}

/** The records in which two sets of readings differ; of a server that only one of them has read, all. */
export function diffRecords(first: readonly DnsReading[], second: readonly DnsReading[]): Difference[] {
  const [one, two] = [recordsOf(first), recordsOf(second)];
  const keys = [...new Set([...one.keys(), ...two.keys()])];
  return keys.flatMap((key): Difference[] => {
    const [a, b] = [one.get(key), two.get(key)];
    if (a && b && sameRecord(a.set, b.set)) return [];
    const { set, server } = (a ?? b) as Read;
    const show = (read: Read | undefined) => (read ? describeValues(read.set) : 'not read');
    const shared = keys.filter((other) => other.endsWith(` ${set.name} ${set.type}`)).length > 1;
    const field = `${set.name} ${set.type}${shared ? ` (${server})` : ''}`;
    return [{ field, first: show(a), second: show(b) }];
  });
}

interface Read {
  server: string;
  set: DnsRecordSet;
}

function recordsOf(readings: readonly DnsReading[]): Map<string, Read> {
  return new Map(
    readings.flatMap(({ server, label, records }) =>
      (records ?? []).map((set): [string, Read] => {
        const at = server ?? label;
        return [`${at} ${set.name} ${set.type}`, { server: at, set }];
      }),
    ),
  );
}

/** @param columns width to keep to; Infinity for one line a difference */
export function renderDiff(
  names: { first: string; second: string },
  differences: readonly Difference[],
  columns: number,
): string {
  if (differences.length === 0)
    return wrap(`${names.first} and ${names.second} are the same`, columns).join('\n');
  const show = (value: unknown) => safe(typeof value === 'number' ? formatRatio(value) : String(value));
  const titles = ['what', names.first, names.second].map((title): ColumnSpec => ({ title, align: 'left' }));
  const rows = differences.map((one) => [safe(one.field), show(one.first), show(one.second)]);
  return tableOrList(titles, rows, columns).join('\n');
}
