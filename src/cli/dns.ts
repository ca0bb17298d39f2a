import type { Command } from 'commander';
import type { RecordView } from '../rollback/dns-view.ts';
import type { ApplyOptions } from './apply.ts';
import type { Context, GlobalOptions } from './context.ts';
import type { Reading, Session } from './session.ts';

interface DiffOptions extends GlobalOptions {
  to?: string;
}

interface DnsApplyOptions extends ApplyOptions, DiffOptions {
  keep?: boolean;
  reason?: string;
  wait?: string;
}

const TO = ['--to <checkpoint>', 'what they said for this checkpoint, whatever was moved since'] as const;

export function register(program: Command, ctx: Context): void {
  const dns = program
    .command('dns')
    .description('what DNS records say and should say, without moving traffic');
  dns
    .command('status')
    .description('every record of the DNS hooks: what it says, and what it should')
    .action(async (_options: unknown, command: Command) => {
      await status(ctx, command.optsWithGlobals<GlobalOptions>());
    });
  dns
    .command('diff')
    .description('the records that are not what they should be; exit 2 when there are some')
    .option(...TO)
    .action(async (_options: unknown, command: Command) => {
      await diff(ctx, command.optsWithGlobals<DiffOptions>());
    });
  dns
    .command('apply')
    .description('make the records say what they should')
    .option(...TO)
    .option('--keep', 'write nothing: what they say now is what they should say from now on')
    .option('--dry-run', 'show the plan, change nothing')
    .option('-y, --yes', 'do not ask')
    .option('--wait <time>', 'wait this long for another operation to end, e.g. 30s')
    .option('--reason <text>', 'why, for the journal and those who are told')
    .action(async (_options: unknown, command: Command) => {
      await apply(ctx, command.optsWithGlobals<DnsApplyOptions>());
    });
}

/** Every record as it is known now. */
async function viewsOf(reading: Reading) {
  const { dnsKnowledge, readDns } = await import('../operation/dns.ts');
  const { plannedDrivers } = await import('../operation/steps.ts');
  const { viewRecords } = await import('../rollback/dns-view.ts');
  const { readState } = await import('../store/state.ts');
  const { db, config, secrets } = reading;
  const drivers = plannedDrivers(reading.drivers);
  const readings = await readDns(reading.drivers.dns, secrets.redact);
  const state = readState(db, config.migration);
  const known = dnsKnowledge(db, drivers.dns);
  const views = viewRecords(drivers.dns, readings, known, state.activeProvider);
  return { drivers, state, ledger: known.ledger, views };
}

async function status(ctx: Context, options: GlobalOptions): Promise<void> {
  const { withReading } = await import('./session.ts');
  await withReading(
    ctx,
    options,
    async (reading) => show(ctx, options, 'dns status', (await viewsOf(reading)).views),
    true,
  );
}

async function diff(ctx: Context, options: DiffOptions): Promise<void> {
  const { EXIT } = await import('../errors.ts');
  const { checkpointArgument } = await import('./evidence.ts');
  const { againstCheckpoint } = await import('../rollback/dns-view.ts');
  const { getCheckpoint } = await import('../store/checkpoints.ts');
  const { withReading } = await import('./session.ts');
  const to = options.to === undefined ? null : checkpointArgument(options.to);
  const look = async (reading: Reading) => {
    const { views: now } = await viewsOf(reading);
    const views = to === null ? now : againstCheckpoint(now, getCheckpoint(reading.db, to).dns);
    const differing = views.filter(({ ok }) => ok !== true);
    if (differing.some(({ says, error }) => says === null && error !== undefined)) ctx.exit(EXIT.unreachable);
    if (differing.some(({ ok }) => ok === false)) ctx.exit(EXIT.fail);
    if (options.json || differing.length > 0 || views.length === 0)
      return show(ctx, options, 'dns diff', differing);
    ctx.print('every record says what it should');
  };
  await withReading(ctx, options, look, true);
}

async function show(
  ctx: Context,
  options: GlobalOptions,
  command: string,
  views: readonly RecordView[],
): Promise<void> {
  const { recordsDocument, renderViews } = await import('../report/records.ts');
  const { styleFor, widthOf } = await import('./style.ts');
  if (options.json) return ctx.document(recordsDocument(command, views));
  ctx.print(renderViews(views, await styleFor(ctx, options, 'stdout'), widthOf(ctx)));
}

async function apply(ctx: Context, options: DnsApplyOptions): Promise<void> {
  const { CutoverError, EXIT } = await import('../errors.ts');
  const { unfinished } = await import('../operation/unfinished.ts');
  const { planDnsApply } = await import('../rollback/dns-apply.ts');
  const { assertMay } = await import('../situation/ask.ts');
  const { getCheckpoint } = await import('../store/checkpoints.ts');
  const { applyPlan } = await import('./apply.ts');
  const { checkpointArgument } = await import('./evidence.ts');
  const { withLease } = await import('./wait.ts');
  if (options.keep && options.to !== undefined) {
    throw new CutoverError('USAGE', EXIT.usage, '--keep writes nothing, and --to does: name one of them');
  }
  const to = options.to === undefined ? null : checkpointArgument(options.to);
  const mend = async (session: Session) => {
    const { open, last, freeze } = await assertMay(session, 'rollback');
    const { drivers, state, ledger, views } = await viewsOf(session);
    const plan = planDnsApply({
      world: state,
      previous: state.previous,
      open,
      last: last?.id ?? null,
      ...{ drivers, ledger, views, freeze },
      checkpoint: to === null ? null : getCheckpoint(session.db, to),
      keep: options.keep ?? false,
      reason: options.reason ?? '',
    });
    if (plan) return void (await applyPlan(ctx, options, session, plan, 'dns apply'));
    // Of one that is not finished, nothing that this command does is left.
    if (open[0]) throw unfinished(open[0]);
    const unread = views.filter(({ says, error }) => says === null && error !== undefined);
    if (unread.length > 0) ctx.exit(EXIT.unreachable);
    if (options.json)
      return ctx.document({ schemaVersion: 1, command: 'dns apply', operation: null, steps: [] });
    const doubt = unread.map(({ name, type, error }) => `; ${name} ${type} was not read: ${error}`).join('');
    ctx.print(`nothing to do: every record that could be read says what it should${doubt}`);
  };
  await withLease(ctx, options, mend, { outlivesRollbacks: true });
}
