import type { Command } from 'commander';
import { wrap } from '../report/text.ts';
import type { HistoryQuery } from '../store/history.ts';
import type { Context, GlobalOptions } from './context.ts';
import type { Reading } from './session.ts';
import { pageWidth, styleFor, widthOf } from './style.ts';

interface HistoryOptions extends GlobalOptions {
  limit: string;
  since?: string;
  event?: string;
  operation?: string;
  verify?: boolean;
  expectHead?: string;
}

const ABOUT_VERIFY = [
  '--verify holds the entries against one another, and against the number of them and the last hash that the state',
  'keeps. It cannot see that somebody who may write the database has written all of that anew, nor that all of it was',
  'put back from an older copy. Against these keep a hash elsewhere: --verify says it. Later --expect-head finds out',
  'whether everything up to that entry is as it was.',
].join(' ');

export function register(program: Command, ctx: Context): void {
  program
    .command('history')
    .description('every operation, step and verdict, with who and why')
    .option('-n, --limit <count>', 'how many of the newest entries', '50')
    .option('--since <time>', 'not before: ISO 8601 (UTC without a zone), or how long ago, e.g. 2h')
    .option('--event <text>', 'only events with this in their name, e.g. "step failed" or rollback')
    .option('--operation <id>', 'only what belongs to this operation')
    .option('--verify', 'check that no entry was changed, removed or moved; exit 2 if one was')
    .option('--expect-head <hash>', 'with --verify: also that an entry has this hash, or one that begins so')
    .addHelpText('after', () => `\n${wrap(ABOUT_VERIFY, pageWidth(ctx)).join('\n')}`)
    .action(async (_options: unknown, command: Command) => {
      await runHistory(ctx, command.optsWithGlobals<HistoryOptions>());
    });
}

async function runHistory(ctx: Context, options: HistoryOptions): Promise<void> {
  const { withReading } = await import('./session.ts');
  const { query, expected } = await asked(options, ctx.now().getTime());
  await withReading(ctx, options, (reading) =>
    options.verify ? verify(ctx, options, reading, expected) : list(ctx, options, reading, query),
  );
}

async function list(
  ctx: Context,
  options: HistoryOptions,
  { db }: Reading,
  query: HistoryQuery,
): Promise<void> {
  const { CutoverError, EXIT } = await import('../errors.ts');
  const { historyDocument, renderHistory } = await import('../report/history.ts');
  const { historyHead, historyKnows, readHistory } = await import('../store/history.ts');
  if (query.operation !== undefined && !historyKnows(db, query.operation)) {
    const what = `the history knows no operation ${query.operation}`;
    throw new CutoverError('OPERATION_UNKNOWN', EXIT.usage, what, {
      hint: '`cutover history --json` has the id of each',
    });
  }
  const entries = readHistory(db, query);
  if (options.json) return ctx.document(historyDocument(entries));
  const anything = historyHead(db).entries > 0;
  ctx.print(renderHistory(entries, anything, await styleFor(ctx, options, 'stdout'), widthOf(ctx)));
}

async function verify(
  ctx: Context,
  options: HistoryOptions,
  { db }: Reading,
  expected: string | null,
): Promise<void> {
  const { EXIT } = await import('../errors.ts');
  const { renderVerification, verificationDocument } = await import('../report/history.ts');
  const { verifyHistory } = await import('../store/history.ts');
  const found = verifyHistory(db, expected);
  if (options.json) ctx.document(verificationDocument(found));
  else ctx.print(renderVerification(found, widthOf(ctx)));
  if (!found.whole) ctx.exit(EXIT.fail);
}

/**
 * What the flags ask for.
 * @throws CutoverError USAGE (64)
 */
async function asked(
  options: HistoryOptions,
  now: number,
): Promise<{ query: HistoryQuery; expected: string | null }> {
  const { CutoverError, EXIT } = await import('../errors.ts');
  const usage = (message: string, hint?: string) => new CutoverError('USAGE', EXIT.usage, message, { hint });
  const { limit, event, operation, verify, expectHead } = options;
  if (!/^[1-9]\d{0,8}$/.test(limit)) throw usage(`--limit ${limit}: not a whole number above 0`);
  if (verify && (options.since ?? event ?? operation) !== undefined)
    throw usage('--verify looks at every entry: leave --since, --event and --operation away');
  if (!verify && expectHead !== undefined) throw usage('--expect-head is for `history --verify`');
  if (expectHead !== undefined && !/^[0-9a-f]{16,64}$/i.test(expectHead)) {
    throw usage(
      `--expect-head ${expectHead}: not a hash: 16 to 64 hexadecimal digits`,
      '`cutover history --verify` says it',
    );
  }
  const since = options.since === undefined ? undefined : await sinceOf(options.since, now);
  if (options.since !== undefined && since === undefined) {
    throw usage(`--since ${options.since}: not a time; write it like 2026-08-20T18:00:00Z, or 2h`);
  }
  return {
    query: { limit: Number(limit), since, event, operation },
    expected: expectHead?.toLowerCase() ?? null,
  };
}

/** Unix milliseconds; undefined for what is neither a time nor a duration. */
async function sinceOf(text: string, now: number): Promise<number | undefined> {
  const { parseDuration } = await import('../config/units.ts');
  const { parseTimestamp } = await import('../usage/time.ts');
  const ago = parseDuration(text);
  return ago === undefined ? parseTimestamp(text) : now - ago;
}
