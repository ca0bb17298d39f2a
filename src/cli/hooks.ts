import type { Command } from 'commander';
import type { Context, GlobalOptions } from './context.ts';

export function register(program: Command, ctx: Context): void {
  program
    .command('hooks')
    .description('what is told and moved besides the flag')
    .command('test')
    .description('send each notify hook a test message, and read each DNS hook; changes nothing')
    .action(async (_options: unknown, command: Command) => {
      await runTest(ctx, command.optsWithGlobals<GlobalOptions>());
    });
}

async function runTest(ctx: Context, options: GlobalOptions): Promise<void> {
  const { EXIT } = await import('../errors.ts');
  const { newOperationId } = await import('../operation/record.ts');
  const { tryHooks } = await import('../operation/try-hooks.ts');
  const { renderTrials, trialDocument } = await import('../report/hooks.ts');
  const { readState } = await import('../store/state.ts');
  const { withSession } = await import('./session.ts');
  const { styleFor, widthOf } = await import('./style.ts');
  await withSession(
    ctx,
    options,
    async ({ db, config, drivers, actor, clock, secrets }) => {
      const { status, ratio, activeProvider } = readState(db, config.migration);
      const trials = await tryHooks(drivers, {
        migration: config.migration,
        world: { status, ratio, activeProvider },
        actor,
        id: newOperationId(clock.now(), clock.random).replace(/^op-/, 'test-'),
        clock,
        redact: secrets.redact,
      });
      if (options.json) ctx.document(trialDocument(trials));
      else ctx.print(renderTrials(trials, await styleFor(ctx, options, 'stdout'), widthOf(ctx)));
      if (trials.some(({ outcome }) => outcome === 'failed')) ctx.exit(EXIT.hookFailed);
    },
    false,
  );
}
