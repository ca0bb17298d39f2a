import type { Command } from 'commander';
import type { Context, GlobalOptions } from './context.ts';

interface HistoryOptions extends GlobalOptions {
  limit: string;
  verify?: boolean;
}

export function register(program: Command, ctx: Context): void {
  program
    .command('history')
    .description('every operation, step and verdict, with who and why')
    .option('-n, --limit <count>', 'how many of the newest entries', '50')
    .option('--verify', 'check that no entry was changed, removed or moved; exit 2 if one was')
    .action(async (_options: unknown, command: Command) => {
      await runHistory(ctx, command.optsWithGlobals<HistoryOptions>());
    });
}

async function runHistory(ctx: Context, options: HistoryOptions): Promise<void> {
  const { CutoverError, EXIT } = await import('../errors.ts');
  const { historyDocument, renderHistory } = await import('../report/history.ts');
  const { readHistory, verifyHistory } = await import('../store/history.ts');
  const { withReading } = await import('./session.ts');
  const { styleFor, widthOf } = await import('./style.ts');
  if (!/^[1-9]\d{0,8}$/.test(options.limit)) {
    throw new CutoverError('USAGE', EXIT.usage, `--limit ${options.limit}: not a whole number above 0`);
  }
  await withReading(ctx, options, async (session) => {
    if (options.verify) {
      const found = verifyHistory(session.db);
      const whole = found.brokenAt === null;
      if (options.json) ctx.document({ schemaVersion: 1, command: 'history', verify: { whole, ...found } });
      else if (whole) ctx.print(`whole: ${found.entries} entries, head ${found.head.slice(0, 16)}`);
      else
        ctx.print(`BROKEN at entry ${found.brokenAt}: it is not what was written, or one before it is gone`);
      if (!whole) ctx.exit(EXIT.fail);
      return;
    }
    const entries = readHistory(session.db, Number(options.limit));
    if (options.json) ctx.document(historyDocument(entries));
    else ctx.print(renderHistory(entries, await styleFor(ctx, options, 'stdout'), widthOf(ctx)));
  });
}
