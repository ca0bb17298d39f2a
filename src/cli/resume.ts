import type { Command } from 'commander';
import type { Context, GlobalOptions } from './context.ts';

interface ResumeOptions extends GlobalOptions {
  wait?: string;
}

export function register(program: Command, ctx: Context): void {
  program
    .command('resume')
    .description('finish an operation that was not finished: only the steps that have not succeeded')
    .option('--wait <time>', 'wait this long for another operation to end, e.g. 30s')
    .action(async (_options: unknown, command: Command) => {
      await runResume(ctx, command.optsWithGlobals<ResumeOptions>());
    });
}

async function runResume(ctx: Context, options: ResumeOptions): Promise<void> {
  const { openOperations } = await import('../operation/operations.ts');
  const { resume, tell } = await import('./apply.ts');
  const { withLease } = await import('./wait.ts');
  await withLease(ctx, options, async (session) => {
    const operation = openOperations(session.db).at(-1);
    if (!operation) {
      if (options.json)
        ctx.print(JSON.stringify({ schemaVersion: 1, command: 'resume', operation: null, steps: [] }));
      else ctx.print('nothing to resume: every operation is finished');
      return;
    }
    if (!options.json) ctx.note(`resuming ${operation.kind} ${operation.id}`);
    await tell(ctx, options, session, 'resume', await resume(ctx, options, session, operation));
  });
}
