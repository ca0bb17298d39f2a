import * as at from './layout.ts';
import { BundleCell, Field, KindCell } from './layout.ts';
import { HASH } from './token.ts';
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
  type NewLocal,
  ret,
  v128,
  when,
} from './wasm.ts';

/** What a row came to: it was added, it is none for a bundle, or there is no room for another kind or bundle. */
export enum Added {
  refused = 0,
  yes = 1,
  noRoom = 2,
}

/** What became of requests of a kind. A failure that was paid for was billed. */
export enum Outcome {
  ok,
  billed,
  failed,
}

export interface BundleImports {
  /** (at): sets SPAN, SPAN_FROM and SPAN_TO to the span around a time. */
  span: Callable;
  /** (row, kind): sets the outcome, the seller and the buffers of a new kind; gives an Added. */
  open: Callable;
  /** (buffer): empties a full buffer. */
  flush: Callable;
  /** (bundle, part): keeps what the two parts of a sum have no room for. */
  rest: Callable;
}

const ZERO = f64.const(0);

/** (row): adds a row to the bundle of its kind, span and size; gives an Added. */
export function defineBundling(module: Module, imports: BundleImports): Callable {
  const findKind = defineFindKind(module, imports.open);
  const findBundle = defineFindBundle(module);
  const keep = defineKeep(module, imports.flush);
  return module.define({ params: ['i32'], result: 'i32' }, (local, row) => {
    const [time, cost, value] = [local('f64'), local('f64'), local('f64')];
    const [span, start, outcome] = [local('i32'), local('i32'), local('i32')];
    const [kind, bundle, key] = [local('i32'), local('i32'), local('i64')];
    const column = (field: Field): Code => f64.load(row, 8 * field);
    const token = (field: Field): Code => i64.extend(i32.truncate(f64.add(column(field), f64.const(1))));
    const increase = (cell: BundleCell, by: Code): Code =>
      f64.store(bundle, f64.add(f64.load(bundle, cell), by), cell);
    const found = (place: Local): Code => when(i32.le(place, Added.noRoom), [ret(place)]);
    const keepDuration = (field: Field, buffer: KindCell): Code[] => [
      value.set(column(field)),
      when(f64.eq(value, value), [keep(i32.load(kind, buffer), value)]),
    ];
    return [
      time.set(column(Field.at)),
      cost.set(column(Field.cost)),
      kind.set(
        findKind(
          row,
          i64.or(
            i64.or(token(Field.model), i64.shl(token(Field.provider), 16n)),
            i64.shl(token(Field.status), 32n),
          ),
        ),
      ),
      found(kind),
      // Comparisons with NaN are false.
      when(f64.eq(time, time), [
        when(i32.eqz(i32.and(f64.le(f64.load(at.SPAN_FROM), time), f64.lt(time, f64.load(at.SPAN_TO)))), [
          imports.span(time),
        ]),
        span.set(i32.load(at.SPAN)),
      ]),
      loop((again) => [
        when(f64.gt(column(Field.input), f64.load(i32.shl(start, 3), at.INPUT_STARTS)), [
          start.set(i32.add(start, 1)),
          br(again),
        ]),
      ]),
      outcome.set(i32.load(kind, KindCell.outcome)),
      when(i32.and(i32.eq(outcome, Outcome.failed), f64.gt(cost, ZERO)), [outcome.set(Outcome.billed)]),
      key.set(
        i64.or(
          i64.extend(
            i32.or(i32.or(outcome, i32.shl(start, 8)), i32.shl(i32.load(kind, KindCell.seller), 16)),
          ),
          i64.shl(i64.extend(span), 32n),
        ),
      ),
      bundle.set(i32.load(kind, KindCell.bundle)),
      when(i32.or(i32.eqz(bundle), i64.ne(i64.load(kind, KindCell.bundleKey), key)), [
        bundle.set(findBundle(row, key)),
        found(bundle),
        i32.store(kind, bundle, KindCell.bundle),
        i64.store(kind, key, KindCell.bundleKey),
      ]),
      f64.store(kind, f64.add(f64.load(kind, KindCell.records), f64.const(1)), KindCell.records),
      increase(BundleCell.records, f64.const(1)),
      v128.store(
        bundle,
        v128.addF64(v128.load(bundle, BundleCell.input), v128.load(row, 8 * Field.input)),
        BundleCell.input,
      ),
      increase(BundleCell.output, column(Field.output)),
      when(f64.lt(time, f64.load(bundle, BundleCell.from)), [f64.store(bundle, time, BundleCell.from)]),
      when(f64.gt(time, f64.load(bundle, BundleCell.to)), [f64.store(bundle, time, BundleCell.to)]),
      when(f64.eq(cost, cost), [
        increase(BundleCell.reported, f64.const(1)),
        ...addExactly(bundle, cost, local, imports.rest),
      ]),
      when(i32.load(kind, KindCell.latency), [
        ...keepDuration(Field.latency, KindCell.latency),
        ...keepDuration(Field.ttft, KindCell.ttft),
      ]),
      ret(Added.yes),
    ];
  });
}

/** Sets `slot` by a hash of the key: its upper bits, as many as there are slots. */
const firstSlot = (slot: Local, key: Local, slots: number): Code =>
  slot.set(
    i32.wrap(
      i64.shr(i64.mul(i64.xor(key, i64.shr(i64.mul(key, HASH), 32n)), HASH), BigInt(64 - Math.log2(slots))),
    ),
  );

