import type { BundleTaker } from '../bundle.ts';
import type { UsageRecord } from '../record.ts';
import type { Splitter } from '../splitter.ts';
import { type Bundles, createBundles } from './bundles.ts';
import { type KernelModule, type Scan, startKernel } from './host.ts';
import * as at from './kernel/layout.ts';
import { Field, Stop } from './kernel/layout.ts';
import { clearTokens, createKernelMemory, type KernelMemory } from './memory.ts';
import { createPieces, type Pieces } from './pieces.ts';
import { createRecords, type Records } from './records.ts';

/** Whether anybody looks at ids and users: it takes time to know them. */
export interface Wants {
  id: boolean;
  user: boolean;
}

/** Reads lines of the native format. What it learns of them serves all that it reads, one source after the other. */
export interface NativeReader {
  /** Begins a source, at the beginning of a line; the source before must have ended. */
  open(source: NativeSource): NativeLines;
  /** Hands over what is in bundles: only then all that was read is accounted for. */
  settle(): void;
}

export interface NativeSource {
  /** Takes the lines that the kernel leaves, and the end. */
  others: Splitter;
  /** Takes a record. */
  record(record: UsageRecord): void;
  /** Takes records in bundles; where it is missing, one by one. */
  bundles: BundleTaker | undefined;
  /** Asked after each line that went to the other splitter: whether the kernel may go on. */
  mayGoOn(): boolean;
}

/** Each line is read by the kernel or goes to the other splitter, in order. */
export interface NativeLines extends Splitter {
  /** As the reader's. */
  settle(): void;
  /** Where the next bytes may be put; call `filled` then. */
  room(): Buffer;
  filled(bytes: number): void;
  /** Lines read by the kernel, and lines that went to the other splitter while it might go on. */
  readonly lines: number;
  readonly otherLines: number;
}

const NEWLINE = 0x0a;
/** After so many lines those who look on want to know. */
const MAX_BUNDLED = 65_536;
const INPUT_END = at.INPUT + at.INPUT_BYTES;

export function createNativeReader(module: KernelModule, wants: Wants): NativeReader {
  const memory = createKernelMemory();
  const unwanted = [...(wants.id ? [] : [Field.id]), ...(wants.user ? [] : [Field.user])];
  const pieces = createPieces(memory.bytes, memory.words, unwanted);
  const records = createRecords(memory);
  const bundles = createBundles(memory, records);
  const scan = startKernel(module, memory, bundles.calls);
  return {
    open: (source) => openLines(source, { memory, scan, pieces, records, bundles }),
    settle: bundles.drain,
  };
}

interface Parts {
  memory: KernelMemory;
  scan: Scan;
  pieces: Pieces;
  records: Records;
  bundles: Bundles;
}

function openLines(source: NativeSource, { memory, scan, pieces, records, bundles }: Parts): NativeLines {
  const { others, mayGoOn } = source;
  const { bytes, words, doubles } = memory;
  const bundling = bundles.begin(source.bundles);
  /** The other splitter holds the beginning of the line. */
  let insideLine = false;
  /** Bytes of a line that is not complete yet, at INPUT. */
  let held = 0;
  let lines = 0;
  let otherLines = 0;
  let allOthers = false;
  /** Lines in bundles that nobody has got yet. */
  let bundled = 0;

  const toOthers = (from: number, to: number) => {
    others.write(bytes.subarray(from, to));
    otherLines++;
    allOthers ||= !mayGoOn();
  };

  /** Delivers the rows of a scan. @returns the place from where to read on. */
  const deliver = (count: number, next: number): number => {
    if (bundling) {
      lines += count;
      bundled += count;
      return next;
    }
    for (let row = 0; row < count; row++) {
      const record = records.record(row);
      if (record) {
        source.record(record);
        lines++;
        continue;
      }
      // Judged by the native format.
      const place = (at.ROWS + at.ROW_BYTES * row) / 8;
      const end = doubles[place + Field.lineEnd] as number;
      toOthers(doubles[place + Field.lineStart] as number, end);
      if (allOthers) return end;
    }
    return next;
  };
  const settle = () => {
    bundles.drain();
    bundled = 0;
  };

  /** Reads whole lines. */
  const read = (from: number, limit: number) => {
    let p = from;
    while (p < limit) {
      if (allOthers) return toOthers(p, limit);
      const stop = scan(p, limit);
      p = deliver(words[at.ROW_COUNT / 4] as number, words[at.POSITION / 4] as number);
      if (allOthers || stop === Stop.done || stop === Stop.full) continue;
      if (stop === Stop.tokens || stop === Stop.bundles) {
        // Bundles know their kinds by tokens.
        settle();
        if (stop === Stop.bundles) continue;
        clearTokens(memory);
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
    if (bundled >= MAX_BUNDLED) settle();
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
    settle,
    get lines() {
      return lines;
    },
    get otherLines() {
      return otherLines;
    },
  };
}
