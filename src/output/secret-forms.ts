import { isOpener, MAX_DEPTH, spellingOf } from './spelling.ts';

/** One of the ways in which a secret is written. Its escapes are no form: they are undone in the text. */
export interface Form {
  bytes: Uint8Array;
  kind: 'text' | 'base64' | 'hex';
  /** It is known with line breaks and other white space anywhere in it; there is none in `bytes` then. */
  broken: boolean;
}

/** A line of a secret that is shorter is nobody's secret: `}`, or the end of a PEM. */
const MIN_LINE = 8;
/** Fewer characters of base64 could be a word. */
const MIN_ENCODED = 6;
/** So much is a secret even with white space anywhere in it: `base64` breaks its lines. */
const MIN_BROKEN = 16;
const MIN_BROKEN_ENCODED = 10;

/**
 * The forms of a secret that are looked for: itself, each of its lines, base64 and base64url of them (also as a part of
 * something longer, such as `user:secret`), hexadecimal; of what a PEM holds, the bytes themselves.
 */
export function secretForms(secret: string): Form[] {
  const trimmed = secret.trim();
  // An environment often holds a PEM as one line, with \n written out.
  const lines = trimmed.split(
    trimmed.startsWith('-----') ? /(?:\s|\\r|\\n)*(?:\n|\\n)(?:\s|\\r|\\n)*/ : /\s*\n\s*/,
  );
  const parts =
    lines.length === 1 ? [] : lines.filter((line) => line.length >= MIN_LINE && !line.startsWith('-----'));
  const texts = [trimmed, ...parts];
  const held =
    lines.length > 1 && trimmed.startsWith('-----') ? parts.map((line) => Buffer.from(line, 'base64')) : [];
  const body = held.length > 0 ? [Buffer.concat(held)] : [];
  const forms = [
    ...texts.flatMap(textForms),
    ...(/\s/.test(trimmed) ? textForms(trimmed.replace(/\s/g, '+')) : []),
    ...parts.filter((part) => /[+/]/.test(part)).flatMap((part) => textForms(urlSafe(part))),
    ...texts.flatMap((text) => base64Forms(Buffer.from(text))),
    ...body.flatMap(base64Forms),
    ...[...texts.map((text) => Buffer.from(text)), ...held, ...body].flatMap(hexForms),
  ];
  return [
    ...new Map(
      forms.map((form) => [`${form.kind} ${Buffer.from(form.bytes).toString('latin1')}`, form]),
    ).values(),
  ];
}

/** A text as it stands, and as it reads when what looks like an escape in it was undone. */
function textForms(text: string): Form[] {
  const bytes = Buffer.from(text);
  const forms = bytes.some(isOpener) ? [bytes, undone(bytes)] : [bytes];
  return forms.map((form) => {
    const without = Buffer.from(form.filter((byte) => !isSpace(byte)));
    const broken = without.length >= MIN_BROKEN;
    return { bytes: broken ? without : oneSpaceEach(form), kind: 'text', broken };
  });
}

/**
 * Base64 of bytes: whole, and the characters that they give wherever they stand in something longer (three bytes make
 * four characters, so there are three ways).
 */
function base64Forms(bytes: Uint8Array): Form[] {
  const within = [0, 1, 2].map((offset) => {
    const text = Buffer.concat([Buffer.alloc(offset), bytes]).toString('base64');
    return text.slice(Math.ceil((offset * 4) / 3), Math.floor(((offset + bytes.length) * 4) / 3));
  });
  const whole = Buffer.from(bytes).toString('base64').replace(/=+$/, '');
  return [whole, ...within.filter((text) => text.length > MIN_ENCODED)]
    .filter((text) => text.length >= MIN_ENCODED)
    .flatMap((text) => [...new Set([text, urlSafe(text)])])
    .map((text) => ({ bytes: Buffer.from(text), kind: 'base64', broken: text.length >= MIN_BROKEN_ENCODED }));
}

function hexForms(bytes: Buffer): Form[] {
  const hex = bytes.toString('hex');
  return [hex, hex.toUpperCase()].map((text) => ({
    bytes: Buffer.from(text),
    kind: 'hex',
    broken: text.length >= MIN_BROKEN,
  }));
}

export function isSpace(unit: number): boolean {
  return unit === 0x20 || (unit >= 0x09 && unit <= 0x0d);
}

function urlSafe(base64: string): string {
  return base64.replaceAll('+', '-').replaceAll('/', '_');
}

function oneSpaceEach(bytes: Uint8Array): Uint8Array {
  return Buffer.from(
    Buffer.from(bytes)
      .toString('latin1')
      .replace(/[\t-\r ]+/g, ' '),
    'latin1',
  );
}

function undone(bytes: Uint8Array): Uint8Array {
  const spelling = spellingOf(bytes, true);
  const parts: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at = spelling.next) {
    parts.push(bytesOf(spelling.read(at, MAX_DEPTH)));
  }
  return Buffer.concat(parts);
}

/** The bytes of what was read: a code point in UTF-8, or the one byte that it is. */
export function bytesOf(unit: number): Uint8Array {
  return unit < 0 ? Uint8Array.of(-unit) : Buffer.from(String.fromCodePoint(unit));
}
