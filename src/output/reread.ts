/** A text as it reads, with the place in the original where each of its UTF-16 units comes from. */
export interface View {
  text: string;
  /** Where the unit begins in the original. */
  from: readonly number[];
  /** Where it ends there. */
  to: readonly number[];
}

/** A text with every run of white space as one space: lines may be folded anywhere. */
export function viewOf(text: string): View {
  const from = Array.from({ length: text.length }, (_, i) => i);
  return folded({ text, from, to: from.map((i) => i + 1) });
}

/**
 * The same with one layer of escapes undone: JSON and JavaScript (`\n`, `\u00e9`, `\x1b`), URL (`%2F`), HTML (`&amp;`).
 * null when there are none.
 */
export function reread(view: View): View | null {
  const undone = replaced(view, ESCAPES, meaningOf);
  return undone && folded(undone);
}

const folded = (view: View) => replaced(view, /\s+/g, () => ' ') ?? view;

const ESCAPES =
  /(?:%[0-9a-f]{2})+|\\u[0-9a-f]{4}|\\u\{[0-9a-f]{1,6}\}|\\x[0-9a-f]{2}|\\[\\/"'`bfnrt]|&(?:#x[0-9a-f]{1,6}|#\d{1,7}|amp|lt|gt|quot|apos);/gi;
const NAMED: Readonly<Record<string, string>> = {
  ...{ '\\b': '\b', '\\f': '\f', '\\n': '\n', '\\r': '\r', '\\t': '\t' },
  ...{ '&amp;': '&', '&lt;': '<', '&gt;': '>', '&quot;': '"', '&apos;': "'" },
};

function meaningOf(found: string): string {
  const named = NAMED[found.toLowerCase()];
  if (named !== undefined) return named;
  if (found.startsWith('%')) return Buffer.from(found.replaceAll('%', ''), 'hex').toString('utf8');
  const hex = /^(?:\\u\{?|\\x|&#x)([0-9a-f]+)/i.exec(found)?.[1];
  const decimal = /^&#(\d+)/.exec(found)?.[1];
  if (hex === undefined && decimal === undefined) return found.slice(1);
  const code = hex === undefined ? Number(decimal) : Number.parseInt(hex, 16);
  return code <= 0x10ffff ? String.fromCodePoint(code) : found;
}

/** What `pattern` finds becomes what `change` makes of it; null when nothing is found. */
function replaced(view: View, pattern: RegExp, change: (found: string) => string): View | null {
  let text = '';
  let at = 0;
  const from: number[] = [];
  const to: number[] = [];
  const copyUpTo = (end: number) => {
    text += view.text.slice(at, end);
    for (; at < end; at++) {
      from.push(view.from[at] as number);
      to.push(view.to[at] as number);
    }
  };
  for (const { 0: match, index } of view.text.matchAll(pattern)) {
    copyUpTo(index);
    const changed = change(match);
    at = index + match.length;
    text += changed;
    for (let i = 0; i < changed.length; i++) {
      from.push(view.from[index] as number);
      to.push(view.to[at - 1] as number);
    }
  }
  if (at === 0) return null;
  copyUpTo(view.text.length);
  return { text, from, to };
}
