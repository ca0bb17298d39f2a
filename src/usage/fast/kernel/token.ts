import { endsValue, FAIL, type JsonFunctions, QUOTE } from './json.ts';
import * as at from './layout.ts';
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
  loop,
  type Module,
  ret,
  v128,
  when,
} from './wasm.ts';

/** Given in place of where a value ends. */
export const NO_ROOM = -2;
/** Odd, and without a pattern. */
export const HASH = BigInt.asIntN(64, 0x9e3779b97f4a7c15n);
const HASH2 = BigInt.asIntN(64, 0xc2b2ae3d27d4eb4fn);

/** Leaves by `differ` unless `length` bytes at two places are the same; i is scratch. Sixteen at a time. */
export const compare = (a: Local, b: Local, length: Local, i: Local, differ: Label): Code[] => {
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
export function defineToken(module: Module, json: JsonFunctions): Callable {
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
      // Ids and users often differ in their middle only: all that is left out of a hash makes them collide.
      when(i32.gt(length, 16), [
        i.set(8),
        loop((again) => [
          first.set(i64.mul(i64.xor(first, i64.load(i32.add(p, i))), HASH)),
          first.set(i64.xor(first, i64.shr(first, 32n))),
          i.set(i32.add(i, 8)),
          brIf(again, i32.lt(i, i32.sub(length, 8))),
        ]),
      ]),
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

interface TokenLocals {
  p: Local;
  node: Local;
  cell: Local;
  token: Local;
  place: Local;
  length: Local;
}

/** Leaves by `done` where the value is the token that it last was: most values are. */
export function sameToken({ p, node, cell, token, place, length }: TokenLocals, done: Label): Code[] {
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
