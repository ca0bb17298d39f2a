/**
 * Text from a log or a server, safe to print: control characters (terminal escapes among them), line breaks and
 * characters that reverse the writing direction become visible escapes such as `\x1b`.
 */
export function clean(text: string, maxLength = 200): string {
  const safe = text.replace(UNSAFE, visible);
  return safe.length > maxLength ? `${safe.slice(0, maxLength - 1)}…` : safe;
}

/** Text from outside (logs, servers, scripts) as it may be shown, whole. */
export function safe(text: string): string {
  return clean(text, Number.POSITIVE_INFINITY);
}

/** The same for text of several lines: line breaks and tabs stay. */
export function safeLines(text: string): string {
  if (ORDINARY.test(text)) return text;
  return text.replace(UNSAFE, (character) => (/[\n\t]/.test(character) ? character : visible(character)));
}

// Cc, Cf (bidirectional controls, zero-width characters), line and paragraph separators, lone surrogates.
const UNSAFE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;

/** Most lines are: to know that takes less than to look up what each character is. */
const ORDINARY = /^[\n\t\x20-\x7e]*$/;

function visible(character: string): string {
  const code = character.codePointAt(0) as number;
  return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u{${code.toString(16)}}`;
}

/**
 * A JSON document as text. JSON leaves C1 controls, DEL and bidirectional controls as they are, and a terminal
 * obeys them; escaped, they mean the same to a parser.
 * @param change what becomes of each string in it, keys included
 */
export function jsonText(document: unknown, indent = 2, change?: (text: string) => string): string {
  const text = JSON.stringify(
    document,
    change && ((_key, value: unknown) => changedIn(value, change)),
    indent,
  );
  return text.replace(UNSAFE, (character) =>
    character === '\n'
      ? character
      : [...Array(character.length).keys()].map((i) => unicodeEscape(character.charCodeAt(i))).join(''),
  );
}

function changedIn(value: unknown, change: (text: string) => string): unknown {
  if (typeof value === 'string') return change(value);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [change(key), each]));
}

function unicodeEscape(unit: number): string {
  return `\\u${unit.toString(16).padStart(4, '0')}`;
}
