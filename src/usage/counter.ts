import type { RecordSink } from './format.ts';
import { countFiltered, countReject, countUsed, type Intake, type Reject } from './intake.ts';
import type { UsageRecord } from './record.ts';
import { type Row, RowColumn } from './row.ts';

/** Takes records in. */
export interface Accepting {
  /** A text says why the record is filtered out instead. The record is valid during the call only. */
  accept(record: UsageRecord): string | undefined;
  /** Takes a record as a row; undefined where some may have to be filtered out, or more of them must be known. */
  acceptRow?: ((row: Row) => void) | undefined;
}

/** Counts every record that a source holds, whatever becomes of it. */
export interface Counter {
  /** For what stands on a line; valid until it is called again. */
  sinkAt(line: number): RecordSink;
  /** For rows; undefined where records must be made of them. */
  row: ((row: Row) => void) | undefined;
  reject(line: number, reason: string): void;
  /** First and last time of the records used, Unix milliseconds; undefined while none has a time. */
  span(): Span;
}

export interface Span {
  first: number | undefined;
  last: number | undefined;
}

/** @param source for messages. */
export function createCounter(
  source: string,
  intake: Intake,
  { accept, acceptRow }: Accepting,
  onReject?: (reject: Reject) => void,
): Counter {
  let line = 0;
  // An array, so that no object is made of each time.
  const span = Float64Array.of(Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY);
  const used = (at: number) => {
    countUsed(intake);
    // Comparisons with NaN are false.
    if (at < (span[0] as number)) span[0] = at;
    if (at > (span[1] as number)) span[1] = at;
  };
  const reject = (at: number, reason: string) => {
    const fault = { source, line: at, reason };
    countReject(intake, fault);
    onReject?.(fault);
  };
  const sink: RecordSink = {
    record(record) {
      const filtered = accept(record);
      if (filtered === undefined) used(record.at ?? Number.NaN);
      else countFiltered(intake, filtered);
    },
    reject: (reason) => reject(line, reason),
    skip: (reason) => countFiltered(intake, reason),
  };
  return {
    sinkAt(at) {
      line = at;
      return sink;
    },
    row:
      acceptRow &&
      ((row) => {
        acceptRow(row);
        used(row.numbers[row.base + RowColumn.at] as number);
      }),
    reject,
    span() {
      const [first, last] = span;
      return { first: finite(first), last: finite(last) };
    },
  };
}

/** The span of two parts together. */
export function joinSpans(a: Span, b: Span): Span {
  return {
    first: finite(Math.min(a.first ?? Number.POSITIVE_INFINITY, b.first ?? Number.POSITIVE_INFINITY)),
    last: finite(Math.max(a.last ?? Number.NEGATIVE_INFINITY, b.last ?? Number.NEGATIVE_INFINITY)),
  };
}

function finite(time: number | undefined): number | undefined {
  return Number.isFinite(time) ? time : undefined;
}