interface Table {
  slots: number;
  slotCount: number;
  entries: number;
  entryBytes: number;
  maxEntries: number;
  /** Where the number of entries is. */
  count: number;
}

/** Sets `entry` to the entry with the key, by which each begins; makes one where there is none. */
function findEntry(table: Table, key: Local, entry: Local, local: NewLocal, make: Code[]): Code[] {
  const slot = local('i32');
  const slotPlace = i32.shl(slot, 2);
  const count = i32.load(table.count);
  const placeOf = (number: Code): Code => i32.add(i32.mul(number, table.entryBytes), table.entries);
  return [
    firstSlot(slot, key, table.slotCount),
    block((found) => [
      loop((again) => [
        slot.set(i32.and(slot, table.slotCount - 1)),
        entry.set(i32.load(slotPlace, table.slots)),
        when(i32.eqz(entry), [
          when(i32.eq(count, table.maxEntries), [ret(Added.noRoom)]),
          entry.set(placeOf(count)),
          ...Array.from({ length: table.entryBytes / 16 }, (_, i) =>
            v128.store(entry, v128.splatF64(ZERO), 16 * i),
          ),
          i64.store(entry, key),
          ...make,
          i32.store(table.count, i32.add(count, 1)),
          i32.store(slotPlace, count, table.slots),
          br(found),
        ]),
        entry.set(placeOf(i32.sub(entry, 1))),
        brIf(found, i64.eq(i64.load(entry), key)),
        slot.set(i32.add(slot, 1)),
        br(again),
      ]),
    ]),
  ];
}

/** (row, key): the place of a kind, or an Added. */
function defineFindKind(module: Module, open: Callable): Callable {
  const table = {
    slots: at.KIND_SLOTS,
    slotCount: at.KIND_SLOT_COUNT,
    entries: at.KINDS,
    entryBytes: at.KIND_BYTES,
    maxEntries: at.MAX_KINDS,
    count: at.KIND_COUNT,
  };
  return module.define({ params: ['i32', 'i64'], result: 'i32' }, (local, row, key) => {
    const [kind, added] = [local('i32'), local('i32')];
    const make = [added.set(open(row, kind)), when(i32.ne(added, Added.yes), [ret(added)])];
    return [...findEntry(table, key, kind, local, make), ret(kind)];
  });
}

/** (row, key): the place of a bundle, or an Added. */
function defineFindBundle(module: Module): Callable {
  const table = {
    slots: at.BUNDLE_SLOTS,
    slotCount: at.BUNDLE_SLOT_COUNT,
    entries: at.BUNDLES,
    entryBytes: at.BUNDLE_BYTES,
    maxEntries: at.MAX_BUNDLES,
    count: at.BUNDLE_COUNT,
  };
  return module.define({ params: ['i32', 'i64'], result: 'i32' }, (local, row, key) => {
    const bundle = local('i32');
    const make = [
      f64.store(bundle, f64.const(Number.POSITIVE_INFINITY), BundleCell.from),
      f64.store(bundle, f64.const(Number.NEGATIVE_INFINITY), BundleCell.to),
      f64.store(bundle, f64.load(row, 8 * Field.input), BundleCell.size),
    ];
    return [...findEntry(table, key, bundle, local, make), ret(bundle)];
  });
}

/** Adds a cost to the sum of a bundle; what an addition loses goes into a lower part, as in a Sum of an assessment. */
function addExactly(bundle: Local, cost: Local, local: NewLocal, rest: Callable): Code[] {
  const [high, low, part, lost] = [local('f64'), local('f64'), local('f64'), local('f64')];
  const [total, lowTotal] = [local('f64'), local('f64')];
  /** The rounding error of total = sum + added (Knuth's two-sum). */
  const twoSum = (total: Local, sum: Local, added: Local): Code[] => [
    part.set(f64.sub(total, sum)),
    lost.set(f64.add(f64.sub(sum, f64.sub(total, part)), f64.sub(added, part))),
  ];
  return [
    high.set(f64.load(bundle, BundleCell.usd)),
    low.set(f64.load(bundle, BundleCell.usdLow)),
    total.set(f64.add(high, cost)),
    ...twoSum(total, high, cost),
    f64.store(bundle, total, BundleCell.usd),
    high.set(lost),
    lowTotal.set(f64.add(low, high)),
    ...twoSum(lowTotal, low, high),
    f64.store(bundle, lowTotal, BundleCell.usdLow),
    when(f64.ne(lost, ZERO), [rest(bundle, lost)]),
  ];
}

/** (buffer, value): keeps a duration; a full buffer is emptied. */
function defineKeep(module: Module, flush: Callable): Callable {
  return module.define({ params: ['i32', 'f64'] }, (local, buffer, value) => {
    const fill = local('i32');
    return [
      fill.set(i32.load(buffer)),
      f64.store(i32.add(buffer, i32.shl(fill, 3)), value, at.BUFFERED),
      fill.set(i32.add(fill, 1)),
      i32.store(buffer, fill),
      when(i32.eq(fill, at.MAX_BUFFERED), [flush(buffer)]),
    ];
  });
}
