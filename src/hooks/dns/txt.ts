/** How TXT records are written in zone files and in the interfaces that speak their language. */

/** One character string holds at most this many bytes; a longer text is several of them. */
const MAX_STRING = 255;

/** The base in which a byte's number is written after a backslash: 10 in zone files, 8 for Route 53. */
export type EscapeBase = 10 | 8;

/** `say "hi"` → `"say \"hi\""`; what is not printable ASCII becomes `\DDD`, long texts several strings. */
export function quoteTxt(text: string, base: EscapeBase = 10): string {
  const bytes = Buffer.from(text);
  const strings: Buffer[] = [];
  for (let at = 0; at === 0 || at < bytes.length; at += MAX_STRING) {
    strings.push(bytes.subarray(at, at + MAX_STRING));
  }
  return quoteStrings(strings, base);
}

/** Character strings as they are cut: `"v=one" "two"`. */
export function quoteStrings(strings: readonly Uint8Array[], base: EscapeBase = 10): string {
  return strings.map((bytes) => `"${[...bytes].map((byte) => escapeByte(byte, base)).join('')}"`).join(' ');
}

function escapeByte(byte: number, base: EscapeBase): string {
  const char = String.fromCharCode(byte);
  if (char === '"' || char === '\\') return `\\${char}`;
  return byte >= 0x20 && byte < 0x7f ? char : `\\${byte.toString(base).padStart(3, '0')}`;
}

/**
 * The text of a TXT record: its strings as one, text without quotes as it is. Bytes that are no UTF-8 are no text: then
 * the content itself, which differs for different bytes, stands for it.
 */
export function unquoteTxt(content: string, base: EscapeBase = 10): string {
  if (!content.startsWith('"')) return content;
  const strings = bytesOf(content, base);
  const bytes = Buffer.concat(strings);
  const text = bytes.toString('utf8');
  return Buffer.from(text).equals(bytes) ? text : quoteStrings(strings);
}

function bytesOf(content: string, base: EscapeBase): Buffer[] {
  return [...content.matchAll(/"((?:[^"\\]|\\.)*)"/gs)].map(([, string = '']) =>
    // Escaped bytes are put together before they are read as UTF-8: one character may be several of them.
    Buffer.concat(
      [...string.matchAll(/\\(\d{3})|\\(.)|[^\\]+/gs)].map(([token, digits, char]) =>
        digits ? Buffer.from([Number.parseInt(digits, base) & 0xff]) : Buffer.from(char ?? token),
      ),
    ),
  );
}

/** Whether a content is whole quoted strings and nothing else, on one line. */
export function isQuoted(content: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused
  return /^"(?:[^"\\\u0000-\u001f\u007f]|\\[^\u0000-\u001f\u007f])*"(?: "(?:[^"\\\u0000-\u001f\u007f]|\\[^\u0000-\u001f\u007f])*")*$/.test(
    content,
  );
}
