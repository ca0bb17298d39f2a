/**
 * Text from a log or a server, safe to print: control characters (terminal escapes among them), line breaks and
 * characters that reverse the writing direction become visible escapes such as `\x1b`.
 */
export function clean(text: string, maxLength = 200): string {
  const safe = text.replace(UNSAFE, (character) => {
    const code = character.codePointAt(0) as number;
    return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u{${code.toString(16)}}`;
  });
  return safe.length > maxLength ? `${safe.slice(0, maxLength - 1)}…` : safe;
}

/** Text from outside (logs, servers, scripts) as it may be shown, whole. */
export function safe(text: string): string {
  return clean(text, Number.POSITIVE_INFINITY);
}

// Cc, Cf (bidirectional controls, zero-width characters), line and paragraph separators, lone surrogates.
const UNSAFE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;

/**
 * A JSON document as text. JSON leaves C1 controls, DEL and bidirectional controls as they are, and a terminal
 * obeys them; escaped, they mean the same to a parser.
 */
export function jsonText(document: unknown): string {
  return escaped(JSON.stringify(document, null, 2));
}

function escaped(json: string): string {
  return json.replace(UNSAFE, (text) =>
    text === '\n'
      ? text
      : [...Array(text.length).keys()].map((i) => unicodeEscape(text.charCodeAt(i))).join(''),
  );
}

/** As much is written at a time. */
const PIECE = 16 * 1024;

/**
 * The same text in pieces: the document may be larger than a text can be, and its lists may be made while they are
 * written. What is iterable is a list; a list within a list is written at once.
 */
export function* jsonPieces(document: Readonly<Record<string, unknown>>): Generator<string> {
  let piece = '';
  for (const part of parts(document, '')) {
    piece += part;
    if (piece.length < PIECE) continue;
    yield escaped(piece);
    piece = '';
  }
  yield escaped(piece);
}

function* parts(value: unknown, indent: string): Generator<string> {
  if (typeof value !== 'object' || value === null) {
    yield JSON.stringify(value);
    return;
  }
  const isList = Symbol.iterator in value;
  const inner = `${indent}  `;
  let before = isList ? '[' : '{';
  const [open, close] = [before, isList ? ']' : '}'];
  if (isList) {
    for (const each of value as Iterable<unknown>) {
      yield `${before}\n${inner}${(JSON.stringify(each, null, 2) ?? 'null').replaceAll('\n', `\n${inner}`)}`;
      before = ',';
    }
  } else {
    for (const [key, each] of Object.entries(value)) {
      if (each === undefined) continue;
      yield `${before}\n${inner}${JSON.stringify(key)}: `;
      yield* parts(each, inner);
      before = ',';
    }
  }
  yield before === open ? `${open}${close}` : `\n${indent}${close}`;
}

function unicodeEscape(unit: number): string {
  return `\\u${unit.toString(16).padStart(4, '0')}`;
}
