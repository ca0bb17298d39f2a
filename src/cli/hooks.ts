import type { Command } from 'commander';
import type { Context, GlobalOptions } from './context.ts';
import type { Reading } from './session.ts';

export function register(program: Command, ctx: Context): void {
  program
    .command('hooks')
    .description('what is told and moved besides the flag')
    .command('test')
    .description(
      'read each DNS record, and run every other hook with an event marked as a test; changes nothing',
    )
    .action(async (_options: unknown, command: Command) => {
      await runTest(ctx, command.optsWithGlobals<GlobalOptions>());
    });
}

async function runTest(ctx: Context, options: GlobalOptions): Promise<void> {
  const { EXIT } = await import('../errors.ts');
  const { commandOf } = await import('../operation/plan.ts');
  const { newOperationId } = await import('../operation/record.ts');
  const { tryHooks } = await import('../operation/try-hooks.ts');
  const { renderTrials, trialDocument } = await import('../report/hooks.ts');
  const { unfinished: unfinishedError } = await import('../operation/unfinished.ts');
  const { gatherJournal } = await import('../situation/gather.ts');
  const { seenIn } = await import('../situation/seen.ts');
  const { withReading } = await import('./session.ts');
  const { styleFor, widthOf } = await import('./style.ts');
  const test = async (reading: Reading) => {
    const { config, drivers, actor, clock, secrets } = reading;
    const facts = await gatherJournal(reading);
    const { status, ratio, activeProvider } = facts.state;
    const { running, unfinished } = seenIn(facts);
    const busy = running
      ? `${commandOf(running.operation.plan)} ${running.operation.id} is running`
      : unfinished && unfinishedError(unfinished).message;
    const trials = await tryHooks(drivers, {
      migration: config.migration,
      world: { status, ratio, activeProvider },
      actor,
      busy,
      id: newOperationId(clock.now(), clock.random).replace(/^op-/, 'test-'),
      clock,
      redact: secrets.redact,
    });
    if (options.json) ctx.document(trialDocument(trials));
    else ctx.print(renderTrials(trials, await styleFor(ctx, options, 'stdout'), widthOf(ctx)));
    if (trials.some(({ outcome }) => outcome === 'failed')) ctx.exit(EXIT.hookFailed);
  };
  // An emergency that is not in the journal yet has moved traffic all the same.
  await withReading(ctx, options, test, true);
}
