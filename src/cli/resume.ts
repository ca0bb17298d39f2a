import type { Command } from 'commander';
import type { OperationRecord } from '../operation/record.ts';
import type { Context } from './context.ts';
import { DRY_RUN, type DryRunOptions, sayDryRun } from './dry-run.ts';

interface ResumeOptions extends DryRunOptions {
  wait?: string;
}

export function register(program: Command, ctx: Context): void {
  program
    .command('resume')
    .description('finish an operation that was not finished: only the steps that have not succeeded')
    .option('--wait <time>', 'wait this long for another operation to end, e.g. 30s')
    .option(...DRY_RUN)
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
      if (options.json) ctx.document({ schemaVersion: 1, command: 'resume', operation: null, steps: [] });
      else ctx.print('nothing to resume: every operation is finished');
      return;
    }
    if (options.dryRun) return sayWhatIsLeft(ctx, options, operation);
    if (!options.json) ctx.note(`resuming ${operation.kind} ${operation.id}`);
    await tell(ctx, options, session, 'resume', await resume(ctx, options, session, operation));
  });
}

async function sayWhatIsLeft(
  ctx: Context,
  options: ResumeOptions,
  operation: OperationRecord,
): Promise<void> {
  const { renderPlan } = await import('../report/operation.ts');
  const { pageWidth, styleFor } = await import('./style.ts');
  const { id, kind, plan } = operation;
  const left = operation.steps.filter(({ outcome }) => outcome !== 'done');
  const steps = left.map((step) => ({ kind: step.kind, driver: step.driver, label: step.label }));
  const style = await styleFor(ctx, options, 'stdout');
  sayDryRun(ctx, options, 'resume', { operation: { id, kind }, from: plan.from, to: plan.to, steps }, [
    renderPlan({ ...plan, steps }, `resume ${id}`, style, pageWidth(ctx)),
  ]);
}
