import { createLineSplitter } from './lines.ts';
import type { Item, OnItem, Splitter } from './splitter.ts';

/** A quoted cell may hold line breaks; one that spans more lines than this was never closed. */
const MAX_ROW_LINES = 200;

/** The cells of a line that is known to hold whole cells; undefined when a quote is left open at its end. */
export function splitRow(text: string, delimiter: string): string[] | undefined {
  if (!text.includes('"')) return text.split(delimiter);
  const cells: string[] = [];
  let at = 0;
  for (;;) {
    let cell = '';
    if (text[at] === '"') {
      at++;
      for (;;) {
        const quote = text.indexOf('"', at);
        if (quote < 0) return undefined;
        cell += text.slice(at, quote);
        at = quote + 1;
        if (text[at] !== '"') break;
        cell += '"';
        at++;
      }
    }
    const next = text.indexOf(delimiter, at);
    cell += text.slice(at, next < 0 ? undefined : next);
    cells.push(cell);
    if (next < 0) return cells;
    at = next + delimiter.length;
  }
}

/**
 * Joins the lines of a row whose quoted cells hold line breaks (RFC 4180). A quote that is never closed
 * spoils the row it stands in and no other: the lines after it are read again as rows of their own.
 */
export function createRowSplitter(delimiter: string, onItem: OnItem): Splitter {
  let pending: Item[] = [];

  const take = (item: Item): void => {
    if (pending.length === 0 && item.fault === undefined && item.text.trim() === '') return;
    if (pending.length === 0 && (item.fault !== undefined || splitRow(item.text, delimiter))) {
      onItem(item);
      return;
    }
    pending.push(item);
    // A line without a quote cannot close one: joining only when it can keeps this linear.
    if (!item.text.includes('"') && pending.length <= MAX_ROW_LINES) return;
    const text = pending.map((line) => line.text).join('\n');
    if (splitRow(text, delimiter)) {
      const first = pending[0] as Item;
      pending = [];
      onItem({ text, line: first.line, open: item.open });
    } else if (pending.length > MAX_ROW_LINES) giveUp();
  };
  /** The first pending line is at fault; the others get another chance. */
  const giveUp = () => {
    const [first, ...others] = pending as [Item, ...Item[]];
    pending = [];
    onItem({ text: '', line: first.line, open: false, fault: 'a quoted cell is never closed' });
    for (const other of others) take(other);
  };
  const lines = createLineSplitter(take, true);
  return {
    write: (chunk) => lines.write(chunk),
    end() {
      lines.end();
      while (pending.length > 0) giveUp();
    },
  };
}
