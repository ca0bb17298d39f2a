import { MAX_COUNT, MAX_DURATION_MS } from '../fields.ts';
import { Added, defineBundling } from './bundle-wasm.ts';
import { byte, isDigit, type JsonFunctions, jsonFunctions } from './json-wasm.ts';
import * as at from './layout.ts';
import { Field, Stop } from './layout.ts';
import {
  block,
  br,
  brIf,
  type Callable,
  type Code,
  createModule,
  f64,
  i32,
  i64,
  type Label,
  type Local,
  loop,
  ret,
  v128,
  when,
} from './wasm.ts';

type Module = ReturnType<typeof createModule>;

const QUOTE = byte('"');
const NAN = f64.const(Number.NaN);
const FAIL = [ret(-1)];
const NO_ROOM = -2;
/** As many digits are exact as a double, and so is every power of ten up to the 22nd. */
const EXACT_DIGITS = 15;
const ZEROS = 0x3030303030303030n;
const SEVENTY_SIXES = 0x7676767676767676n;
const EIGHTIES = BigInt.asIntN(64, 0x8080808080808080n);
/** Odd, and without a pattern. */
const HASH = BigInt.asIntN(64, 0x9e3779b97f4a7c15n);
const HASH2 = BigInt.asIntN(64, 0xc2b2ae3d27d4eb4fn);

/**
 * The kernel: reads lines of the native format into rows of numbers. It judges nothing: a line with a fault, or with
 * anything that is not worth the code here, is left to JSON.parse and the native format.
 *
 * Exports `scan(from, limit)`: reads the lines between two places of the memory (each ends with a line break) into
 * rows or, row by row, into bundles, and tells by a Stop why it returned. Imports:
 * - `number(start, end)`: the double of a JSON number;
 * - `duration(value)`: a duration without the errors of conversion; -1 when it is out of range;
 * - `time(start, end)`: Unix milliseconds of a JSON value; NaN when it is absent, -1 when it is no time;
 * - `date(start)`: sets DATE and MIDNIGHT to the 11 bytes at a place; 0 when they are no date;
 * - those of BundleImports.
 */
export function kernelBinary(): Uint8Array<ArrayBuffer> {
  const module = createModule();
  const imports = {
    number: module.imported('number', { params: ['i32', 'i32'], result: 'f64' }),
    duration: module.imported('duration', { params: ['f64'], result: 'f64' }),
    time: module.imported('time', { params: ['i32', 'i32'], result: 'f64' }),
    date: module.imported('date', { params: ['i32'], result: 'i32' }),
  };
  const bundleImports = {
    span: module.imported('span', { params: ['f64'] }),
    open: module.imported('open', { params: ['i32', 'i32'], result: 'i32' }),
    flush: module.imported('flush', { params: ['i32'] }),
    rest: module.imported('rest', { params: ['i32', 'f64'] }),
  };
  const json = jsonFunctions(module);
  const readers = {
    numeric: defineNumeric(module, json, imports),
    time: defineTime(module, json, imports),
    token: defineToken(module, json),
  };
  defineScan(module, json, readers, defineBundling(module, bundleImports));
  return module.binary(at.PAGES);
}

const isNull = (p: Local): Code => i32.eq(i32.load(p), 0x6c6c756e);

