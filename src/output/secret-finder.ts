import { bytesOf, type Form, isSpace } from './secret-forms.ts';
import { isOpener, MAX_DEPTH, MORE, meansNoAscii, NONE, OPENERS, opens, spellingOf } from './spelling.ts';

/** Finds secrets in bytes, in whatever form and with whatever escapes they stand there. */
export interface SecretFinder {
  /**
   * Calls `found` for each place, in the order in which they begin; they may overlap.
   * @param whole nothing follows these bytes
   * @returns up to where it is certain what is a secret: the end, or the first byte of what may become one
   */
  search(
    data: Uint8Array,
    whole: boolean,
    found: (from: number, to: number, kind: Form['kind']) => void,
  ): number;
}

/** Much more white space than this between two characters of a secret is no line break and its indentation. */
const MAX_GAP = 64;
const [COLON, LINE_FEED, RETURN, SPACE] = [0x3a, 0x0a, 0x0d, 0x20];

/** @param across whether a secret may go on after a blank line; where it may not, one ends an event of a stream */
export function createFinder(forms: readonly Form[], across: boolean): SecretFinder {
  const byFirst = new Map<number, Form[]>();
  for (const form of forms) {
    const first = form.bytes[0] as number;
    byFirst.set(first, [...(byFirst.get(first) ?? []), form]);
  }
  const pairs = beginnings(forms, byFirst);
  // Smaller than the pairs, and asked about each byte.
  const starts = new Uint8Array(0x100).map((_, first) => Number(pairs.indexOf(1, first << 8) >> 8 === first));
  const beginInAscii = forms.every(({ bytes }) =>
    bytes.subarray(0, 2).every((byte) => byte > SPACE && byte < 0x80 && !isOpener(byte)),
  );

  /** A look at a few bytes, which nearly no place passes where no secret begins. */
  function mayBegin(data: Uint8Array, at: number): boolean {
    const first = data[at] as number;
    const mayFollow = (byte: number | undefined) => byte === undefined || pairs[(first << 8) | byte] === 1;
    if (!mayFollow(data[at + 1])) return false;
    if (!beginInAscii) return true;
    if (meansNoAscii(data, at)) return false;
    if (isOpener(first)) return true;
    // White space may stand between two letters of a secret; what comes after it decides.
    for (let next = at + 1; ; ) {
      const byte = data[next] ?? NONE;
      const meaning = opens(byte, data[next + 1] ?? NONE);
      if (isSpace(byte)) next += 1;
      else if (typeof meaning !== 'number') return mayFollow(data[next]) && !meansNoAscii(data, next);
      else if (isSpace(meaning)) next += 2;
      else return mayFollow(meaning);
    }
  }

  return {
    search(data, whole, found) {
      let walker: ReturnType<typeof createWalker> | undefined;
      const last = data.length - 1;
      for (let at = 0; at < last; at++) {
        if (starts[data[at] as number] === 0 || !mayBegin(data, at)) continue;
        walker ??= createWalker(data, whole, across);
        let to = NONE;
        let kind: Form['kind'] = 'text';
        for (let depth = 0; depth <= MAX_DEPTH; depth++) {
          const first = walker.firstByte(at, depth);
          if (first === MORE) return at;
          const begun = byFirst.get(first);
          // Nothing to undo: the other layers are the same.
          if (!begun && !isOpener(first)) break;
          for (const form of begun ?? []) {
            const end = walker.walk(form, at, depth);
            if (end === MORE) return at;
            if (end > to) [to, kind] = [end, form.kind];
          }
          if (!walker.escapes()) break;
        }
        if (to !== NONE) found(at, to, kind);
      }
      const open =
        last >= 0 && !whole && (byFirst.has(data[last] as number) || isOpener(data[last] as number));
      return open ? last : data.length;
    },
  };
}

