import type { Counts, Dimension, ServiceTier } from '../../usage/dimensions.ts';
import type { Column } from '../column.ts';
import type { Sum } from '../sum.ts';
import type { Cell, Series } from '../tally.ts';
import type { Codec, Reader, Writer } from './pack.ts';

/**
 * A series as bytes: without its group, which the attic knows, and without the room that its columns have to grow. Field
 * by field, and not as any object: there are millions of them.
 */
export const SERIES: Codec<Series> = {
  write(to, series) {
    to.text(series.provider);
    to.text(series.model);
    to.number(series.requests);
    to.number(series.ok);
    to.number(series.inputTokens);
    to.number(series.cachedInputTokens);
    to.number(series.outputTokens);
    writeCounts(to, series.dimensions);
    to.number(series.untold);
    to.whole(series.errorsByClass.size);
    for (const [name, count] of series.errorsByClass) {
      to.text(name);
      to.number(count);
    }
    writeSum(to, series.reportedUsd);
    to.number(series.reportedRecords);
    writeColumn(to, series.latency);
    writeColumn(to, series.ttft);
    to.whole(series.cells.size);
    for (const [key, cell] of series.cells) {
      to.text(key);
      writeCell(to, cell);
    }
  },
  // The fields are read in the order in which they stand here.
  read: (from) => ({
    group: '',
    provider: from.text(),
    model: from.text() as string,
    requests: from.number(),
    ok: from.number(),
    inputTokens: from.number(),
    cachedInputTokens: from.number(),
    outputTokens: from.number(),
    dimensions: readCounts(from),
    untold: from.number(),
    errorsByClass: readMap(from, number),
    reportedUsd: readSum(from),
    reportedRecords: from.number(),
    latency: readColumn(from),
    ttft: readColumn(from),
    cells: readMap(from, readCell),
  }),
};

function writeCell(to: Writer, cell: Cell): void {
  writeOptional(to, cell.day);
  to.text(cell.serviceTier);
  writeOptional(to, cell.at);
  to.number(cell.inputBand);
  to.number(cell.requests);
  to.number(cell.errors);
  to.number(cell.billed);
  to.number(cell.billedRequests);
  to.number(cell.untold);
  to.number(cell.uncountedTokens);
  to.number(cell.unsizedTokens);
  to.number(cell.inputTokens);
  to.number(cell.cachedInputTokens);
  to.number(cell.outputTokens);
  writeCounts(to, cell.dimensions);
  writeSum(to, cell.reportedUsd);
  to.number(cell.reportedRecords);
}

function readCell(from: Reader): Cell {
  return {
    day: readOptional(from),
    serviceTier: from.text() as ServiceTier | undefined,
    at: readOptional(from),
    inputBand: from.number(),
    requests: from.number(),
    errors: from.number(),
    billed: from.number(),
    billedRequests: from.number(),
    untold: from.number(),
    uncountedTokens: from.number(),
    unsizedTokens: from.number(),
    inputTokens: from.number(),
    cachedInputTokens: from.number(),
    outputTokens: from.number(),
    dimensions: readCounts(from),
    reportedUsd: readSum(from),
    reportedRecords: from.number(),
  };
}

function writeOptional(to: Writer, value: number | undefined): void {
  to.whole(value === undefined ? 0 : 1);
  if (value !== undefined) to.number(value);
}

function readOptional(from: Reader): number | undefined {
  return from.whole() === 0 ? undefined : from.number();
}

function writeCounts(to: Writer, counts: Counts): void {
  let size = 0;
  for (const _ in counts) size++;
  to.whole(size);
  for (const key in counts) {
    to.text(key);
    to.number(counts[key as Dimension] as number);
  }
}

function readCounts(from: Reader): Counts {
  const counts: Counts = {};
  for (let left = from.whole(); left > 0; left--) counts[from.text() as Dimension] = from.number();
  return counts;
}

function writeSum(to: Writer, { high, low, rest }: Sum): void {
  to.number(high);
  to.number(low);
  to.whole(rest.length);
  for (const part of rest) to.number(part);
}

function readSum(from: Reader): Sum {
  const sum: Sum = { high: from.number(), low: from.number(), rest: [] };
  for (let left = from.whole(); left > 0; left--) sum.rest.push(from.number());
  return sum;
}

/** Of the last chunk what is filled; beside a count of something a column or a chunk tells whether it is wide. */
function writeColumn(to: Writer, { chunks, fill, wide }: Column): void {
  to.whole(flagged(chunks.length, wide));
  for (let i = 0; i < chunks.length; i++) {
    const chunk = chunks[i] as Column['chunks'][number];
    const count = i === chunks.length - 1 ? fill : chunk.length;
    const isWide = chunk instanceof Float64Array;
    to.whole(flagged(count, isWide));
    if (isWide) to.doubles(chunk, count);
    else to.words(chunk, count);
  }
}

function readColumn(from: Reader): Column {
  const count = from.whole();
  const column: Column = { length: 0, wide: count % 2 === 1, chunks: [], fill: 0 };
  for (let left = count >>> 1; left > 0; left--) {
    const size = from.whole();
    column.fill = size >>> 1;
    column.length += column.fill;
    column.chunks.push(size % 2 === 1 ? from.doubles(column.fill) : from.words(column.fill));
  }
  return column;
}

function flagged(count: number, flag: boolean): number {
  return count * 2 + (flag ? 1 : 0);
}

function readMap<T>(from: Reader, read: (from: Reader) => T): Map<string, T> {
  const map = new Map<string, T>();
  for (let left = from.whole(); left > 0; left--) map.set(from.text() as string, read(from));
  return map;
}

function number(from: Reader): number {
  return from.number();
}
