import { Added } from './bundle.ts';
import { type JsonFunctions, QUOTE } from './json.ts';
import * as at from './layout.ts';
import { Field, Stop } from './layout.ts';
import { plainNumber } from './number.ts';
import { compare, NO_ROOM, sameToken } from './token.ts';
import {
  block,
  br,
  brIf,
  type Callable,
  type Code,
  f64,
  i32,
  loop,
  type Module,
  ret,
  v128,
  when,
} from './wasm.ts';

export function defineScan(
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
        absent.set(v128.splatF64(f64.const(Number.NaN))),
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
