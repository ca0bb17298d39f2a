import { pieces, wrap } from './text.ts';

/** A line of a page: what it is about, and what there is to say. */
export interface Row {
  label: string;
  text: string;
  /** Colours each line of the text, after it was wrapped. */
  paint?: (text: string) => string;
}

/** Rows under one another, the texts aligned, and wrapped to `columns` at spaces; what is longer is broken, never cut. */
export function renderRows(rows: readonly Row[], columns: number): string {
  const indent = Math.max(...rows.map(({ label }) => label.length)) + 2;
  return rows
    .flatMap(({ label, text, paint = String }) =>
      foldText(text, columns - indent).map((line, i) =>
        `${(i === 0 ? label : '').padEnd(indent)}${paint(line)}`.trimEnd(),
      ),
    )
    .join('\n');
}

/** Lines of at most `columns`, broken at spaces; a word that is longer than a line is broken where it must be. */
export function foldText(text: string, columns: number): string[] {
  return wrap(text, columns).flatMap((line) => pieces(line, columns));
}
