import type { Dice } from './dice.ts';

/** What can happen to the bytes of a file. Each is a pure function of the bytes and of chance. */
export type TextMutator = (bytes: Buffer, dice: Dice) => Buffer;

const cut = (bytes: Buffer, from: number, to: number, put: Buffer | string = '') =>
  Buffer.concat([bytes.subarray(0, from), Buffer.from(put as string), bytes.subarray(to)]);

/** Two places, in order. */
function span(bytes: Buffer, dice: Dice): [number, number] {
  const [a, b] = [dice.below(bytes.length + 1), dice.below(bytes.length + 1)];
  return a < b ? [a, b] : [b, a];
}

function flip(bytes: Buffer, dice: Dice): Buffer {
  const at = dice.below(Math.max(1, bytes.length));
  return cut(bytes, at, at + 1, Buffer.from([(bytes[at] ?? 0) ^ (1 << dice.below(8))]));
}

/** Changes the list of lines. */
const lines =
  (change: (list: string[], dice: Dice) => string[]): TextMutator =>
  (bytes, dice) =>
    Buffer.from(change(bytes.toString('latin1').split('\n'), dice).join('\n'), 'latin1');

/** A name before a colon, as a key of YAML or JSON is, with one mistake in it. */
function mistypeKey(bytes: Buffer, dice: Dice): Buffer {
  const text = bytes.toString('latin1');
  const keys = [...text.matchAll(/"?([A-Za-z][\w-]*)"?\s*:/g)];
  if (keys.length === 0) return flip(bytes, dice);
  const key = dice.one(keys);
  const [all, name = ''] = key;
  const at = dice.below(name.length);
  const wrong = dice.one([
    name.slice(0, at) + name.slice(at + 1),
    name.slice(0, at) + name[at] + name.slice(at),
    name.toUpperCase(),
    `${name}s`,
    `${name} `,
    name.slice(0, at) + (name[at + 1] ?? '') + name[at] + name.slice(at + 2),
  ]);
  const place = key.index;
  return Buffer.from(
    text.slice(0, place) + all.replace(name, wrong) + text.slice(place + all.length),
    'latin1',
  );
}