/** Sets m and p past the digits at p. */
const digits = (p: Local, character: Local, m: Local): Code =>
  loop((again) => [
    character.set(i32.sub(i32.load8(p), byte('0'))),
    when(i32.lt(character, 10), [
      m.set(i64.add(i64.mul(m, 10n), i64.extend(character))),
      p.set(i32.add(p, 1)),
      br(again),
    ]),
  ]);

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
function defineNumeric(
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

/** (p, cell): stores the time at p; gives the place after it, or -1. In place: `"2026-06-01T12:34:56.789Z"`. */
function defineTime(
  module: Module,
  json: JsonFunctions,
  imports: { time: Callable; date: Callable },
): Callable {
  return module.define({ params: ['i32', 'i32'], result: 'i32' }, (local, p, cell) => {
    const [q, character, start] = [local('i32'), local('i32'), local('i32')];
    const [x, m, ms] = [local('i64'), local('i64'), local('f64')];
    const figure = (shift: bigint): Code => i32.wrap(i64.and(i64.shr(x, shift), 15n));
    const two = (shift: bigint): Code => i32.add(i32.mul(figure(shift), 10), figure(shift + 8n));
    const [hour, minute, second] = [local('i32'), local('i32'), local('i32')];
    const inPlace = block((other) => [
      brIf(other, i32.ne(i32.load8(p), QUOTE)),
      when(
        i32.or(
          i32.eqz(i64.eq(i64.load(p, 1), i64.load(at.DATE))),
          i32.ne(i32.and(i32.load(p, 9), 0xffffff), i32.load(at.DATE + 8)),
        ),
        [brIf(other, i32.eqz(imports.date(i32.add(p, 1))))],
      ),
      // 12:34:56 less 00:00:00 leaves figures and nothing for the colons.
      x.set(i64.xor(i64.load(p, 12), 0x30303a30303a3030n)),
      brIf(
        other,
        i32.eqz(
          i64.eqz(
            i64.and(i64.or(i64.add(x, 0x7676007676007676n), x), BigInt.asIntN(64, 0x8080ff8080ff8080n)),
          ),
        ),
      ),
      hour.set(two(0n)),
      minute.set(two(24n)),
      second.set(two(48n)),
      brIf(other, i32.or(i32.or(i32.gt(hour, 24), i32.gt(minute, 59)), i32.gt(second, 60))),
      q.set(i32.add(p, 20)),
      ms.set(f64.const(0)),
      when(i32.eq(i32.load8(q), byte('.')), [
        q.set(i32.add(q, 1)),
        start.set(q),
        digits(q, character, m),
        start.set(i32.sub(q, start)),
        brIf(other, i32.or(i32.eqz(start), i32.gt(start, 9))),
        when(
          i32.lt(start, 4),
          [ms.set(f64.mul(f64.fromI64(m), f64.load(i32.shl(i32.sub(3, start), 3), at.POWERS)))],
          [ms.set(f64.div(f64.fromI64(m), f64.load(i32.shl(i32.sub(start, 3), 3), at.POWERS)))],
        ),
      ]),
      when(
        i32.eq(i32.load8(q), byte('Z')),
        [q.set(i32.add(q, 1))],
        [
          brIf(other, i32.eqz(i64.eq(i64.and(i64.load(q), 0xffffffffffffn), 0x30303a30302bn))),
          q.set(i32.add(q, 6)),
        ],
      ),
      brIf(other, i32.ne(i32.load8(q), QUOTE)),
      second.set(i32.add(i32.mul(i32.add(i32.mul(hour, 60), minute), 60), second)),
      f64.store(
        cell,
        f64.add(f64.add(f64.load(at.MIDNIGHT), f64.mul(f64.fromI32(second), f64.const(1000))), ms),
      ),
      ret(i32.add(q, 1)),
    ]);
    return [
      inPlace,
      q.set(json.value(p, 0)),
      when(i32.eq(q, -1), FAIL),
      ms.set(imports.time(p, q)),
      when(f64.lt(ms, f64.const(0)), FAIL),
      f64.store(cell, ms),
      ret(q),
    ];
  });
}

/** Leaves by `differ` unless `length` bytes at two places are the same; i is scratch. Sixteen at a time. */
const compare = (a: Local, b: Local, length: Local, i: Local, differ: Label): Code[] => {
  const both = v128.xor(v128.load(i32.add(a, i)), v128.load(i32.add(b, i)));
  return [
    i.set(0),
    loop((again) => [
      when(i32.gt(i32.sub(length, i), 16), [
        brIf(differ, v128.anyTrue(both)),
        i.set(i32.add(i, 16)),
        br(again),
      ]),
    ]),
    brIf(differ, v128.anyTrue(v128.and(both, v128.load(i32.add(i32.sub(i, length), at.MASKS + 16))))),
  ];
};

/** (p, cell): stores the number of the value at p as a token; gives the place after it, -1 or NO_ROOM. */
function defineToken(module: Module, json: JsonFunctions): Callable {
  return module.define({ params: ['i32', 'i32'], result: 'i32' }, (local, p, cell) => {
    const [end, length, i, slot, token, place] = [
      local('i32'),
      local('i32'),
      local('i32'),
      local('i32'),
      local('i32'),
      local('i32'),
    ];
    const [first, last] = [local('i64'), local('i64')];
    const found = [f64.store(cell, f64.fromI32(token)), ret(end)];
    return [
      when(i32.eq(i32.load8(p), QUOTE), [end.set(json.text(p))], [end.set(json.value(p, 0))]),
      when(i32.eq(end, -1), FAIL),
      length.set(i32.sub(end, p)),
      when(i32.gt(length, at.MAX_TOKEN), FAIL),
      first.set(i64.load(p)),
      when(
        i32.lt(length, 8),
        [
          first.set(i64.and(first, i64.sub(i64.shl(1n, i64.extend(i32.shl(length, 3))), 1n))),
          last.set(first),
        ],
        [last.set(i64.load(i32.sub(end, 8)))],
      ),
      first.set(i64.xor(i64.mul(first, HASH), i64.mul(i64.add(last, i64.extend(length)), HASH2))),
      slot.set(i32.wrap(i64.shr(i64.mul(i64.xor(first, i64.shr(first, 32n)), HASH), 40n))),
      block((free) => [
        loop((again) => [
          slot.set(i32.and(slot, at.SLOT_COUNT - 1)),
          token.set(i32.load(i32.shl(slot, 2), at.SLOTS)),
          brIf(free, i32.eqz(token)),
          token.set(i32.sub(token, 1)),
          block((differ) => [
            brIf(differ, i32.ne(i32.load(i32.shl(token, 3), at.TOKENS + 4), length)),
            place.set(i32.load(i32.shl(token, 3), at.TOKENS)),
            ...compare(p, place, length, i, differ),
            ...found,
          ]),
          slot.set(i32.add(slot, 1)),
          br(again),
        ]),
      ]),
      token.set(i32.load(at.TOKEN_COUNT)),
      place.set(i32.load(at.ARENA_USED)),
      when(i32.or(i32.ge(token, at.MAX_TOKENS), i32.gt(place, at.ARENA_BYTES - at.MAX_TOKEN - 16)), [
        ret(NO_ROOM),
      ]),
      i32.store(at.TOKEN_COUNT, i32.add(token, 1)),
      i32.store(at.ARENA_USED, i32.add(place, i32.and(i32.add(length, 15), ~15))),
      place.set(i32.add(place, at.ARENA)),
      i32.store(i32.shl(slot, 2), i32.add(token, 1), at.SLOTS),
      i32.store(i32.shl(token, 3), place, at.TOKENS),
      i32.store(i32.shl(token, 3), length, at.TOKENS + 4),
      i.set(0),
      loop((again) => [
        v128.store(i32.add(place, i), v128.load(i32.add(p, i))),
        i.set(i32.add(i, 16)),
        brIf(again, i32.lt(i, length)),
      ]),
      ...found,
    ];
  });
}

/** Whether a value has ended before a character, for certain. */
const endsValue = (character: Code): Code =>
  i32.or(i32.eq(character, byte(',')), i32.eq(character, byte('}')));

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
function plainNumber({ p, field, cell, count, places, x, m }: NumberLocals, done: Label): Code[] {
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

interface TokenLocals {
  p: Local;
  node: Local;
  cell: Local;
  token: Local;
  place: Local;
  length: Local;
}

/** Leaves by `done` where the value is the token that it last was: most values are. */
function sameToken({ p, node, cell, token, place, length }: TokenLocals, done: Label): Code[] {
  const mask = v128.load(i32.sub(at.MASKS + 16, length));
  const character = i32.load8(i32.add(p, length));
  return [
    token.set(i32.load(node, at.TOKEN)),
    block((other) => [
      brIf(other, i32.eqz(token)),
      token.set(i32.sub(token, 1)),
      place.set(i32.load(i32.shl(token, 3), at.TOKENS)),
      length.set(i32.load(i32.shl(token, 3), at.TOKENS + 4)),
      brIf(other, i32.gt(length, 16)),
      brIf(other, v128.anyTrue(v128.and(v128.xor(v128.load(p), v128.load(place)), mask))),
      brIf(other, i32.eqz(endsValue(character))),
      f64.store(cell, f64.fromI32(token)),
      p.set(i32.add(p, length)),
      br(done),
    ]),
  ];
}

function defineScan(
  module: Module,
  json: JsonFunctions,
  readers: { numeric: Callable; time: Callable; token: Callable },
  bundle: Callable,
): void {
  module.define(
    { params: ['i32', 'i32'], result: 'i32' },
    (local, p, limit) => {
      const [row, start, parent, node] = [local('i32'), local('i32'), local('i32'), local('i32')];
      const [piece, length, field, cell, i] = [
        local('i32'),
        local('i32'),
        local('i32'),
        local('i32'),
        local('i32'),
      ];
      const [absent, cached, input] = [local('v128'), local('f64'), local('f64')];
      const [bundling, bundled, added] = [local('i32'), local('i32'), local('i32')];
      const value = (column: Field): Code => f64.load(row, 8 * column);
      const stop = (why: Stop): Code[] => [
        i32.store(at.POSITION, start),
        i32.store(at.ROW_COUNT, i32.add(bundled, i32.shr(i32.sub(row, at.ROWS), Math.log2(at.ROW_BYTES)))),
        ret(why),
      ];
      const findPiece = block((found) => [
        loop((again) => [
          when(i32.eqz(node), [i32.store(at.PLACE, p), i32.store(at.NODE, parent), ...stop(Stop.piece)]),
          block((differ) => [
            piece.set(i32.add(node, at.PIECE)),
            length.set(i32.load(node, at.LENGTH)),
            ...compare(p, piece, length, i, differ),
            br(found),
          ]),
          node.set(i32.load(node, at.SIBLING)),
          br(again),
        ]),
      ]);
      const [token, place] = [local('i32'), local('i32')];
      const [count, places, x, m] = [local('i32'), local('i32'), local('i64'), local('i64')];
      const readValue = block((done) => [
        cell.set(i32.add(row, i32.shl(field, 3))),
        when(i32.le(field, Field.cost), [
          ...plainNumber({ p, field, cell, count, places, x, m }, done),
          p.set(readers.numeric(p, field, cell)),
          br(done),
        ]),
        when(i32.eq(field, Field.at), [p.set(readers.time(p, cell)), br(done)]),
        when(i32.ne(field, Field.other), [
          ...sameToken({ p, node, cell, token, place, length }, done),
          p.set(readers.token(p, cell)),
          i32.store(node, i32.add(i32.truncate(f64.load(cell)), 1), at.TOKEN),
          br(done),
        ]),
        when(i32.eq(i32.load8(p), QUOTE), [p.set(json.text(p)), br(done)]),
        p.set(json.value(p, 0)),
      ]);
      return [
        row.set(at.ROWS),
        absent.set(v128.splatF64(NAN)),
        bundling.set(i32.load(at.BUNDLING)),
        loop((nextLine) => [
          start.set(p),
          when(i32.ge(p, limit), stop(Stop.done)),
          when(i32.eq(row, at.ROWS + at.ROW_BYTES * at.MAX_ROWS), stop(Stop.full)),
          ...Array.from({ length: at.ROW_BYTES / 16 }, (_, each) => v128.store(row, absent, 16 * each)),
          node.set(at.NODES),
          block((lineEnd) => [
            loop((nextValue) => [
              parent.set(node),
              node.set(i32.load(parent, at.NEXT)),
              findPiece,
              p.set(i32.add(p, length)),
              field.set(i32.load(node, at.FIELD)),
              brIf(lineEnd, i32.eq(field, Field.end)),
              readValue,
              // As numbers without a sign, the two that are no places are the largest.
              brIf(nextValue, i32.lt(p, NO_ROOM)),
              when(i32.eq(p, NO_ROOM), stop(Stop.tokens)),
              ...stop(Stop.line),
            ]),
          ]),
          cached.set(value(Field.cached)),
          when(f64.ne(cached, cached), [cached.set(f64.const(0)), f64.store(row, cached, 8 * Field.cached)]),
          input.set(value(Field.input)),
          // Comparisons with NaN are false.
          when(
            i32.eqz(
              i32.and(
                i32.and(f64.le(cached, input), f64.le(f64.const(0), value(Field.output))),
                f64.le(f64.const(0), value(Field.model)),
              ),
            ),
            stop(Stop.line),
          ),
          when(bundling, [
            added.set(bundle(row)),
            when(i32.eqz(added), stop(Stop.line)),
            when(i32.eq(added, Added.noRoom), stop(Stop.bundles)),
            bundled.set(i32.add(bundled, 1)),
            br(nextLine),
          ]),
          f64.store(row, f64.fromI32(start), 8 * Field.lineStart),
          f64.store(row, f64.fromI32(p), 8 * Field.lineEnd),
          row.set(i32.add(row, at.ROW_BYTES)),
          br(nextLine),
        ]),
        ret(-1),
      ];
    },
    'scan',
  );
}
