import type { Command } from 'commander';
import type { Checkpoint } from '../store/checkpoints.ts';
import type { Context, GlobalOptions } from './context.ts';
import type { Session } from './session.ts';

export function register(program: Command, ctx: Context): void {
  const checkpoint = program.command('checkpoint').description('what the world was before each change');
  checkpoint
    .command('create')
    .description('keep where the migration is now')
    .option('--reason <text>', 'why', 'by hand')
    .option('--pin', 'retention never deletes it')
    .action(async (_options: unknown, command: Command) => {
      await create(ctx, command.optsWithGlobals());
    });
  checkpoint
    .command('list')
    .description('all of them, newest first')
    .action(async (_options: unknown, command: Command) => {
      await run(ctx, command.optsWithGlobals(), (session, checkpoints) =>
        checkpoints.listCheckpoints(session.db),
      );
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
    .argument('[other]', 'number of another; without it, the state and the flag as they are now')
    .action(async (id: string, other: string | undefined, _options: unknown, command: Command) => {
      await diff(ctx, command.optsWithGlobals(), id, other);
    });
  for (const pinned of [true, false]) {
    checkpoint
      .command(pinned ? 'pin' : 'unpin')
      .description(pinned ? 'keep it for good' : 'let retention have it again')
      .argument('<checkpoint>', 'its number')
      .action(async (id: string, _options: unknown, command: Command) => {
        const { checkpointArgument } = await import('./evidence.ts');
        await run(ctx, command.optsWithGlobals(), (session, checkpoints) => [
          checkpoints.pinCheckpoint(session.db, checkpointArgument(id), pinned),
        ]);
      });
  }
}

type CheckpointStore = typeof import('../store/checkpoints.ts');

async function run(
  ctx: Context,
  options: GlobalOptions,
  work: (session: Session, checkpoints: CheckpointStore) => Checkpoint[],
): Promise<void> {
  const { withSession } = await import('./session.ts');
  const checkpoints = await import('../store/checkpoints.ts');
  await withSession(ctx, options, async (session) => {
    await printCheckpoints(ctx, options, session, work(session, checkpoints));
  });
}

async function printCheckpoints(ctx: Context, options: GlobalOptions, session: Session, list: Checkpoint[]) {
  const { checkpointDocument, renderCheckpoints } = await import('../report/checkpoint.ts');
  const { styleFor } = await import('./style.ts');
  if (options.json) return ctx.print(JSON.stringify(checkpointDocument(list)));
  ctx.print(renderCheckpoints(list, session.clock.now(), await styleFor(ctx, options, 'stdout')));
}

async function create(
  ctx: Context,
  options: GlobalOptions & { reason: string; pin?: boolean },
): Promise<void> {
  await run(ctx, options, (session, checkpoints) => [checkpointNow(session, checkpoints, options)]);
}

function checkpointNow(
  session: Session,
  checkpoints: CheckpointStore,
  options: { reason: string; pin?: boolean },
): Checkpoint {
  return checkpoints.createCheckpoint(session.db, {
    migration: session.config.migration,
    actor: session.actor,
    at: session.clock.now(),
    reason: options.reason,
    pinned: options.pin === true,
    keep: session.config.checkpoints.keep,
  });
}

async function show(ctx: Context, options: GlobalOptions, id: string): Promise<void> {
  const { checkpointArgument } = await import('./evidence.ts');
  const { checkpointDocument, renderCheckpoint } = await import('../report/checkpoint.ts');
  const { getCheckpoint } = await import('../store/checkpoints.ts');
  const { withSession } = await import('./session.ts');
  await withSession(ctx, options, async (session) => {
    const checkpoint = getCheckpoint(session.db, checkpointArgument(id));
    ctx.print(options.json ? JSON.stringify(checkpointDocument([checkpoint])) : renderCheckpoint(checkpoint));
  });
}

async function diff(
  ctx: Context,
  options: GlobalOptions,
  id: string,
  other: string | undefined,
): Promise<void> {
  const { checkpointArgument } = await import('./evidence.ts');
  const { diffWorlds, renderDiff } = await import('../report/checkpoint.ts');
  const { getCheckpoint } = await import('../store/checkpoints.ts');
  const { readState } = await import('../store/state.ts');
  const { withSession } = await import('./session.ts');
  await withSession(ctx, options, async (session) => {
    const { db, config, drivers } = session;
    const first = getCheckpoint(db, checkpointArgument(id));
    const second =
      other === undefined
        ? {
            ...readState(db, config.migration),
            flagRatio: (await drivers.flag.get(AbortSignal.timeout(drivers.flag.timeoutMs)))?.ratio ?? null,
          }
        : getCheckpoint(db, checkpointArgument(other));
    const names = { first: `checkpoint ${id}`, second: other === undefined ? 'now' : `checkpoint ${other}` };
    const differences = diffWorlds(first, second);
    ctx.print(
      options.json
        ? JSON.stringify({ schemaVersion: 1, command: 'checkpoint', ...names, differences })
        : renderDiff(names, differences),
    );
  });
}
