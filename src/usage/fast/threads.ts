import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { type Intake, MAX_SAMPLES, mergeIntake } from '../intake.ts';
import { joinTimes, type Times } from '../sink.ts';
import type { Crew, Done, Taker } from './crew.ts';
import type { KernelModule } from './host.ts';
import type { Wants } from './native-lines.ts';
import { NEXT_TASK, readShare, type Share, type SharedFile, STOPPED } from './share.ts';

/** How large files are read on several threads. */
export interface Threads<T> {
  /** Threads besides this one. */
  crew: Crew<T>;
  /** How the crew takes records; plain data. */
  rules: unknown;
  /** Takes records on this thread. */
  createTaker(): Taker<T>;
  /**
   * Takes in what all threads have taken. @returns false, without having taken anything, where the order of the
   * records shows in it after all: then the file is read again, in order.
   */
  merge(results: readonly T[]): boolean;
  /** Smaller files are not worth it. */
  minBytes: number;
  taskBytes: number;
}

/** The rest of a file whose first lines were read. */
export interface FileRest {
  name: string;
  path: string;
  /** The bytes that were read, from the first on; whole lines. */
  head: Buffer;
  intake: Intake;
  signal: AbortSignal | undefined;
  /** Told now and then how many more bytes were read, and all the lines so far. */
  onBytes(bytes: number, lines: number): void;
}

/**
 * Reads the rest of a file on this thread and by a crew, and adds it to the intake.
 * @returns the first and last time of the records used; undefined, and nothing is added, when the file must be read
 * in order, is compressed, or is too small; `too much` when threads take too much memory for such a log.
 */
export async function readInThreads<T>(
  rest: FileRest,
  threads: Threads<T>,
  kernel: KernelModule,
  wants: Wants,
): Promise<Times | undefined | 'too much'> {
  const to = sizeOf(rest);
  if (to === undefined || to < threads.minBytes) return undefined;
  const file: SharedFile = {
    name: rest.name,
    path: rest.path,
    from: rest.head.length,
    to,
    taskBytes: threads.taskBytes,
    counters: new Int32Array(new SharedArrayBuffer(8)),
    lineCount: new BigInt64Array(new SharedArrayBuffer(8)),
    kernel,
    wants,
  };
  const helpers = threads.crew.read({ file, rules: threads.rules });
  let all: Done<T>[];
  try {
    // Whoever fails first stops the others.
    all = (await Promise.all([readHere(file, threads, rest).then((own) => [own]), helpers])).flat();
  } catch (error) {
    Atomics.store(file.counters, STOPPED, 1);
    throw error;
  }
  if (all.some(({ share }) => share.tooMuch)) return 'too much';
  if (all.some(({ share }) => share.strange)) return undefined;
  if (!threads.merge(all.map(({ result }) => result))) return undefined;
  addShares(rest, all);
  return all.map(({ share }) => share.times).reduce(joinTimes);
}

/** The size of the file; undefined when it does not begin with the bytes that were read: then these were unpacked. */
function sizeOf({ path, head }: FileRest): number | undefined {
  const handle = openSync(path, 'r');
  try {
    const start = Buffer.alloc(head.length);
    const count = readSync(handle, start, 0, start.length, 0);
    const { size } = fstatSync(handle);
    return count === head.length && start.equals(head) ? size : undefined;
  } finally {
    closeSync(handle);
  }
}

async function readHere<T>(file: SharedFile, threads: Threads<T>, rest: FileRest): Promise<Done<T>> {
  const taker = threads.createTaker();
  let told = 0;
  const share = await readShare(file, taker, async () => {
    const read = Math.min(Atomics.load(file.counters, NEXT_TASK) * file.taskBytes, file.to - file.from);
    rest.onBytes(read - told, Number(Atomics.load(file.lineCount, 0)));
    told = read;
    await setImmediate();
    if (rest.signal?.aborted) Atomics.store(file.counters, STOPPED, 1);
  });
  return { share, result: taker.result() };
}

/** Adds the counts, and the first rejects by their lines in the file. */
function addShares({ name, head, intake }: FileRest, all: readonly { share: Share }[]): void {
  for (const { share } of all) mergeIntake(intake, share.intake);
  let line = countLines(head);
  for (const task of all.flatMap(({ share }) => share.tasks).sort((a, b) => a.index - b.index)) {
    for (const reject of task.rejects) {
      if (intake.samples.length >= MAX_SAMPLES) return;
      intake.samples.push({ source: name, line: line + reject.line, reason: reject.reason });
    }
    line += task.lines;
  }
}

function countLines(bytes: Buffer): number {
  let lines = 0;
  for (let at = bytes.indexOf(0x0a); at >= 0; at = bytes.indexOf(0x0a, at + 1)) lines++;
  return lines;
}
