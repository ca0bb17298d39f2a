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
  const lines = [''];
  // A figure stays with its sign: `10 %`.
  const words = text.split(/ (?!%)/).flatMap((word) => pieces(word, columns));
  for (const word of words) {
    const line = lines.at(-1) as string;
    const longer = line === '' ? word : `${line} ${word}`;
    if (line !== '' && [...longer].length > columns) lines.push(word);
    else lines[lines.length - 1] = longer;
  }
  return lines;
}

function pieces(word: string, columns: number): string[] {
  const chars = [...word];
  if (chars.length <= columns) return [word];
  const parts: string[] = [];
  for (let at = 0; at < chars.length; at += columns) parts.push(chars.slice(at, at + columns).join(''));
  return parts;
}
