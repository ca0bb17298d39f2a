import type { Command } from 'commander';
import type { Context, GlobalOptions } from './context.ts';

export function register(program: Command, ctx: Context): void {
  program
    .command('lease')
    .description('who is changing the migration now, and since when')
    .action(async (_options: unknown, command: Command) => {
      await runLease(ctx, command.optsWithGlobals<GlobalOptions>());
    });
}

async function runLease(ctx: Context, options: GlobalOptions): Promise<void> {
  const { isStale, readLease } = await import('../operation/lease.ts');
  const { alignColumns, formatAge } = await import('../report/text.ts');
  const { safe } = await import('../clean.ts');
  const { withSession } = await import('./session.ts');
  const { widthOf } = await import('./style.ts');
  await withSession(ctx, options, async (session) => {
    const { token, held } = readLease(session.db);
    const now = session.clock.now();
    const stale = held !== null && isStale(held, now);
    if (options.json) {
      const iso = (ms: number) => new Date(ms).toISOString();
      const lease = held && {
        operation: held.operationId,
        actor: held.actor,
        host: held.host,
        pid: held.pid,
        since: iso(held.acquiredAt),
        heartbeat: iso(held.heartbeatAt),
        stale,
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
          ['heartbeat', formatAge(now - held.heartbeatAt)],
          ['token', String(token)],
          ['stale', stale ? 'yes: the next change takes it over' : 'no'],
        ],
        0,
        widthOf(ctx),
      ).join('\n'),
    );
  });
}
