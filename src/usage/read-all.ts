import { closeSync, openSync, writeSync } from 'node:fs';
import { CutoverError, EXIT, messageOf } from '../errors.ts';
import type { InputFile } from './inputs.ts';
import type { Reject } from './intake.ts';
import { isParquet } from './parquet/detect.ts';
import { type ReadOptions, readSource, type SourceSummary } from './read.ts';
import { openSource } from './source.ts';

export interface ReadAllOptions extends ReadOptions {
  inputs: readonly InputFile[];
  /** Opened only when it is an input. */
  stdin(): NodeJS.ReadStream;
  /** Told now and then how far reading is. */
  onProgress?(progress: Progress): void;
  signal: AbortSignal;
}

export interface Progress {
  source: string;
  bytes: number;
  /** undefined where a size is unknown. */
  totalBytes: number | undefined;
  records: number;
}

/** Reads every input, one after the other. Stops where the signal fires; what was read is counted. */
export async function readAll(options: ReadAllOptions): Promise<SourceSummary[]> {
  const { inputs } = options;
  const sizes = inputs.map((input) => input.bytes ?? (input.path === undefined ? undefined : 0));
  const totalBytes = sizes.includes(undefined)
    ? undefined
    : sizes.reduce((sum: number, size) => sum + (size ?? 0), 0);
  let bytes = 0;
  const summaries: SourceSummary[] = [];
  for (const input of inputs) {
    if (options.signal.aborted) break;
    const progress = (count: number, recordsAhead = 0) => {
      bytes += count;
      const records = options.intake.read + recordsAhead;
      options.onProgress?.({ source: input.name, bytes, totalBytes, records });
    };
    if (isParquet(input)) {
      const { readParquet } = await import('./parquet/read.ts');
      summaries.push(await readParquet(input, options));
      progress(input.bytes ?? 0);
      continue;
    }
    summaries.push(await readSource(openSource(input, options.stdin, progress, options.signal), options));
    // Nobody reads on: a pipe that stays open must not keep the process.
    if (options.signal.aborted && input.path === undefined) options.stdin().destroy();
  }
  return summaries;
}

/** Files whose times overlap by more than this were not simply cut at a rotation. */
const OVERLAP_MS = 60_000;

/** Pairs of sources whose records are of the same time: perhaps the same requests twice. */
export function overlaps(summaries: readonly SourceSummary[]): [string, string][] {
  const timed = summaries
    .flatMap(({ name, from, to }) => (from === undefined || to === undefined ? [] : [{ name, from, to }]))
    .sort((a, b) => a.from - b.from);
  const pairs: [string, string][] = [];
  let latest = timed[0];
  for (const next of timed.slice(1)) {
    if (latest && Math.min(latest.to, next.to) - next.from > OVERLAP_MS) pairs.push([latest.name, next.name]);
    if (!latest || next.to > latest.to) latest = next;
  }
  return pairs;
}

const BUFFERED = 64 * 1024;

/**
 * Writes rejects to a file, one JSON object a line: source, line, element (of a list), reason.
 * @throws CutoverError UNWRITABLE (exit 65) when the file cannot be written.
 */
export function createRejectFile(path: string): { add(reject: Reject): void; close(): void } {
  let waiting = '';
  const attempt = <T>(write: () => T): T => {
    try {
      return write();
    } catch (cause) {
      throw new CutoverError('UNWRITABLE', EXIT.input, `${path}: cannot be written: ${messageOf(cause)}`, {
        cause,
      });
    }
  };
  const file = attempt(() => openSync(path, 'w', 0o600));
  const flush = () => {
    attempt(() => writeSync(file, waiting));
    waiting = '';
  };
  return {
    add({ source, line, element, reason }) {
      waiting += `${JSON.stringify({ source, line, element, reason })}\n`;
      if (waiting.length > BUFFERED) flush();
    },
    close() {
      flush();
      closeSync(file);
    },
  };
}
