import type { Command } from 'commander';
import type { Checkpoint } from '../store/checkpoints.ts';
import { registerChanges } from './checkpoint-change.ts';
import type { Context, GlobalOptions } from './context.ts';
import type { Reading } from './session.ts';

export function register(program: Command, ctx: Context): void {
  const checkpoint = program.command('checkpoint').description('what the world was before each change');
  checkpoint
    .command('list')
    .description('all of them, newest first')
    .action(async (_options: unknown, command: Command) => {
      await list(ctx, command.optsWithGlobals());
    });
  checkpoint
    .command('show')
    .description('one, whole')
    .argument('<checkpoint>', 'its number')
    .action(async (id: string, _options: unknown, command: Command) => {
      await show(ctx, command.optsWithGlobals(), id);
    });
  checkpoint
    .command('diff')
    .description('what differs between a checkpoint and another, or the world now')
    .argument('<checkpoint>', 'its number')
    .argument('[other]', 'number of another; without it, state, flag and DNS as they are now')
    .action(async (id: string, other: string | undefined, _options: unknown, command: Command) => {
      await diff(ctx, command.optsWithGlobals(), id, other);
    });
  checkpoint
    .command('export')
    .description('all of them as JSON, for `checkpoint import`')
    .action(async (_options: unknown, command: Command) => {
      await list(ctx, { ...command.optsWithGlobals(), json: true });
    });
  registerChanges(checkpoint, ctx);
}

async function list(ctx: Context, options: GlobalOptions): Promise<void> {
  const { listCheckpoints } = await import('../store/checkpoints.ts');
  const { withReading } = await import('./session.ts');
  await withReading(ctx, options, (reading) =>
    printCheckpoints(ctx, options, reading, listCheckpoints(reading.db)),
  );
}

/** Prints what a command on checkpoints came to. */
export async function printCheckpoints(
  ctx: Context,
  options: GlobalOptions,
  session: Reading,
  list: Checkpoint[],
) {
  const { checkpointDocument, renderCheckpoints } = await import('../report/checkpoint.ts');
  const { styleFor, widthOf } = await import('./style.ts');
  if (options.json) return ctx.document(checkpointDocument(list));
  ctx.print(
    renderCheckpoints(list, session.clock.now(), await styleFor(ctx, options, 'stdout'), widthOf(ctx)),
  );
}

async function show(ctx: Context, options: GlobalOptions, id: string): Promise<void> {
  const { checkpointArgument } = await import('./evidence.ts');
  const { checkpointDocument, renderCheckpoint } = await import('../report/checkpoint.ts');
  const { getCheckpoint } = await import('../store/checkpoints.ts');
  const { withReading } = await import('./session.ts');
  const { widthOf } = await import('./style.ts');
  await withReading(ctx, options, async (session) => {
    const checkpoint = getCheckpoint(session.db, checkpointArgument(id));
    if (options.json) ctx.document(checkpointDocument([checkpoint]));
    else ctx.print(renderCheckpoint(checkpoint, widthOf(ctx)));
  });
}

async function diff(
  ctx: Context,
  options: GlobalOptions,
  id: string,
  other: string | undefined,
): Promise<void> {
  const { checkpointArgument } = await import('./evidence.ts');
  const { diffRecords, diffWorlds, renderDiff } = await import('../report/checkpoint.ts');
  const { readDns } = await import('../operation/dns.ts');
  const { widthOf } = await import('./style.ts');
  const { getCheckpoint } = await import('../store/checkpoints.ts');
  const { readState } = await import('../store/state.ts');
  const { withReading } = await import('./session.ts');
  await withReading(ctx, options, async (session) => {
    const { db, config, drivers, secrets } = session;
    const first = getCheckpoint(db, checkpointArgument(id));
    const second =
      other === undefined
        ? {
            ...readState(db, config.migration),
            dns: await readDns(drivers.dns, secrets.redact),
            flagRatio: (await drivers.flag.get(AbortSignal.timeout(drivers.flag.timeoutMs)))?.ratio ?? null,
          }
        : getCheckpoint(db, checkpointArgument(other));
    const names = { first: `checkpoint ${id}`, second: other === undefined ? 'now' : `checkpoint ${other}` };
    const differences = [...diffWorlds(first, second), ...diffRecords(first.dns, second.dns)];
    if (options.json) ctx.document({ schemaVersion: 1, command: 'checkpoint', ...names, differences });
    else ctx.print(renderDiff(names, differences, widthOf(ctx)));
  });
}
