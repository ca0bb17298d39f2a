import type { RecordSink } from './format.ts';
import { countFiltered, countReject, countUsed, type Intake, type Reject } from './intake.ts';
import type { UsageRecord } from './record.ts';

export interface SinkOptions {
  intake: Intake;
  /** Takes a record in; a text says why it is filtered out instead. */
  accept(record: UsageRecord): string | undefined;
  /** Called for each unusable record. */
  onReject?(reject: Reject): void;
}

/** Where the records of one source go: each is counted in the intake, and accepted or not. */
export interface SourceSink {
  /** The sink for what stands on a line. */
  at(line: number): RecordSink;
  reject(line: number, reason: string): void;
  /** First and last time of the records used, Unix milliseconds. */
  times(): { from: number | undefined; to: number | undefined };
}

export function createSourceSink(source: string, { intake, accept, onReject }: SinkOptions): SourceSink {
  let line = 0;
  let from: number | undefined;
  let to: number | undefined;
  const reject = (place: number, reason: string) => {
    const fault = { source, line: place, reason };
    countReject(intake, fault);
    onReject?.(fault);
  };
  const sink: RecordSink = {
    record(record) {
      const filtered = accept(record);
      if (filtered !== undefined) {
        countFiltered(intake, filtered);
        return;
      }
      countUsed(intake);
      const { at } = record;
      if (at === undefined) return;
      if (from === undefined || at < from) from = at;
      if (to === undefined || at > to) to = at;
    },
    reject: (reason) => reject(line, reason),
    skip: (reason) => countFiltered(intake, reason),
  };
  return {
    at(place) {
      line = place;
      return sink;
    },
    reject,
    times: () => ({ from, to }),
  };
}
