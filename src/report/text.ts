/** Small pieces of text that every report shares. */

/** ISO 8601 in UTC, to the second: `2026-08-20 10:00:00Z`. */
export function formatTime(ms: number): string {
  return new Date(ms)
    .toISOString()
    .replace('T', ' ')
    .replace(/\.\d+Z$/, 'Z');
}

/** How long ago, in the largest sensible unit: `12 s ago`, `5 min ago`, `3 h ago`, `2 d ago`. */
export function formatAge(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 120) return `${seconds} s ago`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min ago`;
  if (seconds < 172_800) return `${Math.round(seconds / 3600)} h ago`;
  return `${Math.round(seconds / 86_400)} d ago`;
}

/** Lines of aligned columns, two spaces apart; the last column is not padded. Widths are of the plain text. */
export function alignColumns(rows: readonly (readonly string[])[], indent = 2): string[] {
  const widths: number[] = [];
  for (const row of rows) {
    row.slice(0, -1).forEach((cell, column) => {
      widths[column] = Math.max(widths[column] ?? 0, visibleLength(cell));
    });
  }
  return rows.map((row) =>
    (
      ' '.repeat(indent) +
      row
        .map((cell, column) =>
          column === row.length - 1
            ? cell
            : cell + ' '.repeat(Math.max(0, (widths[column] ?? 0) - visibleLength(cell))),
        )
        .join('  ')
    ).trimEnd(),
  );
}

/** Breaks plain text into lines of at most `columns`, at spaces; all but the first begin with `indent` spaces. */
export function wrapText(text: string, columns: number, indent = 2): string {
  const lines: string[] = [];
  let line = /^ */.exec(text)?.[0] ?? '';
  for (const word of text.trimStart().split(' ')) {
    if (line.trim() !== '' && line.length + 1 + word.length > columns) {
      lines.push(line);
      line = ' '.repeat(indent) + word;
    } else {
      line += (line.trim() === '' ? '' : ' ') + word;
    }
  }
  return [...lines, line].join('\n');
}

/** Cuts a line (colour codes and all) to a width in columns; the cut is shown by `…`. */
export function fitLine(line: string, columns: number): string {
  if (visibleLength(line) <= columns) return line;
  let width = 0;
  let end = 0;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: colour codes take no room
  for (const part of line.match(/\u001b\[[0-9;]*m|[^\u001b]/gu) ?? []) {
    if (!part.startsWith('\u001b')) {
      if (width === columns - 1) break;
      width += 1;
    }
    end += part.length;
  }
  const closing = line.includes('\u001b') ? '\u001b[0m' : '';
  return `${line.slice(0, end)}…${closing}`;
}

function visibleLength(text: string): number {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: colour codes take no room
  return text.replace(/\u001b\[[0-9;]*m/g, '').length;
}
