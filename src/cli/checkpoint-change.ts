import type { Command } from 'commander';
import type { Asking } from '../situation/refusals.ts';
import type { ImportedCheckpoint } from '../store/checkpoint-content.ts';
import type { Checkpoint } from '../store/checkpoints.ts';
import type { Side } from '../world.ts';
import type { Context } from './context.ts';
import { DRY_RUN, type DryRunOptions, sayDryRun } from './dry-run.ts';
import type { Session } from './session.ts';

/** Adds the commands that change checkpoints to `checkpoint`. */
export function registerChanges(checkpoint: Command, ctx: Context): void {
  checkpoint
    .command('create')
    .description('keep where the migration is now')
    .option('--reason <text>', 'why', 'by hand')
    .option('--pin', 'retention never deletes it')
    .option(...DRY_RUN)
    .action(async (_options: unknown, command: Command) => {
      await create(ctx, command.optsWithGlobals());
    });
  checkpoint
    .command('prune')
    .description('delete what retention lets go now, by the config or --keep')
    .option('--keep <count>', 'how many of the newest stay')
    .option(...DRY_RUN)
    .action(async (_options: unknown, command: Command) => {
      await prune(ctx, command.optsWithGlobals());
    });
  checkpoint
    .command('import')
    .description(
      'take in checkpoints that `checkpoint export` wrote, each once; they get new numbers and are pinned',
    )
    .argument('<file>', 'the JSON file, or - for stdin')
    .option(...DRY_RUN)
    .action(async (file: string, _options: unknown, command: Command) => {
      await importFile(ctx, command.optsWithGlobals(), file);
    });
  for (const pinned of [true, false]) {
    checkpoint
      .command(pinned ? 'pin' : 'unpin')
      .description(pinned ? 'keep it for good' : 'let retention have it again')
      .argument('<checkpoint>', 'its number')
      .option(...DRY_RUN)
      .action(async (id: string, _options: unknown, command: Command) => {
        await pin(ctx, command.optsWithGlobals(), id, pinned);
      });
  }
}

const byHand = (session: Session) => ({ actor: session.actor, at: session.clock.now() });

interface Change {
  /** What `--dry-run` says of it. */
  plan: { action: string } & Record<string, unknown>;
  line: string;
  apply(): Checkpoint[];
}

async function change(
  ctx: Context,
  options: DryRunOptions,
  asking: Asking,
  decide: (session: Session) => Change | Promise<Change>,
): Promise<void> {
  const { assertMay } = await import('../situation/ask.ts');
  const { withSession } = await import('./session.ts');
  const { printCheckpoints } = await import('./checkpoint.ts');
  await withSession(ctx, options, async (session) => {
    await assertMay(session, asking);
    const { plan, line, apply } = await decide(session);
    if (options.dryRun) return sayDryRun(ctx, options, 'checkpoint', plan, [line]);
    await printCheckpoints(ctx, options, session, apply());
  });
}

async function create(ctx: Context, options: DryRunOptions & { reason: string; pin?: boolean }) {
  const { readDns, storableReadings } = await import('../operation/dns.ts');
  const { storable } = await import('../output/storable.ts');
  const { createCheckpoint } = await import('../store/checkpoints.ts');
  const { readState } = await import('../store/state.ts');
  const { formatRatio } = await import('../config/units.ts');
  await change(ctx, options, 'checkpoint create', async (session) => {
    const { db, config, drivers, secrets, actor, clock } = session;
    const { migration } = config;
    const { status, ratio, activeProvider } = readState(db, migration);
    const reason = storable(options.reason, secrets.redact);
    const pinned = options.pin === true;
    const dns = storableReadings(await readDns(drivers.dns, secrets.redact), secrets.redact);
    const keep = config.checkpoints.keep;
    return {
      plan: { action: 'create', world: { status, ratio, activeProvider }, reason, pinned, dns },
      line: `keep ${status}, ${formatRatio(ratio)}, ${activeProvider}${pinned ? ', pinned' : ''}: ${reason}`,
      apply: () => [createCheckpoint(db, { migration, actor, at: clock.now(), reason, pinned, keep, dns })],
    };
  });
}

