import type { RecordSink } from './format.ts';
import { countFiltered, countReject, countUsed, type Intake, type Reject } from './intake.ts';
import type { UsageRecord } from './record.ts';
import { type Row, RowColumn } from './row.ts';

/** Takes records in. */
export interface Accepting {
  /** A text says why the record is filtered out instead. */
  accept(record: UsageRecord): string | undefined;
  /** Takes a record as a row; undefined where some may have to be filtered out, or more of them must be known. */
  acceptRow?: ((row: Row) => void) | undefined;
}

export interface SinkOptions extends Accepting {
  intake: Intake;
  /** Called for each unusable record. */
  onReject?(reject: Reject): void;
}

/** Where the records of one source go: each is counted in the intake, and accepted or not. */
export interface SourceSink {
  /** The sink for what stands on a line. */
  at(line: number): RecordSink;
  /** Takes a row; undefined where records must be made of rows. */
  row: ((row: Row) => void) | undefined;
  reject(line: number, reason: string): void;
  /** First and last time of the records used, Unix milliseconds. */
  times(): Times;
}

export interface Times {
  from: number | undefined;
  to: number | undefined;
}

export function createSourceSink(source: string, options: SinkOptions): SourceSink {
  const { intake, accept, acceptRow, onReject } = options;
  let line = 0;
  // An array, so that no object is made of each time.
  const times = Float64Array.of(Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY);
  const used = (at: number) => {
    countUsed(intake);
    // Comparisons with NaN are false.
    if (at < (times[0] as number)) times[0] = at;
    if (at > (times[1] as number)) times[1] = at;
  };
  const reject = (place: number, reason: string) => {
    const fault = { source, line: place, reason };
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
    at(place) {
      line = place;
      return sink;
    },
    row:
      acceptRow &&
      ((row) => {
        acceptRow(row);
        used(row.numbers[row.base + RowColumn.at] as number);
      }),
    reject,
    times: () => ({ from: finite(times[0]), to: finite(times[1]) }),
  };
}

/** The times of two parts together. */
export function joinTimes(a: Times, b: Times): Times {
  return {
    from: finite(Math.min(a.from ?? Number.POSITIVE_INFINITY, b.from ?? Number.POSITIVE_INFINITY)),
    to: finite(Math.max(a.to ?? Number.NEGATIVE_INFINITY, b.to ?? Number.NEGATIVE_INFINITY)),
  };
}

function finite(time: number | undefined): number | undefined {
  return Number.isFinite(time) ? time : undefined;
}
