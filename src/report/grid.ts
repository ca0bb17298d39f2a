import Table from 'cli-table3';
import { alignColumns, width } from './text.ts';

/** A column of a table: numbers stand to the right. */
export interface ColumnSpec {
  title: string;
  align: 'left' | 'right';
}

/** A table without rules: columns as wide as their widest cell, two spaces between; colour codes take no room. */
export function grid(columns: readonly ColumnSpec[], rows: readonly (readonly string[])[]): string[] {
  const table = new Table({
    chars: NO_RULES,
    style: { 'padding-left': 0, 'padding-right': 0, head: [], border: [], compact: true },
    colAligns: columns.map(({ align }) => align),
  });
  if (columns.some(({ title }) => title !== '')) table.push(columns.map(({ title }) => title));
  table.push(...rows.map((row) => [...row]));
  return table
    .toString()
    .split('\n')
    .map((line) => line.trimEnd());
}

const NO_RULES = {
  ...{ top: '', 'top-mid': '', 'top-left': '', 'top-right': '' },
  ...{ bottom: '', 'bottom-mid': '', 'bottom-left': '', 'bottom-right': '' },
  ...{ left: '', 'left-mid': '', mid: '', 'mid-mid': '', right: '', 'right-mid': '', middle: '  ' },
};

/** A last column narrower than this is no column of a table any more. */
const NARROWEST = 24;

/**
 * A table, its last column wrapped where it has to be; where even that does not fit, the rows one below the other, each
 * a list of its cells that are not empty.
 * @param room width to keep to, in columns
 */
export function tableOrList(
  columns: readonly ColumnSpec[],
  rows: readonly (readonly string[])[],
  room: number,
): string[] {
  const all = [columns.map(({ title }) => title), ...rows];
  const widths = columns.map((_, i) => Math.max(...all.map((row) => width(row[i] ?? ''))));
  const sum = widths.reduce((total, each) => total + each + 2, -2);
  if (sum - Math.max(0, (widths.at(-1) ?? 0) - NARROWEST) <= room) {
    const pad = (cell: string, i: number) => ' '.repeat((widths[i] ?? 0) - width(cell)) + cell;
    const aligned = (row: readonly string[]) =>
      row.map((cell, i) => (columns[i]?.align === 'right' ? pad(cell, i) : cell));
    return alignColumns(all.map(aligned), 0, room);
  }
  return rows.flatMap((row, i) => [
    ...(i === 0 ? [] : ['']),
    ...alignColumns(
      columns.flatMap(({ title }, column) => (row[column] ? [[title, row[column]]] : [])),
      0,
      room,
    ),
  ]);
}
