import type { Command } from 'commander';
import type { Context, GlobalOptions } from './context.ts';
import type { Reading } from './session.ts';

interface StatusOptions extends GlobalOptions {
  check?: boolean;
}

export function register(program: Command, ctx: Context): void {
  program
    .command('status')
    .description('where the migration is, whether it is safe, and what comes next')
    .option('--check', 'exit 0 only when it is safe, or an operation runs')
    .action(async (_options: unknown, command: Command) => {
      await runStatus(ctx, command.optsWithGlobals<StatusOptions>());
    });
}

async function runStatus(ctx: Context, options: StatusOptions): Promise<void> {
  const { renderStatus } = await import('../report/status.ts');
  const { statusDocument } = await import('../report/status-document.ts');
  const { gatherFacts } = await import('../situation/gather.ts');
  const { situationOf } = await import('../situation/situation.ts');
  const { lastCheckpoint } = await import('../store/checkpoints.ts');
  const { waitingMessages } = await import('../store/messages.ts');
  const { withReading } = await import('./session.ts');
  const { styleFor, widthOf } = await import('./style.ts');
  const show = async (reading: Reading) => {
    const facts = await gatherFacts(reading, { flagMs: reading.drivers.flag.timeoutMs, dns: true });
    const situation = situationOf(facts);
    const waiting = waitingMessages(reading.db);
    const { migration } = reading.config;
    const view = { migration, facts, situation, lastCheckpoint: lastCheckpoint(reading.db), waiting };
    if (options.json) ctx.document(statusDocument(view));
    else ctx.print(renderStatus(view, await styleFor(ctx, options, 'stdout'), widthOf(ctx)));
    if (options.check && situation.unsafe && situation.name !== 'running')
      ctx.exit(situation.unsafe.exitCode);
  };
  await withReading(ctx, options, show, true);
}
