import {
  block,
  br,
  brIf,
  type Callable,
  type Code,
  i32,
  loop,
  type Module,
  ret,
  v128,
  when,
} from './wasm.ts';

/** Functions that find the end of something in the memory: the place after it, or -1 where it is not JSON. */
export interface JsonFunctions {
  /** From the opening quote of a text. */
  text: Callable;
  number: Callable;
  /** Any value. */
  value: Callable;
}

export const byte = (character: string) => character.charCodeAt(0);
export const QUOTE = byte('"');
const BACKSLASH = byte('\\');
/** The value at hand is none that is read here. */
export const FAIL = [ret(-1)];
/** Deeper values are left to JSON.parse. */
const MAX_DEPTH = 32;

export const isDigit = (character: Code | number): Code => i32.lt(i32.sub(character, byte('0')), 10);
const oneOf = (value: Code, characters: string): Code =>
  [...characters].map((each) => i32.eq(value, byte(each))).reduce((a, b) => i32.or(a, b));

/** Whether a value has ended before a character, for certain. */
export const endsValue = (character: Code): Code =>
  i32.or(i32.eq(character, byte(',')), i32.eq(character, byte('}')));

/** The grammar of JSON (RFC 8259), exactly as strict as JSON.parse. No line break is passed. */
export function jsonFunctions(module: Module): JsonFunctions {
  const blanks = module.define({ params: ['i32'], result: 'i32' }, (_local, p) => [
    loop((again) => [when(oneOf(i32.load8(p), ' \t\r'), [p.set(i32.add(p, 1)), br(again)])]),
    ret(p),
  ]);

  const isHex = (value: Code) => i32.or(isDigit(value), i32.lt(i32.sub(i32.or(value, 0x20), byte('a')), 6));
  const text = module.define({ params: ['i32'], result: 'i32' }, (local, p) => {
    const [bytes, special, character] = [local('v128'), local('i32'), local('i32')];
    return [
      p.set(i32.add(p, 1)),
      loop((again) => [
        bytes.set(v128.load(p)),
        special.set(
          v128.bitmask(
            v128.or(
              v128.or(v128.eq(bytes, v128.splat(QUOTE)), v128.eq(bytes, v128.splat(BACKSLASH))),
              v128.lt(bytes, v128.splat(0x20)),
            ),
          ),
        ),
        when(i32.eqz(special), [p.set(i32.add(p, 16)), br(again)]),
        p.set(i32.add(p, i32.ctz(special))),
        character.set(i32.load8(p)),
        when(i32.eq(character, QUOTE), [ret(i32.add(p, 1))]),
        when(i32.ne(character, BACKSLASH), [ret(-1)]),
        character.set(i32.load8(p, 1)),
        when(oneOf(character, '"\\/bfnrt'), [p.set(i32.add(p, 2)), br(again)]),
        when(i32.ne(character, byte('u')), [ret(-1)]),
        ...[2, 3, 4, 5].map((offset) => when(i32.eqz(isHex(i32.load8(p, offset))), [ret(-1)])),
        p.set(i32.add(p, 6)),
        br(again),
      ]),
      ret(-1),
    ];
  });

  const digits = module.define({ params: ['i32'], result: 'i32' }, (_local, p) => [
    when(i32.eqz(isDigit(i32.load8(p))), [ret(-1)]),
    loop((again) => [p.set(i32.add(p, 1)), brIf(again, isDigit(i32.load8(p)))]),
    ret(p),
  ]);
  const number = module.define({ params: ['i32'], result: 'i32' }, (_local, p) => [
    when(i32.eq(i32.load8(p), byte('-')), [p.set(i32.add(p, 1))]),
    when(
      i32.eq(i32.load8(p), byte('0')),
      [p.set(i32.add(p, 1))],
      [p.set(digits(p)), when(i32.eq(p, -1), [ret(-1)])],
    ),
    when(i32.eq(i32.load8(p), byte('.')), [p.set(digits(i32.add(p, 1))), when(i32.eq(p, -1), [ret(-1)])]),
    when(i32.eq(i32.or(i32.load8(p), 0x20), byte('e')), [
      p.set(i32.add(p, 1)),
      when(oneOf(i32.load8(p), '+-'), [p.set(i32.add(p, 1))]),
      p.set(digits(p)),
    ]),
    ret(p),
  ]);

  const itself = module.next();
  const value = module.define({ params: ['i32', 'i32'], result: 'i32' }, (local, p, depth) => {
    const [first, close] = [local('i32'), local('i32')];
    const word = (letters: string) =>
      when(i32.eq(first, byte(letters)), [
        ...[...letters].map((letter, i) => when(i32.ne(i32.load8(p, i), byte(letter)), [ret(-1)])),
        ret(i32.add(p, letters.length)),
      ]);
    const orFail = (set: Code, p: Code) => [set, when(i32.eq(p, -1), [ret(-1)])];
    return [
      first.set(i32.load8(p)),
      when(i32.eq(first, QUOTE), [ret(text(p))]),
      block((nested) => [
        when(i32.eq(first, byte('{')), [close.set(byte('}')), br(nested)]),
        when(i32.eq(first, byte('[')), [close.set(byte(']')), br(nested)]),
        word('true'),
        word('false'),
        word('null'),
        ret(number(p)),
      ]),
      when(i32.gt(depth, MAX_DEPTH), [ret(-1)]),
      p.set(blanks(i32.add(p, 1))),
      when(i32.eq(i32.load8(p), close), [ret(i32.add(p, 1))]),
      loop((again) => [
        when(i32.eq(close, byte('}')), [
          when(i32.ne(i32.load8(p), QUOTE), [ret(-1)]),
          ...orFail(p.set(text(p)), p),
          p.set(blanks(p)),
          when(i32.ne(i32.load8(p), byte(':')), [ret(-1)]),
          p.set(blanks(i32.add(p, 1))),
        ]),
        ...orFail(p.set(itself(p, i32.add(depth, 1))), p),
        p.set(blanks(p)),
        when(i32.eq(i32.load8(p), close), [ret(i32.add(p, 1))]),
        when(i32.ne(i32.load8(p), byte(',')), [ret(-1)]),
        p.set(blanks(i32.add(p, 1))),
        br(again),
      ]),
      ret(-1),
    ];
  });
  return { text, number, value };
}