/** Marks the pairs of bytes that a secret may begin with: nearly all others are passed over at once. */
function beginnings(forms: readonly Form[], byFirst: ReadonlyMap<number, unknown>): Uint8Array {
  const pairs = new Uint8Array(0x10000);
  for (const { bytes, kind, broken } of forms) {
    const [first, second] = bytes as unknown as [number, number];
    for (let next = 0; next < 0x100; next++) {
      const goesOn = next === second || isOpener(next) || (second === SPACE && isSpace(next));
      if (goesOn || (broken && isGap(next, kind))) pairs[(first << 8) | next] = 1;
    }
  }
  for (const opener of OPENERS) {
    for (let next = 0; next < 0x100; next++) {
      const meaning = opens(opener, next);
      if (typeof meaning === 'number' ? byFirst.has(meaning) : meaning) pairs[(opener << 8) | next] = 1;
    }
  }
  return pairs;
}

/** Follows forms through bytes. */
function createWalker(data: Uint8Array, whole: boolean, across: boolean) {
  const spelling = spellingOf(data, whole);
  let escapes = false;

  return {
    /** Whether what was read since firstByte may be undone further. */
    escapes: () => escapes,

    firstByte(at: number, depth: number): number {
      const unit = spelling.read(at, depth);
      escapes = isOpener(unit);
      return unit === MORE ? MORE : leadOf(unit);
    },

    /** Where a form that begins at `from` ends, MORE when the bytes end before it, NONE when it does not stand there. */
    walk({ bytes, kind, broken }: Form, from: number, depth: number): number {
      let at = from;
      let gap = 0;
      let lineFeeds = 0;
      let returns = 0;
      for (let matched = 0; matched < bytes.length; ) {
        const byte = data[at] ?? NONE;
        const wanted = bytes[matched] as number;
        if (byte === wanted && !isOpener(byte)) {
          matched += 1;
          at += 1;
          gap = lineFeeds = returns = 0;
          continue;
        }
        const plain = byte >= 0 && byte < 0x80 && !isOpener(byte);
        const unit = plain ? byte : spelling.read(at, depth);
        if (unit === MORE || unit === NONE) return unit;
        if (isOpener(unit)) escapes = true;
        const length = wanted === SPACE && isSpace(unit) ? 1 : standsFor(unit, bytes, matched);
        if (length > 0) {
          matched += length;
          gap = lineFeeds = returns = 0;
        } else {
          const mayGap = broken ? isGap(unit, kind) : bytes[matched - 1] === SPACE && isSpace(unit);
          if (matched === 0 || !mayGap || gap === MAX_GAP) return NONE;
          gap += 1;
          if (unit === LINE_FEED) lineFeeds += 1;
          if (unit === RETURN) returns += 1;
          if (!across && (lineFeeds > 1 || returns > 1)) return NONE;
        }
        at = plain ? at + 1 : spelling.next;
      }
      return at;
    },
  };
}

/** How many bytes of a form, from `at`, are what was read; 0 when it is something else. */
function standsFor(unit: number, bytes: Uint8Array, at: number): number {
  if (unit < 0x80) return Math.abs(unit) === bytes[at] ? 1 : 0;
  if (leadOf(unit) !== bytes[at]) return 0;
  const wanted = bytesOf(unit);
  return wanted.every((byte, i) => bytes[at + i] === byte) ? wanted.length : 0;
}

/** The first byte in UTF-8 of what was read. */
function leadOf(unit: number): number {
  if (unit < 0x80) return Math.abs(unit);
  if (unit < 0x800) return 0xc0 | (unit >> 6);
  return unit < 0x10000 ? 0xe0 | (unit >> 12) : 0xf0 | (unit >> 18);
}

/** What may stand between two characters: white space, and what sets the bytes of a hexadecimal dump apart. */
function isGap(unit: number, kind: Form['kind']): boolean {
  return isSpace(unit) || (kind === 'hex' && unit === COLON);
}