async function importFile(ctx: Context, options: DryRunOptions, file: string): Promise<void> {
  const { parseCheckpointFile } = await import('./checkpoint-file.ts');
  const { storableReadings } = await import('../operation/dns.ts');
  const { storable } = await import('../output/storable.ts');
  const { checkpointDocument } = await import('../report/checkpoint.ts');
  const { describeLeftOut, importable } = await import('../rollback/imported.ts');
  const { fitting, sortOut } = await import('../store/checkpoint-content.ts');
  const { importCheckpoints, listCheckpoints } = await import('../store/checkpoints.ts');
  const { assertMay } = await import('../situation/ask.ts');
  const { printCheckpoints } = await import('./checkpoint.ts');
  const { withSession } = await import('./session.ts');
  const read = parseCheckpointFile(ctx.cwd, file, ctx.now().getTime());
  await withSession(ctx, options, async (session) => {
    await assertMay(session, 'checkpoint import');
    const { redact } = session.secrets;
    const checkpoints = read.map(({ dns, ...one }) => {
      const readings = dns.map(({ records, ...words }) => ({ ...storable(words, redact), records }));
      return fitting({ ...storable(one, redact), dns: storableReadings(readings, redact) });
    });
    const says = (side: Side) => session.drivers.dns.flatMap((hook) => hook.expected?.(side) ?? []);
    const named = { legacy: says('legacy'), target: says('target') };
    const as = (one: ImportedCheckpoint) => importable(one, named).checkpoint;
    const leftOut = checkpoints.flatMap((one) => importable(one, named).leftOut);
    for (const text of new Set(leftOut.map(describeLeftOut)))
      ctx.note(`warning: not taken in: ${text}; a rollback goes by the values of the config there`);
    if (options.dryRun) {
      const { fresh, known } = sortOut(listCheckpoints(session.db), checkpoints, as);
      const plan = { action: 'import', checkpoints: fresh, known, leftOut };
      return sayDryRun(ctx, options, 'checkpoint', plan, [takeIn(fresh.length), ...hereAlready(known)]);
    }
    const { taken, known } = importCheckpoints(session.db, checkpoints, as, byHand(session));
    if (options.json) return ctx.document({ ...checkpointDocument(taken), known, leftOut });
    if (taken.length > 0) await printCheckpoints(ctx, options, session, taken);
    else ctx.print('nothing to take in');
    for (const line of hereAlready(known)) ctx.print(line);
  });
}

const takeIn = (count: number) =>
  count === 0 ? 'nothing to take in' : `take in ${count} checkpoint${count === 1 ? '' : 's'}, pinned`;

const hereAlready = (known: readonly number[]) =>
  known.length === 0 ? [] : [`here already: checkpoint${known.length === 1 ? '' : 's'} ${known.join(', ')}`];

async function pin(ctx: Context, options: DryRunOptions, text: string, pinned: boolean): Promise<void> {
  const { checkpointArgument } = await import('./evidence.ts');
  const { getCheckpoint, pinCheckpoint } = await import('../store/checkpoints.ts');
  const action = pinned ? 'pin' : 'unpin';
  await change(ctx, options, `checkpoint ${action}`, (session) => {
    const { id } = getCheckpoint(session.db, checkpointArgument(text));
    return {
      plan: { action, checkpoint: id },
      line: `${action} checkpoint ${id}`,
      apply: () => [pinCheckpoint(session.db, id, pinned, byHand(session))],
    };
  });
}

async function prune(ctx: Context, options: DryRunOptions & { keep?: string }): Promise<void> {
  const { CutoverError, EXIT } = await import('../errors.ts');
  const { assertMay } = await import('../situation/ask.ts');
  const { prunableCheckpoints, pruneByHand } = await import('../store/checkpoints.ts');
  const { withSession } = await import('./session.ts');
  if (options.keep !== undefined && !/^[1-9]\d{0,5}$/.test(options.keep)) {
    throw new CutoverError('USAGE', EXIT.usage, `--keep ${options.keep}: not a whole number above 0`);
  }
  await withSession(ctx, options, async (session) => {
    await assertMay(session, 'checkpoint prune');
    const keep = options.keep === undefined ? session.config.checkpoints.keep : Number(options.keep);
    if (options.dryRun) {
      const checkpoints = prunableCheckpoints(session.db, keep);
      const line =
        checkpoints.length === 0 ? 'nothing to prune' : `prune checkpoints ${checkpoints.join(', ')}`;
      return sayDryRun(ctx, options, 'checkpoint', { action: 'prune', keep, checkpoints }, [line]);
    }
    const pruned = pruneByHand(session.db, keep, byHand(session));
    if (options.json) return ctx.document({ schemaVersion: 1, command: 'checkpoint', pruned });
    ctx.print(pruned.length === 0 ? 'nothing to prune' : `pruned checkpoints ${pruned.join(', ')}`);
  });
}
