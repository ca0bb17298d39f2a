import { MAX_COUNT, MAX_DURATION_MS } from '../../fields.ts';
import { byte, endsValue, FAIL, isDigit, type JsonFunctions } from './json.ts';
import * as at from './layout.ts';
import { Field } from './layout.ts';
import {
  block,
  br,
  brIf,
  type Callable,
  type Code,
  f64,
  i32,
  i64,
  type Label,
  type Local,
  type Module,
  ret,
  when,
} from './wasm.ts';

/** As many digits are exact as a double, and so is every power of ten up to the 22nd. */
const EXACT_DIGITS = 15;
const ZEROS = 0x3030303030303030n;
const SEVENTY_SIXES = 0x7676767676767676n;
const EIGHTIES = BigInt.asIntN(64, 0x8080808080808080n);
const NAN = f64.const(Number.NaN);

const isNull = (p: Local): Code => i32.eq(i32.load(p), 0x6c6c756e);

/**
 * Sets `count` to the number of digits at p, up to eight, and x to what they say; without a branch, for the length of
 * a number cannot be guessed. With no digit, x is spoiled.
 */
const figures = (p: Code, x: Local, count: Local): Code[] => [
  x.set(i64.xor(i64.load(p), ZEROS)),
  // The highest bit of a byte is set where it is no digit; the lowest such byte is the first of them.
  count.set(i32.wrap(i64.shr(i64.ctz(i64.and(i64.or(i64.add(x, SEVENTY_SIXES), x), EIGHTIES)), 3n))),
  // Shifted up, so that zeros stand before them; then neighbours, pairs and fours are joined.
  x.set(i64.shl(x, i64.extend(i32.sub(64, i32.shl(count, 3))))),
  x.set(i64.add(i64.mul(x, 10n), i64.shr(x, 8n))),
  x.set(
    i64.shr(
      i64.add(
        i64.mul(i64.and(x, 0x000000ff000000ffn), 0x000f424000000064n),
        i64.mul(i64.and(i64.shr(x, 16n), 0x000000ff000000ffn), 0x0000271000000001n),
      ),
      32n,
    ),
  ),
];

/** (p, field, cell): stores the number at p; gives the place after it, or -1. */
export function defineNumeric(
  module: Module,
  json: JsonFunctions,
  imports: { number: Callable; duration: Callable },
): Callable {
  return module.define({ params: ['i32', 'i32', 'i32'], result: 'i32' }, (local, p, field, cell) => {
    const [start, character, count, places] = [local('i32'), local('i32'), local('i32'), local('i32')];
    const [x, v, power] = [local('i64'), local('f64'), local('f64')];
    const general = [
      p.set(json.number(start)),
      when(i32.eq(p, -1), FAIL),
      v.set(imports.number(start, p)),
      places.set(at.POWER_COUNT),
    ];
    return [
      start.set(p),
      ...figures(p, x, count),
      when(i32.eqz(count), [
        // A minus fails too: no field of the format may be below zero.
        when(i32.eqz(isNull(p)), FAIL),
        f64.store(cell, NAN),
        ret(i32.add(p, 4)),
      ]),
      when(i32.and(i32.eq(i32.load8(p), byte('0')), i32.gt(count, 1)), FAIL),
      v.set(f64.fromI64(x)),
      p.set(i32.add(p, count)),
      character.set(i32.load8(p)),
      when(i32.eq(character, byte('.')), [
        p.set(i32.add(p, 1)),
        ...figures(p, x, places),
        when(i32.eqz(places), FAIL),
        p.set(i32.add(p, places)),
        character.set(i32.load8(p)),
        // One division of two exact doubles rounds correctly (Clinger 1990).
        power.set(f64.load(i32.shl(places, 3), at.POWERS)),
        v.set(f64.div(f64.add(f64.mul(v, power), f64.fromI64(x)), power)),
      ]),
      when(
        i32.or(
          i32.or(isDigit(character), i32.eq(i32.or(character, 0x20), byte('e'))),
          i32.gt(i32.add(count, places), EXACT_DIGITS),
        ),
        general,
      ),
      block((checked) => [
        when(i32.le(field, Field.output), [
          brIf(checked, i32.and(f64.eq(v, f64.floor(v)), f64.le(v, f64.const(MAX_COUNT)))),
          ...FAIL,
        ]),
        when(i32.eq(field, Field.cost), [
          brIf(checked, f64.lt(v, f64.const(Number.POSITIVE_INFINITY))),
          ...FAIL,
        ]),
        // Whole microseconds are what they are; what has more places may have been converted.
        when(i32.gt(places, 3), [v.set(imports.duration(v))]),
        brIf(checked, i32.and(f64.le(f64.const(0), v), f64.le(v, f64.const(MAX_DURATION_MS)))),
        ...FAIL,
      ]),
      f64.store(cell, v),
      ret(p),
    ];
  });
}

interface NumberLocals {
  p: Local;
  field: Local;
  cell: Local;
  count: Local;
  places: Local;
  x: Local;
  m: Local;
}

/**
 * Leaves by `done` after a number as most are: a whole number of at most eight digits where one is asked for, else one
 * with at most so many after the point. It needs no check of its size. Falls through, with p as it was, at any other.
 */
export function plainNumber({ p, field, cell, count, places, x, m }: NumberLocals, done: Label): Code[] {
  const character = i32.load8(i32.add(p, count));
  const ended = endsValue(character);
  const leadingZero = i32.and(i32.eq(i32.load8(p), byte('0')), i32.gt(count, 1));
  return [
    ...figures(p, x, count),
    block((other) => [
      brIf(other, i32.or(i32.eqz(count), leadingZero)),
      when(ended, [f64.store(cell, f64.fromI64(x)), p.set(i32.add(p, count)), br(done)]),
      brIf(other, i32.or(i32.ne(character, byte('.')), i32.le(field, Field.output))),
      m.set(x),
      count.set(i32.add(count, 1)),
      ...figures(i32.add(p, count), x, places),
      // Whole microseconds are what they are; what has more places may have been converted.
      brIf(other, i32.or(i32.eqz(places), i32.and(i32.gt(places, 3), i32.ne(field, Field.cost)))),
      brIf(other, i32.gt(i32.add(count, places), EXACT_DIGITS + 1)),
      count.set(i32.add(count, places)),
      brIf(other, i32.eqz(ended)),
      // One division of two exact doubles rounds correctly (Clinger 1990).
      f64.store(
        cell,
        f64.div(
          f64.fromI64(i64.add(i64.mul(m, i64.load(i32.shl(places, 3), at.WHOLE_POWERS)), x)),
          f64.load(i32.shl(places, 3), at.POWERS),
        ),
      ),
      p.set(i32.add(p, count)),
      br(done),
    ]),
  ];
}
