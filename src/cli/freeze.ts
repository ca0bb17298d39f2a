import type { Command } from 'commander';
import type { Context } from './context.ts';
import { DRY_RUN, type DryRunOptions, sayDryRun } from './dry-run.ts';
import type { Session } from './session.ts';

interface FreezeOptions extends DryRunOptions {
  reason: string;
  until?: string;
  for?: string;
}

export function register(program: Command, ctx: Context): void {
  program
    .command('freeze')
    .description('stop forward steps; rollbacks are never stopped')
    .requiredOption('--reason <text>', 'why')
    .option('--until <time>', 'ISO 8601; without it, until `cutover unfreeze`')
    .option('--for <time>', 'the same as a duration, e.g. 2h')
    .option(...DRY_RUN)
    .action(async (_options: unknown, command: Command) => {
      await runFreeze(ctx, command.optsWithGlobals<FreezeOptions>());
    });
}

/** `unfreeze` is a command of its own: it is what people type. */
export function registerUnfreeze(program: Command, ctx: Context): void {
  program
    .command('unfreeze')
    .description('let forward steps go on')
    .option('--reason <text>', 'why', '')
    .option(...DRY_RUN)
    .action(async (_options: unknown, command: Command) => {
      await runUnfreeze(ctx, command.optsWithGlobals<FreezeOptions>());
    });
}

/** Neither is ever refused, but whoever stops or allows forward steps should know of one that is half done. */
async function nameUnfinished(ctx: Context, session: Session, asking: 'freeze' | 'unfreeze'): Promise<void> {
  const { unfinished: unfinishedError } = await import('../operation/unfinished.ts');
  const { assertMay } = await import('../situation/ask.ts');
  const { seenIn } = await import('../situation/seen.ts');
  const { unfinished } = seenIn(await assertMay(session, asking));
  if (unfinished) ctx.note(`warning: ${unfinishedError(unfinished).message}`);
}

async function runFreeze(ctx: Context, options: FreezeOptions): Promise<void> {
  const { storable } = await import('../output/storable.ts');
  const { setFreeze } = await import('../store/freeze.ts');
  const { tellNotice } = await import('./tell-notice.ts');
  const { formatTime } = await import('../report/text.ts');
  const { withSession } = await import('./session.ts');
  await withSession(ctx, options, async (session) => {
    const since = session.clock.now();
    const end = await endOf(options, since);
    const reason = storable(options.reason, session.secrets.redact);
    const until = end === null ? null : new Date(end).toISOString();
    const span = end === null ? 'until `cutover unfreeze`' : `until ${formatTime(end)}`;
    if (options.dryRun) {
      const plan = { action: 'freeze', reason, until };
      return sayDryRun(ctx, options, 'freeze', plan, [`freeze ${span}: ${reason}`]);
    }
    setFreeze(session.db, { reason, actor: session.actor, since, until: end }, () =>
      tellNotice(session, 'freeze', `${reason} (${span})`, 'cutover unfreeze'),
    );
    await nameUnfinished(ctx, session, 'freeze');
    if (options.json) return ctx.document({ schemaVersion: 1, command: 'freeze', reason, until });
    ctx.print(`frozen ${span}; rollbacks still work`);
  });
}

async function runUnfreeze(ctx: Context, options: FreezeOptions): Promise<void> {
  const { storable } = await import('../output/storable.ts');
  const { liftFreeze, readFreeze } = await import('../store/freeze.ts');
  const { tellNotice } = await import('./tell-notice.ts');
  const { withSession } = await import('./session.ts');
  await withSession(ctx, options, async (session) => {
    const { db, actor, clock, secrets } = session;
    const reason = storable(options.reason, secrets.redact);
    if (options.dryRun) {
      const lifts = readFreeze(db, clock.now()) !== null;
      const line = lifts ? 'let forward steps go on' : 'nothing is frozen';
      return sayDryRun(ctx, options, 'unfreeze', { action: 'unfreeze', lifts, reason }, [line]);
    }
    const lifted = liftFreeze(db, { at: clock.now(), actor, reason }, () =>
      tellNotice(session, 'unfreeze', reason, 'cutover freeze --reason "…"'),
    );
    await nameUnfinished(ctx, session, 'unfreeze');
    if (options.json) ctx.document({ schemaVersion: 1, command: 'unfreeze', lifted });
    else ctx.print(lifted ? 'forward steps may go on' : 'nothing was frozen');
  });
}

/** Whoever means longer than this means until it is lifted; or has slipped on a key. */
const LONGEST_FREEZE_MS = 366 * 86_400_000;

/** When the freeze ends, in whole Unix milliseconds; null when it does not by itself. */
async function endOf({ until, for: span }: FreezeOptions, now: number): Promise<number | null> {
  const { parseDuration } = await import('../config/units.ts');
  const { CutoverError, EXIT } = await import('../errors.ts');
  const usage = (what: string, hint: string) => new CutoverError('USAGE', EXIT.usage, what, { hint });
  const endless = 'without --for and --until it lasts until `cutover unfreeze`';
  if (until !== undefined && span !== undefined) throw usage('name either --until or --for', endless);
  if (until === undefined && span === undefined) return null;
  const asked = span === undefined ? `--until ${until}` : `--for ${span}`;
  const end = span === undefined ? Date.parse(String(until)) : now + (parseDuration(span) ?? Number.NaN);
  if (end - now > LONGEST_FREEZE_MS) throw usage(`${asked}: longer than a freeze may be (366 days)`, endless);
  if (end > now) return Math.ceil(end);
  if (span !== undefined) throw usage(`${asked}: not a duration; write it like 2h or 1d`, endless);
  throw usage(
    `${asked}: not a time that is still to come`,
    'write it like 2026-08-20T18:00:00Z, or use --for 2h',
  );
}
