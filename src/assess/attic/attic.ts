import { createBytes, keep, moved, offsetOf, segmentOf } from './bytes.ts';
import { append, at, createList, increase, type NumberList } from './list.ts';
import { createNames, type Names, nameReader, numberOf } from './names.ts';
import { type Codec, createPacker, createUnpacker } from './pack.ts';

/**
 * Keeps what belongs to very many groups as bytes: as objects, that of a million users takes gigabytes. An item may be
 * put down in pieces; whoever asks for a group gets all of them. Plain data, so that a worker can send it.
 */
export interface Attic {
  groups: Names;
  /** By group: what it is ordered by. */
  weights: NumberList;
  /** One a row: its group and its place. */
  rowGroups: NumberList;
  rowPlaces: NumberList;
  /** What the places are in, and the texts that it was packed with. */
  segments: Uint8Array<ArrayBuffer>[];
  texts: string[][];
  /** How many rows there were when they were last drawn together. */
  compact: number;
}

/** Writes into an attic. */
export interface Stower<T> {
  put(group: string, item: T, weight: number): void;
}

export function createAttic(): Attic {
  return { groups: createNames(), weights: createList(), ...noRows() };
}

function noRows() {
  return { rowGroups: createList(true), rowPlaces: createList(), segments: [], texts: [], compact: 0 };
}

function numberIn(attic: Attic, group: string): number {
  const number = numberOf(attic.groups, group);
  if (number === attic.weights.length) append(attic.weights, 0);
  return number;
}

export function createStower<T>(attic: Attic, codec: Codec<T>): Stower<T> {
  let write = writerInto(attic, codec);
  let { segments } = attic;
  return {
    put(group, item, weight) {
      // The rows were drawn together since.
      if (segments !== attic.segments) {
        write = writerInto(attic, codec);
        segments = attic.segments;
      }
      const number = numberIn(attic, group);
      increase(attic.weights, number, weight);
      write(number, item);
    },
  };
}

/** Writes rows into segments of its own among those of the attic. */
function writerInto<T>(
  attic: Pick<Attic, 'rowGroups' | 'rowPlaces' | 'segments' | 'texts'>,
  codec: Codec<T>,
): (group: number, item: T) => void {
  const packer = createPacker(codec);
  const own = createBytes();
  /** Where its last segment is among all. */
  let last = -1;
  return (group, item) => {
    const place = keep(own, packer.pack(item));
    const index = own.segments.length - 1;
    if (attic.segments[last] !== own.segments[index]) {
      last = attic.segments.push(own.segments[index] as Uint8Array<ArrayBuffer>) - 1;
      attic.texts.push(packer.texts);
    }
    append(attic.rowGroups, group);
    append(attic.rowPlaces, moved(place, last - index));
  };
}

/** Takes in all of another, which must not be used any more. */
export function joinAttic(into: Attic, other: Attic): void {
  const numbers = new Uint32Array(other.weights.length);
  const nameOf = nameReader(other.groups);
  for (let number = 0; number < numbers.length; number++) {
    numbers[number] = numberIn(into, nameOf(number));
    increase(into.weights, numbers[number] as number, at(other.weights, number));
  }
  const offset = into.segments.length;
  into.segments.push(...other.segments);
  into.texts.push(...other.texts);
  for (let row = 0; row < other.rowGroups.length; row++) {
    append(into.rowGroups, numbers[at(other.rowGroups, row)] as number);
    append(into.rowPlaces, moved(at(other.rowPlaces, row), offset));
  }
}

/** The items of an attic by group. */
export interface Shelves<T> {
  /** Numbers of the groups, the heaviest first, then by name. */
  order(): Uint32Array;
  nameOf(group: number): string;
  /** All pieces of the group. */
  itemsOf(group: number): T[];
}

export function shelvesOf<T>(attic: Attic, codec: Codec<T>): Shelves<T> {
  const { groups, weights, rowGroups, rowPlaces, segments, texts } = attic;
  const count = weights.length;
  // Rows by group: first where those of each end, then, filled from there, where they begin.
  const starts = new Uint32Array(count + 1);
  const bump = (group: number, by: number) => {
    starts[group] = (starts[group] as number) + by;
  };
  for (let row = 0; row < rowGroups.length; row++) bump(at(rowGroups, row), 1);
  for (let group = 1; group <= count; group++) bump(group, starts[group - 1] as number);
  const rows = new Uint32Array(rowGroups.length);
  for (let row = rows.length - 1; row >= 0; row--) {
    const group = at(rowGroups, row);
    bump(group, -1);
    rows[starts[group] as number] = row;
  }
  const nameOf = nameReader(groups);
  const unpack = createUnpacker(codec);
  const itemOf = (row: number): T => {
    const place = at(rowPlaces, row);
    const segment = segmentOf(place);
    return unpack(texts[segment] as string[], segments[segment] as Uint8Array, offsetOf(place));
  };
  const itemsOf = (group: number): T[] => {
    const items: T[] = [];
    for (let i = starts[group] as number; i < (starts[group + 1] as number); i++) {
      items.push(itemOf(rows[i] as number));
    }
    return items;
  };
  return {
    order: () => orderOf(nameOf, weights),
    nameOf,
    itemsOf,
  };
}

/** Numbers by weight, the heaviest first; names are looked at where weights are the same, each once. */
function orderOf(nameOf: (group: number) => string, weights: NumberList): Uint32Array {
  const heavy = Float64Array.from({ length: weights.length }, (_, group) => at(weights, group));
  const weight = (group: number) => heavy[group] as number;
  const order = Uint32Array.from(heavy.keys()).sort((a, b) => weight(b) - weight(a));
  for (let from = 0; from < order.length; ) {
    let to = from + 1;
    while (to < order.length && weight(order[to] as number) === weight(order[from] as number)) to++;
    if (to - from > 1) {
      const named = Array.from(order.subarray(from, to), (group) => ({ group, name: nameOf(group) }));
      named.sort((a, b) => (a.name < b.name ? -1 : 1));
      order.set(
        named.map(({ group }) => group),
        from,
      );
    }
    from = to;
  }
  return order;
}

/** So many rows are never worth drawing together. */
const FEW_ROWS = 100_000;

/** Whether groups are in so many pieces that it is time to draw them together. */
export function isScattered({ rowGroups, weights, compact }: Attic): boolean {
  // Where each group has a row of its own there is nothing to draw together.
  return rowGroups.length > FEW_ROWS + 2 * Math.max(compact, weights.length);
}

/** Draws the pieces of each group together. @param join makes fewer items of some. */
export function drawTogether<T>(attic: Attic, codec: Codec<T>, join: (items: T[]) => T[]): void {
  const shelves = shelvesOf(attic, codec);
  const rows = noRows();
  const write = writerInto(rows, codec);
  for (let group = 0; group < attic.weights.length; group++) {
    for (const item of join(shelves.itemsOf(group))) write(group, item);
  }
  Object.assign(attic, rows, { compact: rows.rowGroups.length });
}

/** The memory of an attic that can be handed to another thread as it is. */
export function atticBuffers({ groups, weights, rowGroups, rowPlaces, segments }: Attic): ArrayBuffer[] {
  const lists = [groups.places, weights, rowGroups, rowPlaces];
  return [
    groups.slots.buffer,
    ...lists.flatMap(({ chunks }) => chunks.map(({ buffer }) => buffer)),
    ...[...groups.bytes.segments, ...segments].map(({ buffer }) => buffer),
  ];
}