/** Two keys change places, and their values stay. */
function swapKeys(bytes: Buffer, dice: Dice): Buffer {
  const text = bytes.toString('latin1');
  const keys = [...new Set([...text.matchAll(/([A-Za-z]\w*)"?\s*:/g)].map(([, name]) => name as string))];
  if (keys.length < 2) return flip(bytes, dice);
  const [a, b] = [dice.one(keys), dice.one(keys)];
  return Buffer.from(
    text.replace(new RegExp(`\\b(${a}|${b})\\b(?="?\\s*:)`, 'g'), (name) => (name === a ? b : a)),
    'latin1',
  );
}

/** The value of a key becomes something of another type. */
function otherValue(bytes: Buffer, dice: Dice): Buffer {
  const text = bytes.toString('latin1');
  const values = [...text.matchAll(/: *("[^"]*"|[^\s,{}[\]]+)/g)];
  if (values.length === 0) return flip(bytes, dice);
  const { index, 0: all } = dice.one(values);
  const value = dice.one([
    'null',
    '""',
    '[]',
    '{}',
    '1e999',
    '-1',
    'true',
    '*nope',
    '&a',
    '!!binary x',
    '"\\u0000"',
    '0x',
    '~',
  ]);
  return Buffer.from(`${text.slice(0, index)}: ${value}${text.slice(index + all.length)}`, 'latin1');
}

const append =
  (text: string): TextMutator =>
  (bytes) =>
    Buffer.concat([bytes, Buffer.from(text)]);
const prepend =
  (text: string | Buffer): TextMutator =>
  (bytes) =>
    Buffer.concat([Buffer.from(text as string), bytes]);

const bomb = `bomb0: &b0 [x, x, x, x, x, x, x, x, x]\n${Array.from(
  { length: 9 },
  (_, n) => `bomb${n + 1}: &b${n + 1} [${Array.from({ length: 9 }, () => `*b${n}`).join(', ')}]\n`,
).join('')}`;

/** For any file. */
export const BYTES: Record<string, TextMutator> = {
  'one bit': flip,
  'a few bits': (bytes, dice) => [1, 2, 3, 4].reduce((all) => flip(all, dice), bytes),
  'cut off': (bytes, dice) => bytes.subarray(0, dice.below(bytes.length + 1)),
  'cut at the front': (bytes, dice) => bytes.subarray(dice.below(bytes.length + 1)),
  'a hole': (bytes, dice) => cut(bytes, ...span(bytes, dice)),
  'a hole of zeros': (bytes, dice) => {
    const [from, to] = span(bytes, dice);
    return cut(bytes, from, to, Buffer.alloc(to - from));
  },
  'a piece twice': (bytes, dice) => {
    const [from, to] = span(bytes, dice);
    return cut(bytes, to, to, bytes.subarray(from, to));
  },
  'a piece elsewhere': (bytes, dice) => {
    const [from, to] = span(bytes, dice);
    const at = dice.below(from + 1);
    return cut(cut(bytes, from, to), at, at, bytes.subarray(from, to));
  },
  'random bytes': (bytes, dice) => {
    const at = dice.below(bytes.length + 1);
    return cut(
      bytes,
      at,
      at,
      Buffer.from(Array.from({ length: 1 + dice.below(20) }, () => 128 + dice.below(128))),
    );
  },
  empty: () => Buffer.alloc(0),
  'NUL in the middle': (bytes, dice) => {
    const at = dice.below(bytes.length + 1);
    return cut(bytes, at, at, '\0');
  },
  huge: append(`\n${'#'.repeat(79)}\n`.repeat(60_000)),
};

/** For texts of lines. */
export const LINES: Record<string, TextMutator> = {
  'a line less': lines((list, dice) => list.toSpliced(dice.below(list.length), 1)),
  'lines less': lines((list, dice) => list.toSpliced(dice.below(list.length), 1 + dice.below(6))),
  'a line twice': lines((list, dice) => {
    const at = dice.below(list.length);
    return list.toSpliced(at, 0, list[at] ?? '');
  }),
  'lines swapped': lines((list, dice) => {
    const at = dice.below(list.length);
    return [...list.toSpliced(at, 1), list[at] ?? ''];
  }),
  'a line indented': lines((list, dice) => {
    const at = dice.below(list.length);
    return list.with(at, `  ${list[at]}`);
  }),
  'a line outdented': lines((list, dice) => {
    const at = dice.below(list.length);
    return list.with(at, list[at]?.trimStart() ?? '');
  }),
  'a line commented out': lines((list, dice) => {
    const at = dice.below(list.length);
    return list.with(at, `#${list[at]}`);
  }),
  'a quote less': (bytes) => Buffer.from(bytes.toString('latin1').replace(/"/, ''), 'latin1'),
  'a bracket less': (bytes, dice) =>
    Buffer.from(bytes.toString('latin1').replace(dice.one([/\{/, /\}/, /\[/, /\]/]), ''), 'latin1'),
  'a key mistyped': mistypeKey,
  'keys swapped': swapKeys,
  'another value': otherValue,
  CRLF: (bytes) => Buffer.from(bytes.toString('latin1').replaceAll('\n', '\r\n'), 'latin1'),
  BOM: prepend('\ufeff'),
  'UTF-16': (bytes) => Buffer.from(`\ufeff${bytes.toString()}`, 'utf16le'),
};

/** For YAML. */
export const YAML: Record<string, TextMutator> = {
  'tabs for indentation': (bytes) => Buffer.from(bytes.toString().replaceAll('  ', '\t')),
  'an alias bomb': append(bomb),
  'an alias bomb for models': (bytes) =>
    Buffer.from(`${bomb}${bytes.toString().replace(/^models:.*$/m, 'models: { a: *b9 }')}`),
  'an alias of nothing': append('models: *nope\n'),
  'a star for a key': append('models: { *: tm }\n'),
  'a star for the models': (bytes) =>
    Buffer.from(bytes.toString().replace(/^models:.*$/m, 'models: { *: tm }')),
  'an alias for the flag': (bytes) => Buffer.from(bytes.toString().replace(/^flag:/m, 'flag: *f\nflagg:')),
  'merge keys': append('<<: { flag: { driver: file, path: other.json } }\n'),
  'a key twice': append('flag: { driver: file, path: other.json }\n'),
  'a second document': append('---\nmigration: other\nflag: { driver: file, path: other.json }\n'),
  'a document before': prepend('migration: other\n---\n'),
  'a tag': (bytes) => Buffer.from(bytes.toString().replace(/^flag:/m, 'flag: !!js/function')),
  'a directive': prepend('%YAML 9.9\n---\n'),
  'deep nesting': append(`deep: ${'['.repeat(20_000)}\n`),
  'deep maps': append(`deep: ${'{a: '.repeat(3000)}1${'}'.repeat(3000)}\n`),
  'only the migration': () => Buffer.from('migration: chat-prod\n'),
  'flagg for flag': (bytes) => Buffer.from(bytes.toString().replace(/^flag:/m, 'flagg:')),
  'no flag at all': (bytes) => Buffer.from(bytes.toString().replace(/^flag:.*\n(?: .*\n)*/m, '')),
  'a list': (bytes) => Buffer.from(bytes.toString().replace(/^/gm, '- ')),
  'a word': () => Buffer.from('hello\n'),
  'a proto': append('__proto__: { flag: { driver: file, path: other.json } }\nconstructor: 1\n'),
};

/** For JSON. */
export const JSON_TEXT: Record<string, TextMutator> = {
  'another path': (bytes) => Buffer.from(bytes.toString().replace(/flags\.json/g, 'flagz.json')),
  'another key': (bytes) => Buffer.from(bytes.toString().replace(/"key":"[^"]*"/, '"key":"other"')),
  'another driver': (bytes) =>
    Buffer.from(bytes.toString().replace(/"driver":"\w+"/, '"driver":"carrier pigeon"')),
  'no config in it': (bytes) => Buffer.from(bytes.toString().replace(/"config":/, '"konfig":')),
  null: () => Buffer.from('null'),
  'a number': () => Buffer.from('1e999'),
  'a list': (bytes) => Buffer.from(`[${bytes.toString()}]`),
  'deep lists': () => Buffer.from('['.repeat(100_000)),
  'a proto': (bytes) => Buffer.from(bytes.toString().replace('{', '{"__proto__":{"flags":1,"config":1},')),
};

/** For the journal of an emergency beside the database. */
export const JOURNAL: Record<string, TextMutator> = {
  'as it is': (bytes) => bytes,
  'to 100 %': (bytes) =>
    Buffer.from(
      bytes
        .toString()
        .replace(/"to":\{[^}]*\}/g, '"to":{"status":"complete","ratio":1,"activeProvider":"target"}'),
    ),
  'a shift': (bytes) => Buffer.from(bytes.toString().replaceAll('"kind":"emergency"', '"kind":"shift"')),
  'a flag of another kind': (bytes) =>
    Buffer.from(bytes.toString().replaceAll('"kind":"flag"', '"kind":"__proto__"')),
  'no plan': (bytes) => Buffer.from(bytes.toString().replace(/"plan":/g, '"plam":')),
  'steps that are not there': (bytes) =>
    Buffer.from(bytes.toString().replace(/"position":0/g, '"position":4294967296')),
};
