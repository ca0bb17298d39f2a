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
