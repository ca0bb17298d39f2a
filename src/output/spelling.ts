/**
 * Reads a text as it means after its escapes were undone, layer by layer: JSON and JavaScript (`\n`, `\u00e9`, `\x1b`),
 * URL (`%2F`), HTML (`&amp;`). Nothing is copied: each place is read when somebody asks for it.
 */
export interface Spelling {
  /**
   * @param at place of a byte
   * @param depth how many layers of escapes are undone: JSON in JSON in a query has three
   * @returns a code point; a byte that is no ASCII as its negative; MORE or NONE
   */
  read(at: number, depth: number): number;
  /** Where what was read last ends. */
  readonly next: number;
}

/** How often text is escaped at most. */
export const MAX_DEPTH = 4;
/** What follows decides: the bytes end too early. */
export const MORE = -0x1000;
/** Nothing stands there. */
export const NONE = -0x1001;

const [BACKSLASH, PERCENT, AMPERSAND] = [0x5c, 0x25, 0x26];
const NAMED = new Map(
  Object.entries({
    b: '\b',
    f: '\f',
    n: '\n',
    r: '\r',
    t: '\t',
    '\\': '\\',
    '/': '/',
    '"': '"',
    "'": "'",
    '`': '`',
  }).map(([name, meaning]) => [code(name), code(meaning)]),
);
const ENTITIES: Readonly<Record<string, number>> = {
  ...{ amp: AMPERSAND, lt: code('<'), gt: code('>'), quot: code('"'), apos: code("'") },
};
const LONGEST_ENTITY = 4;
/** How many places are kept in mind with what was read there. */
const KNOWN = 256;

/** The bytes that escapes begin with. */
export const OPENERS: readonly number[] = [BACKSLASH, PERCENT, AMPERSAND];

/** Whether an escape may begin with this byte. */
export function isOpener(byte: number): boolean {
  return byte === BACKSLASH || byte === PERCENT || byte === AMPERSAND;
}

/**
 * Whether these two bytes may begin an escape: true, the code point that it means where they are the whole of it, or
 * false.
 */
export function opens(first: number, second: number): boolean | number {
  if (first === PERCENT) return isOpener(second) || hexValue(second) >= 0;
  if (first === AMPERSAND) return isOpener(second) || /[#a-z]/i.test(String.fromCharCode(second));
  if (first !== BACKSLASH) return false;
  const named = NAMED.get(lower(second));
  if (named !== undefined && named !== BACKSLASH) return named;
  return isOpener(second) || /[ux]/i.test(String.fromCharCode(second));
}

/**
 * Whether what stands here means no ASCII letter, digit or sign but a backslash, however many layers are undone. Most
 * text in other alphabets, and a long run of backslashes, need not be read then.
 */
export function meansNoAscii(data: Uint8Array, at: number): boolean {
  if (data[at] !== BACKSLASH) return false;
  const third = data[at + 2];
  if (data[at + 1] === code('u') && third !== undefined) return third !== code('0') && hexValue(third) >= 0;
  for (let i = 1; i < 2 ** MAX_DEPTH; i++) if (data[at + i] !== BACKSLASH) return false;
  return true;
}

/** @param whole nothing follows these bytes; without it an escape that they cut short is MORE. */
export function spellingOf(data: Uint8Array, whole: boolean): Spelling {
  const { length } = data;
  const end = whole ? NONE : MORE;
  let next = 0;
  let known: Int32Array | undefined;

  /** As read does, where each half of a surrogate pair stands for itself. */
  function unit(at: number, depth: number): number {
    if (at >= length) return end;
    const byte = data[at] as number;
    if (depth === 0 || !isOpener(byte)) {
      next = at + 1;
      return byte < 0x80 ? byte : -byte;
    }
    if (depth === 1) return undone(at, depth);
    // Without it a run of backslashes would be read anew from each of them, and in each layer.
    known ??= new Int32Array(KNOWN * MAX_DEPTH * 3);
    const slot = ((at % KNOWN) * MAX_DEPTH + depth - 1) * 3;
    if (known[slot] !== at + 1) {
      const read = undone(at, depth);
      known.set([at + 1, read, next], slot);
    }
    next = known[slot + 2] as number;
    return known[slot + 1] as number;
  }

  function undone(at: number, depth: number): number {
    const opener = unit(at, depth - 1);
    const after = next;
    const meaning = escapedBy(opener, after, depth - 1);
    if (meaning !== NONE) return meaning;
    next = after;
    return opener;
  }

  function escapedBy(opener: number, at: number, depth: number): number {
    if (opener === BACKSLASH) return afterBackslash(at, depth);
    if (opener === PERCENT) {
      const byte = digits(at, depth, 16, 2, 2);
      return byte < 0x80 ? byte : -byte;
    }
    return opener === AMPERSAND ? entity(at, depth) : NONE;
  }

  function afterBackslash(at: number, depth: number): number {
    const name = lower(unit(at, depth));
    if (name === MORE) return MORE;
    if (name === code('x')) return digits(next, depth, 16, 2, 2);
    if (name !== code('u')) return NAMED.get(name) ?? NONE;
    const after = next;
    if (unit(after, depth) !== code('{')) return digits(after, depth, 16, 4, 4);
    return closed(digits(next, depth, 16, 1, 6), '}', depth);
  }

  function entity(at: number, depth: number): number {
    const first = unit(at, depth);
    if (first === code('#')) {
      const after = next;
      if (lower(unit(after, depth)) === code('x')) return closed(digits(next, depth, 16, 1, 6), ';', depth);
      return closed(digits(after, depth, 10, 1, 7), ';', depth);
    }
    let name = '';
    for (let letter = first; ; letter = unit(next, depth)) {
      if (letter === MORE) return MORE;
      if (letter === code(';')) return Object.hasOwn(ENTITIES, name) ? (ENTITIES[name] as number) : NONE;
      if (letter < 0x41 || letter > 0x7a || name.length === LONGEST_ENTITY) return NONE;
      name += String.fromCharCode(lower(letter));
    }
  }

  function digits(at: number, depth: number, base: 10 | 16, fewest: number, most: number): number {
    let value = 0;
    let count = 0;
    for (let place = at; count < most; count++, place = next) {
      const found = unit(place, depth);
      if (found === MORE) return MORE;
      const digit = hexValue(found);
      if (digit < 0 || digit >= base) {
        next = place;
        break;
      }
      value = value * base + digit;
    }
    return count < fewest || value > 0x10ffff ? NONE : value;
  }

  function closed(value: number, by: string, depth: number): number {
    if (value < 0) return value;
    const found = unit(next, depth);
    return found === MORE ? MORE : found === code(by) ? value : NONE;
  }

  return {
    read(at, depth) {
      const first = unit(at, depth);
      if (first < 0xd800 || first > 0xdbff) return first;
      const after = next;
      const second = unit(after, depth);
      if (second === MORE) return MORE;
      if (second >= 0xdc00 && second <= 0xdfff) return 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00);
      next = after;
      return first;
    },
    get next() {
      return next;
    },
  };
}

function code(character: string): number {
  return character.charCodeAt(0);
}

function lower(letter: number): number {
  return letter >= 0x41 && letter <= 0x5a ? letter + 0x20 : letter;
}

/** 0 to 15, or -1. */
function hexValue(digit: number): number {
  if (digit >= 0x30 && digit <= 0x39) return digit - 0x30;
  const letter = lower(digit);
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x61 + 10 : -1;
}
