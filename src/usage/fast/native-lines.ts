import type { UsageRecord } from '../record.ts';
import type { Row } from '../row.ts';
import type { Splitter } from '../splitter.ts';
import { createKernel, type KernelModule } from './host.ts';
import * as at from './layout.ts';
import { Field, Stop } from './layout.ts';
import { createPieces } from './pieces.ts';
import { createRecords } from './records.ts';

/** Whether anybody looks at ids and users: it takes time to know them. */
export interface Wants {
  id: boolean;
  user: boolean;
}

/** Reads lines of the native format. What it learns of them serves all that it reads, one source after the other. */
export interface NativeReader {
  /** Begins a source, at the beginning of a line; the source before must have ended. */
  open(source: NativeSource): NativeLines;
}

export interface NativeSource {
  /** Takes the lines that the kernel leaves, and the end. */
  others: Splitter;
  /** Takes a record. */
  record(record: UsageRecord): void;
  /** Takes a row; where it is missing, records are made. */
  row: ((row: Row) => void) | undefined;
  /** Asked after each line that went to the other splitter: whether the kernel may go on. */
  mayGoOn(): boolean;
}

/** Each line is read by the kernel or goes to the other splitter, in order. */
export interface NativeLines extends Splitter {
  /** Where the next bytes may be put; call `filled` then. */
  room(): Buffer;
  filled(bytes: number): void;
  /** Lines read by the kernel, and lines that went to the other splitter while it might go on. */
  readonly lines: number;
  readonly otherLines: number;
}

const NEWLINE = 0x0a;
const INPUT_END = at.INPUT + at.INPUT_BYTES;

export function createNativeReader(module: KernelModule, wants: Wants): NativeReader {
  const kernel = createKernel(module);
  const unwanted = [...(wants.id ? [] : [Field.id]), ...(wants.user ? [] : [Field.user])];
  const pieces = createPieces(kernel.bytes, kernel.words, unwanted);
  const records = createRecords(kernel);
  return { open: (source) => openLines(source, { kernel, pieces, records }) };
}

interface Parts {
  kernel: ReturnType<typeof createKernel>;
  pieces: ReturnType<typeof createPieces>;
  records: ReturnType<typeof createRecords>;
}

function openLines(source: NativeSource, { kernel, pieces, records }: Parts): NativeLines {
  const { others, mayGoOn } = source;
  const { bytes, words, doubles, scan } = kernel;
  /** The other splitter holds the beginning of the line. */
  let insideLine = false;
  /** Bytes of a line that is not complete yet, at INPUT. */
  let held = 0;
  let lines = 0;
  let otherLines = 0;
  let allOthers = false;

  const toOthers = (from: number, to: number) => {
    others.write(bytes.subarray(from, to));
    otherLines++;
    allOthers ||= !mayGoOn();
  };

  /** @returns false when the row must be judged by the native format. */
  const take = (index: number): boolean => {
    if (source.row) {
      const row = records.row(index);
      if (row === undefined) return false;
      source.row(row);
    } else {
      const record = records.record(index);
      if (record === undefined) return false;
      source.record(record);
    }
    return true;
  };

  /** Delivers the rows of a scan. @returns the place from where to read on. */
  const deliver = (count: number, next: number): number => {
    for (let row = 0; row < count; row++) {
      if (take(row)) {
        lines++;
        continue;
      }
      const place = (at.ROWS + at.ROW_BYTES * row) / 8;
      const end = doubles[place + Field.lineEnd] as number;
      toOthers(doubles[place + Field.lineStart] as number, end);
      if (allOthers) return end;
    }
    return next;
  };

  /** Reads whole lines. */
  const read = (from: number, limit: number) => {
    let p = from;
    while (p < limit) {
      if (allOthers) return toOthers(p, limit);
      const stop = scan(p, limit);
      p = deliver(words[at.ROW_COUNT / 4] as number, words[at.POSITION / 4] as number);
      if (allOthers || stop === Stop.done || stop === Stop.full) continue;
      if (stop === Stop.tokens) {
        kernel.clearTokens();
        records.clear();
      } else if (
        stop === Stop.line ||
        !pieces.learn(words[at.NODE / 4] as number, words[at.PLACE / 4] as number)
      ) {
        const end = bytes.indexOf(NEWLINE, p) + 1;
        toOthers(p, end);
        p = end;
      }
    }
  };

  /** What is no whole line is copied: the other splitter holds it. */
  const partToOthers = (from: number, to: number) => {
    others.write(Buffer.from(bytes.subarray(from, to)));
    insideLine = bytes[to - 1] !== NEWLINE;
    if (insideLine) return;
    otherLines++;
    allOthers ||= !mayGoOn();
  };

  const room = () => bytes.subarray(at.INPUT + held, INPUT_END);
  const filled = (count: number) => {
    if (count === 0) return;
    const end = at.INPUT + held + count;
    let start: number = at.INPUT;
    if (insideLine) {
      const newline = bytes.subarray(at.INPUT, end).indexOf(NEWLINE);
      start = newline < 0 ? end : at.INPUT + newline + 1;
      partToOthers(at.INPUT, start);
    }
    const limit = start + bytes.subarray(start, end).lastIndexOf(NEWLINE) + 1;
    if (limit > start) read(start, limit);
    held = end - limit;
    if (limit > at.INPUT) bytes.copyWithin(at.INPUT, limit, end);
    else if (end === INPUT_END) {
      // A line that is longer than all the room there is.
      partToOthers(at.INPUT, end);
      held = 0;
    }
  };

  return {
    room,
    filled,
    write(chunk) {
      for (let from = 0; from < chunk.length; ) {
        const count = chunk.copy(room(), 0, from);
        filled(count);
        from += count;
      }
    },
    end() {
      if (held > 0) others.write(bytes.subarray(at.INPUT, at.INPUT + held));
      held = 0;
      others.end();
    },
    get lines() {
      return lines;
    },
    get otherLines() {
      return otherLines;
    },
  };
}
