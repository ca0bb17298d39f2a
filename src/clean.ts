import { type Change, changedIn, createJsonWriter, replacerOf } from './json-value.ts';

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
export function jsonText(document: unknown, indent = 2, change?: Change): string {
  return escaped(JSON.stringify(document, replacerOf(change), indent));
}

function escaped(json: string): string {
  if (ORDINARY.test(json)) return json;
  return json.replace(UNSAFE, (character) =>
    character === '\n'
      ? character
      : [...Array(character.length).keys()].map((i) => unicodeEscape(character.charCodeAt(i))).join(''),
  );
}

/** As much is written at a time. */
const PIECE = 16 * 1024;

/** So many strings are kept as they were changed: the names of fields are in every element of a list. */
const KEPT = 1000;

/**
 * The same text in pieces: the document may be larger than a text can be, and its lists may be made while they are
 * written. What is iterable is a list; a list within a list is written at once. No string is in two pieces.
 */
export function* jsonPieces(
  document: Readonly<Record<string, unknown>>,
  change: Change = (text) => text,
): Generator<string> {
  let piece = '';
  for (const part of parts(document, '', rememberingFirst(change))) {
    piece += part;
    if (piece.length < PIECE) continue;
    yield escaped(piece);
    piece = '';
  }
  yield escaped(piece);
}

function rememberingFirst(change: Change): Change {
  const known = new Map<string, string>();
  return (text) => {
    let changed = known.get(text);
    if (changed === undefined) {
      changed = change(text);
      if (known.size < KEPT) known.set(text, changed);
    }
    return changed;
  };
}

function* parts(value: unknown, indent: string, change: Change): Generator<string> {
  if (typeof value !== 'object' || value === null) {
    yield JSON.stringify(changedIn(value, change));
    return;
  }
  const isList = Symbol.iterator in value;
  const inner = `${indent}  `;
  let before = isList ? '[' : '{';
  const [open, close] = [before, isList ? ']' : '}'];
  if (isList) {
    const newline = `\n${inner}`;
    const write = createJsonWriter(newline, change);
    for (const each of value as Iterable<unknown>) {
      yield `${before}${newline}${write(each) ?? 'null'}`;
      before = ',';
    }
  } else {
    for (const [key, each] of Object.entries(changedIn(value, change) as object)) {
      if (each === undefined) continue;
      yield `${before}\n${inner}${JSON.stringify(key)}: `;
      yield* parts(each, inner, change);
      before = ',';
    }
  }
  yield before === open ? `${open}${close}` : `\n${indent}${close}`;
}

function unicodeEscape(unit: number): string {
  return `\\u${unit.toString(16).padStart(4, '0')}`;
}
