import { reread, type View, viewOf } from './reread.ts';

/** Knows the secrets of this process, and takes them out of text. */
export interface Redactor {
  /** Keeps this value away from now on; shorter ones than four characters would blot out ordinary words. */
  remember(secret: string): void;
  /** Values that are looked up when something is redacted next, and not before. */
  later(find: () => Iterable<string>): void;
  /** Text that holds no secrets: a short value that stands in it (`legacy`, `8080`) is a word, and stays. */
  plain(text: string): void;
  /** The same text with every secret replaced by `***`, in whatever form it stands there (see formsOf). */
  redact(text: string): string;
}

const MIN_SECRET = 4;
/** Shorter values may be words of the config too. */
const MIN_NO_WORD = 8;
/** A line of a secret that is shorter is nobody's secret: `}`, or the end of a PEM. */
const MIN_LINE = 8;
/** Fewer characters of base64 could be a word. */
const MIN_ENCODED = 6;
/** So much is a secret even with line breaks anywhere in it: `base64` breaks its lines. */
const MIN_BROKEN = 16;
/** How often text is escaped at most: JSON in JSON in a query. */
const MAX_ROUNDS = 4;

/** One spelling of a secret. */
interface Form {
  text: string;
  /** Of base64: what belongs to it on both sides goes with it. */
  encoded: boolean;
}

export function createRedactor(): Redactor {
  const secrets = new Set<string>();
  const plainTexts: string[] = [];
  let finders: (() => Iterable<string>)[] = [];
  let forms: Form[] | undefined;
  const remember = (secret: string) => {
    if (secret.trim().length < MIN_SECRET || secrets.has(secret)) return;
    secrets.add(secret);
    forms = undefined;
  };
  const isWord = (secret: string) =>
    secret.trim().length < MIN_NO_WORD && plainTexts.some((text) => text.includes(secret.trim()));
  return {
    remember,
    later(find) {
      finders.push(find);
    },
    plain(text) {
      plainTexts.push(text);
      forms = undefined;
    },
    redact(text) {
      const due = finders;
      finders = [];
      for (const find of due) for (const secret of find()) remember(secret);
      forms ??= [...secrets].filter((secret) => !isWord(secret)).flatMap(formsOf);
      return forms.length === 0 ? text : blotOut(text, forms);
    },
  };
}

/**
 * The spellings of a secret that are looked for: itself, each of its lines, base64 and base64url of it (also as a part
 * of something longer, such as `user:secret`), hexadecimal. Escapes (JSON, URL, HTML) are undone in the text instead.
 */
function formsOf(secret: string): Form[] {
  const trimmed = secret.trim();
  const lines = trimmed.split(/\s*\n\s*/);
  const parts =
    lines.length === 1 ? [] : lines.filter((line) => line.length >= MIN_LINE && !/^-----/.test(line));
  const plain = [trimmed, ...(/\s/.test(trimmed) ? [trimmed.replace(/\s/g, '+')] : []), ...parts];
  const hex = Buffer.from(trimmed).toString('hex');
  return [
    ...plain.flatMap(spellings).map((text) => ({ text, encoded: false })),
    ...encodedForms(Buffer.from(trimmed)).map((text) => ({ text, encoded: true })),
    ...[hex, hex.toUpperCase()].map((text) => ({ text, encoded: false })),
  ];
}

/** What escapes begin with. */
const MAY_ESCAPE = /[\\%&]/;

/** A text as it stands, and as it reads when what looks like an escape in it was undone. */
function spellings(text: string): string[] {
  const folded = text.replace(/\s+/g, ' ');
  if (!MAY_ESCAPE.test(text)) return [folded];
  return [...new Set([folded, layersOf(text).at(-1)?.text ?? folded])];
}

/**
 * Base64 of bytes: whole, and the characters that they give wherever they stand in something longer (three bytes make
 * four characters, so there are three ways).
 */
function encodedForms(bytes: Buffer): string[] {
  const within = [0, 1, 2].map((offset) => {
    const text = Buffer.concat([Buffer.alloc(offset), bytes]).toString('base64');
    return text.slice(Math.ceil((offset * 4) / 3), Math.floor(((offset + bytes.length) * 4) / 3));
  });
  const whole = bytes.toString('base64').replace(/=+$/, '');
  return [whole, ...within.filter((text) => text.length > MIN_ENCODED)]
    .filter((text) => text.length >= MIN_ENCODED)
    .flatMap((text) => [...new Set([text, text.replaceAll('+', '-').replaceAll('/', '_')])]);
}

/** A text as it stands, then with its escapes undone, again and again while there are any. */
function layersOf(text: string): View[] {
  const layers = [viewOf(text)];
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const next = reread(layers.at(-1) as View);
    if (next === null) break;
    layers.push(next);
  }
  return layers;
}

type Range = [from: number, to: number];

function blotOut(text: string, forms: readonly Form[]): string {
  const long = forms
    .filter((form) => form.text.length >= MIN_BROKEN)
    .map(({ text: spelling, encoded }) => ({ text: spelling.replaceAll(' ', ''), encoded }));
  const ranges = layersOf(text).flatMap((layer) => [
    ...found(layer, forms),
    ...(layer.text.includes(' ') ? found(withoutSpaces(layer), long) : []),
  ]);
  if (ranges.length === 0) return text;
  ranges.sort(([a], [b]) => a - b);
  let clean = '';
  let at = 0;
  let open = false;
  for (const [from, to] of ranges) {
    if (from > at || !open) clean += `${text.slice(at, from)}***`;
    open = true;
    at = Math.max(at, to);
  }
  return clean + text.slice(at);
}

function found(view: View, forms: readonly Form[]): Range[] {
  const ranges: Range[] = [];
  for (const { text, encoded } of forms) {
    for (let at = view.text.indexOf(text); at !== -1; at = view.text.indexOf(text, at + 1)) {
      let [first, last] = [at, at + text.length - 1];
      if (encoded) {
        while (goesOn(view, first - 1)) first -= 1;
        while (goesOn(view, last)) last += 1;
      }
      ranges.push([view.from[first] as number, view.to[last] as number]);
    }
  }
  return ranges;
}

const BASE64 = /[A-Za-z0-9+/_=-]/;

/** Whether base64 goes on from one unit to the next, and nothing stood between them. */
function goesOn({ text, from, to }: View, at: number): boolean {
  return to[at] === from[at + 1] && BASE64.test(text[at] ?? '') && BASE64.test(text[at + 1] ?? '');
}

function withoutSpaces({ text, from, to }: View): View {
  const kept = from.map((_, i) => i).filter((i) => text[i] !== ' ');
  return {
    text: text.replaceAll(' ', ''),
    from: kept.map((i) => from[i] as number),
    to: kept.map((i) => to[i] as number),
  };
}
