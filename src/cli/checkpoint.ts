import type { Command } from 'commander';
import type { Checkpoint } from '../store/checkpoints.ts';
import type { Context, GlobalOptions } from './context.ts';
import type { Reading, Session } from './session.ts';

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
    .argument('[other]', 'number of another; without it, the state and the flag as they are now')
    .action(async (id: string, other: string | undefined, _options: unknown, command: Command) => {
      await diff(ctx, command.optsWithGlobals(), id, other);
    });
  checkpoint
    .command('prune')
    .description('delete what retention lets go now, by the config or --keep')
    .option('--keep <count>', 'how many of the newest stay')
    .action(async (_options: unknown, command: Command) => {
      await prune(ctx, command.optsWithGlobals());
    });
  checkpoint
    .command('export')
    .description('all of them as JSON, for `checkpoint import`')
    .action(async (_options: unknown, command: Command) => {
      await list(ctx, { ...command.optsWithGlobals(), json: true });
    });
  checkpoint
    .command('import')
    .description('take in checkpoints that `checkpoint export` wrote; they get new numbers and are pinned')
    .argument('<file>', 'the JSON file, or - for stdin')
    .action(async (file: string, _options: unknown, command: Command) => {
      const { parseCheckpointFile } = await import('./checkpoint-file.ts');
      const imported = parseCheckpointFile(ctx.cwd, file);
      await run(ctx, command.optsWithGlobals(), (session, checkpoints) =>
        checkpoints.importCheckpoints(session.db, imported, byHand(session)),
      );
    });
  for (const pinned of [true, false]) {
    checkpoint
      .command(pinned ? 'pin' : 'unpin')
      .description(pinned ? 'keep it for good' : 'let retention have it again')
      .argument('<checkpoint>', 'its number')
      .action(async (id: string, _options: unknown, command: Command) => {
        const { checkpointArgument } = await import('./evidence.ts');
        await run(ctx, command.optsWithGlobals(), (session, checkpoints) => [
          checkpoints.pinCheckpoint(session.db, checkpointArgument(id), pinned, byHand(session)),
        ]);
      });
  }
}

const byHand = (session: Session) => ({ actor: session.actor, at: session.clock.now() });

async function prune(ctx: Context, options: GlobalOptions & { keep?: string }): Promise<void> {
  const { CutoverError, EXIT } = await import('../errors.ts');
  const { pruneByHand } = await import('../store/checkpoints.ts');
  const { withSession } = await import('./session.ts');
  if (options.keep !== undefined && !/^[1-9]\d{0,5}$/.test(options.keep)) {
    throw new CutoverError('USAGE', EXIT.usage, `--keep ${options.keep}: not a whole number above 0`);
  }
  await withSession(ctx, options, async (session) => {
    const keep = options.keep === undefined ? session.config.checkpoints.keep : Number(options.keep);
    const pruned = pruneByHand(session.db, keep, byHand(session));
    if (options.json) return ctx.print(JSON.stringify({ schemaVersion: 1, command: 'checkpoint', pruned }));
    ctx.print(pruned.length === 0 ? 'nothing to prune' : `pruned checkpoints ${pruned.join(', ')}`);
  });
}

type CheckpointStore = typeof import('../store/checkpoints.ts');

async function run(
  ctx: Context,
  options: GlobalOptions,
  work: (session: Session, checkpoints: CheckpointStore) => Checkpoint[] | Promise<Checkpoint[]>,
): Promise<void> {
  const { withSession } = await import('./session.ts');
  const checkpoints = await import('../store/checkpoints.ts');
  await withSession(ctx, options, async (session) => {
    await printCheckpoints(ctx, options, session, await work(session, checkpoints));
  });
}

async function list(ctx: Context, options: GlobalOptions): Promise<void> {
  const { listCheckpoints } = await import('../store/checkpoints.ts');
  const { withReading } = await import('./session.ts');
  await withReading(ctx, options, (reading) =>
    printCheckpoints(ctx, options, reading, listCheckpoints(reading.db)),
  );
}

async function printCheckpoints(ctx: Context, options: GlobalOptions, session: Reading, list: Checkpoint[]) {
  const { checkpointDocument, renderCheckpoints } = await import('../report/checkpoint.ts');
  const { styleFor, widthOf } = await import('./style.ts');
  if (options.json) return ctx.print(JSON.stringify(checkpointDocument(list)));
  ctx.print(
    renderCheckpoints(list, session.clock.now(), await styleFor(ctx, options, 'stdout'), widthOf(ctx)),
  );
}

async function create(
  ctx: Context,
  options: GlobalOptions & { reason: string; pin?: boolean },
): Promise<void> {
  const { readDns } = await import('../operation/dns.ts');
  const { assertMay } = await import('../situation/ask.ts');
  await run(ctx, options, async (session, checkpoints) => {
    await assertMay(session, 'checkpoint create');
    const dns = await readDns(session.drivers.dns, session.secrets.redact);
    return [
      checkpoints.createCheckpoint(session.db, {
        migration: session.config.migration,
        actor: session.actor,
        at: session.clock.now(),
        reason: options.reason,
        pinned: options.pin === true,
        keep: session.config.checkpoints.keep,
        dns,
      }),
    ];
  });
}

async function show(ctx: Context, options: GlobalOptions, id: string): Promise<void> {
  const { checkpointArgument } = await import('./evidence.ts');
  const { checkpointDocument, renderCheckpoint } = await import('../report/checkpoint.ts');
  const { getCheckpoint } = await import('../store/checkpoints.ts');
  const { withReading } = await import('./session.ts');
  await withReading(ctx, options, async (session) => {
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
  const { withReading } = await import('./session.ts');
  await withReading(ctx, options, async (session) => {
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
