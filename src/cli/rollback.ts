import type { Command } from 'commander';
import type { ApplyOptions } from './apply.ts';
import type { Context } from './context.ts';

interface RollbackOptions extends ApplyOptions {
  to?: string;
  force?: boolean;
  reason?: string;
  /** Only in help: main.ts takes the emergency's own path before commander is loaded. */
  emergency?: boolean;
}

export function register(program: Command, ctx: Context): void {
  program
    .command('rollback')
    .description('back to the checkpoint before the last change, or to one you name')
    .option('--to <checkpoint>', 'number of the checkpoint, see `cutover checkpoint list`')
    .option('--emergency', 'all traffic to legacy at once; asks nothing, works without the database')
    .option('--dry-run', 'show the plan, change nothing')
    .option('-y, --yes', 'do not ask')
    .option('--confirm <migration>', "the migration's name, to roll a complete migration back")
    .option('--force', 'go to a checkpoint that sends more traffic to target; needs --reason')
    .option('--reason <text>', 'why, for the journal and those who are told')
    .action(async (_options: unknown, command: Command) => {
      await runRollback(ctx, command.optsWithGlobals<RollbackOptions>());
    });
}

async function runRollback(ctx: Context, options: RollbackOptions): Promise<void> {
  const { planRollback } = await import('../rollback/plan.ts');
  const { applyPlan } = await import('./apply.ts');
  const { checkpointArgument, gatherRollback } = await import('./evidence.ts');
  const { withSession } = await import('./session.ts');
  const to = options.to === undefined ? null : checkpointArgument(options.to);
  await withSession(ctx, options, async (session) => {
    const plan = planRollback(gatherRollback(session, options), to);
    await applyPlan(ctx, options, session, plan, 'rollback');
  });
}
