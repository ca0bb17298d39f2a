import { safe } from '../clean.ts';

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

/**
 * Said while a step waits for what another operation has asked for.
 * @param label the hook or flag that it was asked of
 * @param ms how long at most
 */
export function waitingAt(label: string, ms: number): string {
  return `waiting at most ${Math.ceil(ms / 1000)} s for what another operation may still do at ${safe(label)}`;
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

/**
 * The same for each line of a text: what does not fit goes on below what the line's label is followed by, where that
 * leaves it half of the width, and else two columns further in than the line begins.
 */
export function wrapHanging(text: string, columns: number): string[] {
  return text.split('\n').flatMap((line) => {
    const start = /^ */.exec(line)?.[0].length ?? 0;
    const label = /^ *\S+(?: \S+)* {2,}/.exec(line)?.[0] ?? '';
    const fits = label !== '' && width(label) <= columns / 2;
    return wrap(line, columns, ' '.repeat(fits ? width(label) : start + 2));
  });
}

/** A line in pieces of at most `columns`, broken where it must be. */
export function pieces(line: string, columns: number): string[] {
  if (width(line) <= columns) return [line];
  const parts = [''];
  for (const character of line) {
    const part = parts.at(-1) ?? '';
    if (part === '' || width(part + character) <= columns) parts[parts.length - 1] = part + character;
    else parts.push(character);
  }
  return parts;
}

/** A last column narrower than this stands below the others. */
const NARROWEST = 24;

/**
 * Lines of aligned cells, two spaces apart. The last cell is not padded, and wrapped where it does not fit: below
 * itself, or below the others where too little room is left beside them.
 * @param columns width to keep to; any without it
 * @param breaks whether a word of the last cell that is longer than a line is broken
 */
export function alignColumns(
  rows: readonly (readonly string[])[],
  indent = 2,
  columns = Number.POSITIVE_INFINITY,
  breaks = false,
): string[] {
  const fitted = (text: string, room: number) =>
    breaks ? wrap(text, room).flatMap((line) => pieces(line, room)) : wrap(text, room);
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
      const lines = fitted(last, room);
      return lines.map((line, i) => ((i === 0 ? head : ' '.repeat(width(head))) + line).trimEnd());
    }
    const below = `${margin}    `;
    const lines = fitted(last, columns - below.length).map((line) => below + line);
    return [...(head.trim() === '' ? [] : [head.trimEnd()]), ...lines];
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
