import type { Command } from 'commander';
import { CutoverError, EXIT } from '../errors.ts';
import type { Context, GlobalOptions } from './context.ts';
import { DRY_RUN, type DryRunOptions } from './dry-run.ts';

interface LeaseOptions extends DryRunOptions {
  gone?: string;
  reason?: string;
}

export function register(program: Command, ctx: Context): void {
  program
    .command('lease')
    .description('who is changing the migration now, and since when')
    .option('--gone <operation>', 'its process, which cannot be seen from here, is gone: somebody knows that')
    .option('--reason <text>', 'of --gone: how that is known')
    .option(...DRY_RUN)
    .action(async (_options: unknown, command: Command) => {
      const options = command.optsWithGlobals<LeaseOptions>();
      const { gone, reason } = options;
      if (gone === undefined && reason === undefined && !options.dryRun) return runLease(ctx, options);
      if (gone === undefined || !reason?.trim()) {
        throw new CutoverError('USAGE', EXIT.usage, '--gone and --reason belong together', {
          hint: '`cutover lease --gone OPERATION --reason "…"`; the operation is in `cutover status`',
        });
      }
      const { runGone } = await import('./lease-gone.ts');
      await runGone(ctx, { ...options, gone, reason });
    });
}

async function runLease(ctx: Context, options: GlobalOptions): Promise<void> {
  const { holderState, readLease } = await import('../operation/lease.ts');
  const { alignColumns, formatAge } = await import('../report/text.ts');
  const { safe } = await import('../clean.ts');
  const { withReading } = await import('./session.ts');
  const { widthOf } = await import('./style.ts');
  await withReading(ctx, options, async (session) => {
    const { token, held } = readLease(session.db);
    const now = session.clock.now();
    const state = held && holderState(held);
    if (options.json) {
      const iso = (ms: number) => new Date(ms).toISOString();
      const lease = held && {
        operation: held.operationId,
        actor: held.actor,
        host: held.host,
        pid: held.pid,
        since: iso(held.acquiredAt),
        heartbeat: iso(held.heartbeatAt),
        beats: held.beats,
        state,
        stale: state === 'gone',
      };
      return ctx.document({ schemaVersion: 1, command: 'lease', token, lease });
    }
    if (!held) return ctx.print(`free; the last fencing token was ${token}`);
    ctx.print(
      alignColumns(
        [
          ['held by', safe(held.actor)],
          ['operation', held.operationId],
          ['process', `${held.pid} on ${safe(held.host)}`],
          ['since', formatAge(now - held.acquiredAt)],
          ['heartbeat', `${held.beats} beats`],
          ['token', String(token)],
          ['state', STATES[state ?? 'unknown']],
        ],
        0,
        widthOf(ctx),
      ).join('\n'),
    );
  });
}

const STATES = {
  running: 'running',
  gone: 'gone: the next change takes it over',
  unknown: 'cannot be seen from here: a change with --wait 1m takes over if the heartbeat stands still',
};
