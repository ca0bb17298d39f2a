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
  return JSON.stringify(document, null, 2).replace(UNSAFE, (text) =>
    text === '\n'
      ? text
      : [...Array(text.length).keys()].map((i) => unicodeEscape(text.charCodeAt(i))).join(''),
  );
}

function unicodeEscape(unit: number): string {
  return `\\u${unit.toString(16).padStart(4, '0')}`;
}
