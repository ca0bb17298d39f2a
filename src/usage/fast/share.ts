import { closeSync, openSync, readSync } from 'node:fs';
import { native } from '../formats/native.ts';
import { createIntake, type Intake, MAX_SAMPLES } from '../intake.ts';
import { createLineSplitter } from '../lines.ts';
import { parseJson } from '../parse.ts';
import { createRecogniser } from '../recognise.ts';
import { type Accepting, createSourceSink, type Times } from '../sink.ts';
import type { KernelModule } from './host.ts';
import { createNativeReader, type Wants } from './native-lines.ts';

/** A file of the native format that several threads read, task by task. Plain data, so that a worker can be told. */
export interface SharedFile {
  name: string;
  path: string;
  /** The bytes to read; `from` begins a line. */
  from: number;
  to: number;
  taskBytes: number;
  /** NEXT_TASK and STOPPED, seen by all threads. */
  counters: Int32Array<SharedArrayBuffer>;
  /** Lines read so far, by all threads. */
  lineCount: BigInt64Array<SharedArrayBuffer>;
  kernel: KernelModule;
  wants: Wants;
}

export const NEXT_TASK = 0;
/** Not zero when the threads are to stop after the task at hand; or at once, as nothing of it will be kept. */
export const STOPPED = 1;
const IN_VAIN = 2;

/** What one thread has read. */
export interface Share {
  tasks: TaskLines[];
  /** Without samples: the lines of these depend on all tasks before. */
  intake: Intake;
  times: Times;
  /** A line that makes of the file something else than a record a line: it must be read in order. */
  strange: boolean;
  /** See Accepting. */
  tooMuch: boolean;
}

export interface TaskLines {
  index: number;
  lines: number;
  /** The first of them, by line from the beginning of the task. */
  rejects: { line: number; reason: string }[];
}

const NEWLINE = 0x0a;
const SEARCH_BYTES = 4096;

/**
 * Reads tasks of a file until none is left.
 * @param pause awaited after each task, for the thread's other work.
 */
export async function readShare(
  file: SharedFile,
  accepting: Accepting,
  pause?: () => Promise<void>,
): Promise<Share> {
  const reader = createNativeReader(file.kernel, file.wants);
  const intake = createIntake();
  const tasks: TaskLines[] = [];
  const isTooMuch = () => accepting.isTooMuch?.() ?? false;
  const { counters, name } = file;
  const handle = openSync(file.path, 'r');
  let rejects: TaskLines['rejects'] = [];
  const sink = createSourceSink(name, {
    ...accepting,
    intake,
    onReject({ line, reason }) {
      if (rejects.length < MAX_SAMPLES) rejects.push({ line, reason });
    },
  });
  const recogniser = createRecogniser([native], { name }, sink.at);

  const readTask = (index: number, from: number, to: number) => {
    rejects = [];
    const others = createLineSplitter((item) => {
      const line = item.line + lines.lines;
      const parsed = item.fault === undefined ? parseJson(item.text, item.open) : { fault: item.fault };
      if ('raw' in parsed) recogniser.object(parsed.raw, line);
      else sink.reject(line, parsed.fault);
    });
    const lines = reader.open({
      others,
      record: sink.at(0).record,
      bundles: sink.bundles,
      mayGoOn: recogniser.isPlain,
    });
    for (let at = from; at < to; ) {
      const room = lines.room();
      const count = readSync(handle, room, 0, Math.min(room.length, to - at), at);
      if (count === 0) break;
      lines.filled(count);
      at += count;
      if (isTooMuch()) Atomics.store(counters, STOPPED, IN_VAIN);
      if (Atomics.load(counters, STOPPED) === IN_VAIN) break;
    }
    lines.end();
    const count = lines.lines + lines.otherLines;
    tasks.push({ index, lines: count, rejects });
    Atomics.add(file.lineCount, 0, BigInt(count));
  };

  try {
    while (Atomics.load(counters, STOPPED) === 0 && recogniser.isPlain() && !isTooMuch()) {
      const index = Atomics.add(counters, NEXT_TASK, 1);
      const begin = file.from + index * file.taskBytes;
      if (begin >= file.to) break;
      const from = lineStart(handle, begin, file);
      const to = lineStart(handle, begin + file.taskBytes, file);
      if (from < to) readTask(index, from, to);
      else tasks.push({ index, lines: 0, rejects: [] });
      await pause?.();
    }
    reader.settle();
  } finally {
    closeSync(handle);
  }
  if (!recogniser.isPlain() || isTooMuch()) Atomics.store(counters, STOPPED, 1);
  intake.samples = [];
  return { tasks, intake, times: sink.times(), strange: !recogniser.isPlain(), tooMuch: isTooMuch() };
}

/** Where the first line begins at or after a place. */
function lineStart(handle: number, place: number, { from, to }: SharedFile): number {
  if (place <= from) return from;
  const buffer = Buffer.alloc(SEARCH_BYTES);
  for (let at = place - 1; at < to; ) {
    const count = readSync(handle, buffer, 0, Math.min(SEARCH_BYTES, to - at), at);
    if (count === 0) break;
    const newline = buffer.subarray(0, count).indexOf(NEWLINE);
    if (newline >= 0) return at + newline + 1;
    at += count;
  }
  return to;
}
