import Table from 'cli-table3';

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
