import { byte, FAIL, type JsonFunctions, QUOTE } from './json.ts';
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
  type Local,
  loop,
  type Module,
  ret,
  when,
} from './wasm.ts';

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

/** (p, cell): stores the time at p; gives the place after it, or -1. In place: `"2026-06-01T12:34:56.789Z"`. */
export function defineTime(
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
