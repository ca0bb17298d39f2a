import type { Command } from 'commander';
import type { ApplyOptions } from './apply.ts';
import type { Context } from './context.ts';

interface StartOptions extends ApplyOptions {
  ratio?: string;
  force?: boolean;
  reason?: string;
  wait?: string;
}

/** Adds `canary start` to the `canary` command. */
export function registerStart(canary: Command, ctx: Context): void {
  canary
    .command('start')
    .description('send the first share of traffic to target')
    .option('--ratio <ratio>', 'other than the config says, e.g. 1%')
    .option('--dry-run', 'show the plan, change nothing')
    .option('-y, --yes', 'do not ask')
    .option('--force', 'override gates that are not met; needs --reason')
    .option('--wait <time>', 'wait this long for another operation to end, e.g. 30s')
    .option('--reason <text>', 'why, for the journal')
    .action(async (_options: unknown, command: Command) => {
      await runStart(ctx, command.optsWithGlobals<StartOptions>());
    });
}

async function runStart(ctx: Context, options: StartOptions): Promise<void> {
  const { ratioArgument } = await import('../shift/ladder.ts');
  const { assertGates, planCanaryStart } = await import('../shift/plan.ts');
  const { applyPlan } = await import('./apply.ts');
  const { askSituation } = await import('../situation/ask.ts');
  const { forwardInput } = await import('./evidence.ts');
  const { withLease } = await import('./wait.ts');
  await withLease(ctx, options, async (session) => {
    const ratio = options.ratio === undefined ? session.config.canary.ratio : ratioArgument(options.ratio);
    const asked = await askSituation(session, 'canary start');
    const { input, verdict, metrics } = forwardInput(session, asked, options);
    const plan = planCanaryStart(input, ratio);
    assertGates(plan, verdict);
    await applyPlan(ctx, options, session, plan, 'canary start', metrics);
  });
}
