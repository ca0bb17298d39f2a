/** Small pieces of text that every report shares. */

/** Whose next command takes the journal beside the database into it: no other user may read it, or looks there. */
export const TAKEN_IN = 'this user’s next command that can write the database takes it in';

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

/** Columns a text takes in a terminal: colour codes take none, East Asian wide characters two. */
export function width(text: string): number {
  let columns = 0;
  for (const character of text.replace(COLOUR, '')) {
    columns += WIDE.test(character) ? 2 : COMBINING.test(character) ? 0 : 1;
  }
  return columns;
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: colour codes begin with ESC
const COLOUR = /\u001b\[[0-9;]*m/g;
const WIDE =
  /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1faff}]/u;
const COMBINING = /\p{M}/u;

/**
 * Breaks text into lines of at most `columns`, at spaces and never within a word; a number keeps its unit. What the
 * text begins with stays; lines after the first begin with `indent`.
 */
export function wrap(text: string, columns: number, indent = ''): string[] {
  const lines: string[] = [];
  let line = /^ */.exec(text)?.[0] ?? '';
  let empty = true;
  for (const word of text.trimStart().split(/ (?!%|ms\b)/)) {
    if (!empty && width(line) + 1 + width(word) > columns) {
      lines.push(line.trimEnd());
      line = indent + word;
      empty = word === '';
    } else {
      line += empty ? word : ` ${word}`;
      empty = false;
    }
  }
  return [...lines, line];
}

/** A last column narrower than this stands below the others. */
const NARROWEST = 24;

/**
 * Lines of aligned cells, two spaces apart. The last cell is not padded, and wrapped where it does not fit: below
 * itself, or below the others where too little room is left beside them.
 * @param columns width to keep to; any without it
 */
export function alignColumns(
  rows: readonly (readonly string[])[],
  indent = 2,
  columns = Number.POSITIVE_INFINITY,
): string[] {
  const widths: number[] = [];
  for (const row of rows) {
    row.slice(0, -1).forEach((cell, column) => {
      widths[column] = Math.max(widths[column] ?? 0, width(cell));
    });
  }
  const margin = ' '.repeat(indent);
  return rows.flatMap((row) => {
    const before = row.slice(0, -1).map((cell, column) => padded(cell, widths[column] ?? 0));
    const head = margin + before.map((cell) => `${cell}  `).join('');
    const last = row.at(-1) ?? '';
    const room = columns - width(head);
    if (room >= NARROWEST || width(last) <= room) {
      const lines = wrap(last, room);
      return lines.map((line, i) => ((i === 0 ? head : ' '.repeat(width(head))) + line).trimEnd());
    }
    const below = `${margin}    `;
    return [...(head.trim() === '' ? [] : [head.trimEnd()]), ...wrap(below + last, columns, below)];
  });
}

function padded(cell: string, columns: number): string {
  return cell + ' '.repeat(Math.max(0, columns - width(cell)));
}

/** Cuts a line to a width in columns, and keeps its colour codes; the cut is shown by `…`. */
export function fitLine(line: string, columns: number): string {
  if (width(line) <= columns) return line;
  let taken = 0;
  let fitted = '';
  // biome-ignore lint/suspicious/noControlCharactersInRegex: colour codes take no room
  for (const part of line.match(/\u001b\[[0-9;]*m|[^\u001b]/gu) ?? []) {
    const needed = width(part);
    if (needed === 0 || taken + needed < columns) fitted += part;
    else if (taken < columns) fitted += '…';
    taken = Math.min(taken + needed, columns);
  }
  return fitted;
}
