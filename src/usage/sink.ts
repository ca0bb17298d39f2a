import type { BundleTaker } from './bundle.ts';
import type { RecordSink } from './format.ts';
import { countFiltered, countReject, countUsed, type Intake, type Reject } from './intake.ts';
import type { UsageRecord } from './record.ts';

/** Takes records in. */
export interface Accepting {
  /** A text says why the record is filtered out instead. */
  accept(record: UsageRecord): string | undefined;
  /** Takes records in bundles; undefined where some may have to be filtered out, or more of them must be known. */
  bundles?: BundleTaker | undefined;
  /** Whether it holds so much that several threads should not each hold as much: then one alone reads the log. */
  isTooMuch?(): boolean;
}

export interface SinkOptions extends Accepting {
  intake: Intake;
  /** Called for each unusable record. */
  onReject?(reject: Reject): void;
}

/** Where the records of one source go: each is counted in the intake, and accepted or not. */
export interface SourceSink {
  /** The sink for what stands on a line, or is so many-th of a list that begins there (counted from 0). */
  at(line: number, element?: number): RecordSink;
  /** Takes bundles; undefined where records are taken one by one only. */
  bundles: BundleTaker | undefined;
  reject(line: number, reason: string, element?: number): void;
  /** What the source's records say that a reader must know. */
  warnings(): string[];
  /** First and last time of the records used, Unix milliseconds. */
  times(): Times;
}

export interface Times {
  from: number | undefined;
  to: number | undefined;
}

export function createSourceSink(source: string, options: SinkOptions): SourceSink {
  const { intake, accept, bundles, onReject } = options;
  let line = 0;
  let element: number | undefined;
  const warnings = new Set<string>();
  // An array, so that no object is made of each time.
  const times = Float64Array.of(Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY);
  const used = (records: number, from: number, to: number) => {
    countUsed(intake, records);
    // Comparisons with NaN are false.
    if (from < (times[0] as number)) times[0] = from;
    if (to > (times[1] as number)) times[1] = to;
  };
  const reject = (place: number, reason: string, of?: number) => {
    const fault = { source, line: place, ...(of === undefined ? {} : { element: of }), reason };
    countReject(intake, fault);
    onReject?.(fault);
  };
  const sink: RecordSink = {
    record(record) {
      const filtered = accept(record);
      if (filtered !== undefined) return countFiltered(intake, filtered);
      const { at = Number.NaN } = record;
      used(1, at, at);
    },
    reject: (reason) => reject(line, reason, element),
    warn: (text) => void warnings.add(text),
    skip: (reason) => countFiltered(intake, reason),
  };
  return {
    at(place, of) {
      line = place;
      element = of;
      return sink;
    },
    bundles: bundles && {
      ...bundles,
      add(bundle) {
        bundles.add(bundle);
        used(bundle.records, bundle.from, bundle.to);
      },
    },
    reject,
    warnings: () => [...warnings],
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
