import { type FileHandle, open } from 'node:fs/promises';
import { messageOf } from '../errors.ts';

/** Appends lines to a file without making anybody wait. */
export interface UsageLog {
  /** Takes a record; it is written within about `delayMs`. */
  write(record: object): void;
  /** Writes everything that is held. Resolves to the number of lines that could not be written. */
  close(): Promise<number>;
}

export interface UsageLogOptions {
  path: string;
  /** Is told once when writing begins to fail, and once when it works again. */
  onNote(text: string): void;
  /** Milliseconds that lines are gathered for one write. */
  delayMs?: number;
  /** Bytes held while the file cannot be written; beyond this the newest lines are dropped and counted. */
  maxHeld?: number;
}

const NEW_LINE = 0x0a;
/** Between tries while the file cannot be written. */
const RETRY_MS = 1000;

/**
 * A JSONL writer. Lines are gathered in memory and appended in the background, in order; the file is opened anew for
 * each write, so that it may be rotated away at any time. While the disk refuses, lines are held and tried again.
 */
export function createUsageLog(options: UsageLogOptions): UsageLog {
  const { path, onNote, delayMs = 100, maxHeld = 64 * 1024 * 1024 } = options;
  let held: Buffer[] = [];
  let heldBytes = 0;
  let dropped = 0;
  let failing = false;
  let timer: NodeJS.Timeout | undefined;
  let writing: Promise<void> = Promise.resolve();
  let first = true;

  const schedule = (ms: number) => {
    timer ??= setTimeout(() => {
      timer = undefined;
      writing = writing.then(flush);
    }, ms);
  };

  async function flush(): Promise<void> {
    if (held.length === 0) return;
    const batch = Buffer.concat(held);
    held = [];
    let written = 0;
    try {
      const file = await open(path, 'a+', 0o600);
      try {
        // A line that a crash cut short must not swallow the first of ours.
        if (first && (await endsInsideLine(file))) await file.write('\n');
        first = false;
        while (written < batch.length) written += (await file.write(batch, written)).bytesWritten;
      } finally {
        await file.close();
      }
      if (failing)
        onNote(`usage log ${path}: writing again${dropped ? `; ${dropped} lines were dropped` : ''}`);
      failing = false;
    } catch (error) {
      held.unshift(batch.subarray(written));
      if (!failing)
        onNote(`usage log ${path}: cannot be written: ${messageOf(error)}; lines are held in memory`);
      failing = true;
      schedule(Math.max(delayMs, RETRY_MS));
    }
    heldBytes -= written;
  }

  return {
    write(record) {
      const line = Buffer.from(`${JSON.stringify(record)}\n`);
      if (heldBytes + line.length > maxHeld) {
        dropped++;
        return;
      }
      held.push(line);
      heldBytes += line.length;
      schedule(delayMs);
    },
    async close() {
      await writing;
      await flush();
      clearTimeout(timer);
      timer = undefined;
      return dropped + held.reduce((lines, part) => lines + countLines(part), 0);
    },
  };
}

async function endsInsideLine(file: FileHandle): Promise<boolean> {
  const { size } = await file.stat();
  if (size === 0) return false;
  const { buffer } = await file.read(Buffer.alloc(1), 0, 1, size - 1);
  return buffer[0] !== NEW_LINE;
}

function countLines(part: Buffer): number {
  let lines = 0;
  for (let at = part.indexOf(NEW_LINE); at !== -1; at = part.indexOf(NEW_LINE, at + 1)) lines++;
  return lines;
}
