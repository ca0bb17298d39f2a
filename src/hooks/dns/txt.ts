/** How TXT records are written in zone files and in the interfaces that speak their language. */

/** One character string holds at most this many bytes; a longer text is several of them. */
const MAX_STRING = 255;

/** `say "hi"` → `"say \"hi\""`; what is not printable ASCII becomes `\DDD`, long texts several strings. */
export function quoteTxt(text: string): string {
  const bytes = Buffer.from(text);
  const strings: string[] = [];
  for (let at = 0; at === 0 || at < bytes.length; at += MAX_STRING) {
    const part = [...bytes.subarray(at, at + MAX_STRING)].map(escapeByte).join('');
    strings.push(`"${part}"`);
  }
  return strings.join(' ');
}

function escapeByte(byte: number): string {
  const char = String.fromCharCode(byte);
  if (char === '"' || char === '\\') return `\\${char}`;
  return byte >= 0x20 && byte < 0x7f ? char : `\\${String(byte).padStart(3, '0')}`;
}

/** The inverse of quoteTxt; text without quotes is taken as it is. */
export function unquoteTxt(content: string): string {
  if (!content.startsWith('"')) return content;
  const bytes: Buffer[] = [];
  for (const [, string = ''] of content.matchAll(/"((?:[^"\\]|\\.)*)"/gs)) {
    // Escaped bytes are put together before they are read as UTF-8: one character may be several of them.
    for (const [token, decimal, char] of string.matchAll(/\\(\d{3})|\\(.)|[^\\]+/gs)) {
      bytes.push(decimal ? Buffer.from([Number(decimal) & 0xff]) : Buffer.from(char ?? token));
    }
  }
  return Buffer.concat(bytes).toString('utf8');
}
