import { basename } from 'node:path';
import { clean } from '../clean.ts';
import { formatNumber } from '../config/units.ts';
import type { Progress } from '../usage/read-all.ts';
import type { Context } from './context.ts';

const EVERY_MS = 200;
/** What is over sooner needs no progress. */
const AFTER_MS = 500;
const MIN_NAME = 8;
const MAX_NAME = 30;

/** One line on stderr that is written over, in a terminal only: bytes, records, rate, time left. */
export function showProgress(ctx: Context): { update(progress: Progress): void; done(): void } {
  const began = ctx.now().getTime();
  let last = began + AFTER_MS - EVERY_MS;
  return {
    update(progress) {
      const now = ctx.now().getTime();
      if (now - last < EVERY_MS) return;
      last = now;
      ctx.live(progressLine(progress, now - began, ctx.terminal.columns - 1));
    },
    done: () => ctx.live(null),
  };
}

/**
 * `usage.jsonl  120 of 480 MB, 400,000 records, 60 MB/s, 6 s left`; of a long name as much as there is room for.
 * @param width in characters; a longer line could not be written over.
 */
export function progressLine(
  { source, bytes, totalBytes, records }: Progress,
  elapsedMs: number,
  width: number,
): string {
  const perSecond = bytes / Math.max(elapsedMs / 1000, 0.001);
  const parts = [
    totalBytes === undefined ? megabytes(bytes) : `${number(bytes)} of ${megabytes(totalBytes)}`,
    `${formatNumber(records)} records`,
    `${megabytes(perSecond)}/s`,
  ];
  if (totalBytes !== undefined && perSecond > 0) {
    parts.push(`${Math.ceil(Math.max(0, totalBytes - bytes) / perSecond)} s left`);
  }
  const figures = parts.join(', ');
  const name = clean(basename(source), Math.max(MIN_NAME, Math.min(MAX_NAME, width - figures.length - 2)));
  return `${name}  ${figures}`.slice(0, Math.max(1, width));
}

function number(bytes: number): string {
  return formatNumber(bytes / 1e6, bytes < 1e7 ? 1 : 0);
}

function megabytes(bytes: number): string {
  return `${number(bytes)} MB`;
}
