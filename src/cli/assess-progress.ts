import { clean } from '../clean.ts';
import type { Progress } from '../usage/read-all.ts';
import type { Context } from './context.ts';

const EVERY_MS = 200;
/** What is over sooner needs no progress. */
const AFTER_MS = 500;

/** One line on stderr that is written over, in a terminal only: bytes, records, rate, time left. */
export function showProgress(ctx: Context): { update(progress: Progress): void; done(): void } {
  if (!ctx.terminal.stderr) return { update() {}, done() {} };
  const began = ctx.now().getTime();
  let last = began + AFTER_MS - EVERY_MS;
  let shown = false;
  return {
    update(progress) {
      const now = ctx.now().getTime();
      if (now - last < EVERY_MS) return;
      last = now;
      shown = true;
      const line = progressLine(progress, now - began);
      process.stderr.write(`\r\x1b[K${line.slice(0, Math.max(20, ctx.terminal.columns - 1))}`);
    },
    done() {
      if (shown) process.stderr.write('\r\x1b[K');
    },
  };
}

/** `usage.jsonl  120 of 480 MB, 400,000 records, 60 MB/s, 6 s left`. */
export function progressLine({ source, bytes, totalBytes, records }: Progress, elapsedMs: number): string {
  const perSecond = bytes / Math.max(elapsedMs / 1000, 0.001);
  const parts = [
    totalBytes === undefined ? megabytes(bytes) : `${number(bytes)} of ${megabytes(totalBytes)}`,
    `${records.toLocaleString('en-US')} records`,
    `${megabytes(perSecond)}/s`,
  ];
  if (totalBytes !== undefined && perSecond > 0) {
    parts.push(`${Math.ceil(Math.max(0, totalBytes - bytes) / perSecond)} s left`);
  }
  return `${clean(source, 30)}  ${parts.join(', ')}`;
}

function number(bytes: number): string {
  return (bytes / 1e6).toLocaleString('en-US', { maximumFractionDigits: bytes < 1e7 ? 1 : 0 });
}

function megabytes(bytes: number): string {
  return `${number(bytes)} MB`;
}
