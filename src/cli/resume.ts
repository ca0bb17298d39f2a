import type { Command } from 'commander';
import type { OperationRecord } from '../operation/record.ts';
import type { ApplyOptions } from './apply.ts';
import type { Context } from './context.ts';
import { DRY_RUN, sayDryRun } from './dry-run.ts';
import type { Session } from './session.ts';

interface ResumeOptions extends ApplyOptions {
  flag?: boolean;
  force?: boolean;
  reason?: string;
  wait?: string;
}

export function register(program: Command, ctx: Context): void {
  program
    .command('resume')
    .description('finish an operation that was not finished: only the steps that have not succeeded')
    .option('--flag', 'when the flag has drifted: set it to what the state says')
    .option(...DRY_RUN)
    .option('-y, --yes', 'do not ask')
    .option('--confirm <migration>', "the migration's name, for a flag that goes to 100 %")
    .option('--force', 'with --flag: also when that sends more traffic to target; needs --reason')
    .option('--reason <text>', 'with --flag: why, for the journal')
    .option('--wait <time>', 'wait this long for another operation to end, e.g. 30s')
    .action(async (_options: unknown, command: Command) => {
      await runResume(ctx, command.optsWithGlobals<ResumeOptions>());
    });
}

async function runResume(ctx: Context, options: ResumeOptions): Promise<void> {
  const { CutoverError, EXIT } = await import('../errors.ts');
  const { withLease } = await import('./wait.ts');
  if (!options.flag && (options.force || options.reason !== undefined)) {
    throw new CutoverError('USAGE', EXIT.usage, '--force and --reason are for `resume --flag`', {
      hint: '`cutover resume` goes on with what was decided already',
    });
  }
  await withLease(ctx, options, (session) =>
    options.flag ? mendFlag(ctx, options, session) : finish(ctx, options, session),
  );
}

async function finish(ctx: Context, options: ResumeOptions, session: Session): Promise<void> {
  const { assertMay } = await import('../situation/ask.ts');
  const { commandOf } = await import('../operation/plan.ts');
  const { resume, tell } = await import('./apply.ts');
  const { open, betweenRungs } = await assertMay(session, 'resume');
  const operation = open.at(-1);
  if (!operation && betweenRungs && betweenRungs.holder !== 'running') {
    const { finishGradual } = await import('./resume-gradual.ts');
    return finishGradual(ctx, options, session, betweenRungs);
  }
  if (!operation) {
    if (betweenRungs) ctx.note('the gradual rollback goes on by itself; `cutover rollback` ends it at once');
    if (options.json) ctx.document({ schemaVersion: 1, command: 'resume', operation: null, steps: [] });
    else ctx.print('nothing to resume: every operation is finished');
    return;
  }
  if (options.dryRun) return sayWhatIsLeft(ctx, options, operation);
  if (!options.json) ctx.note(`resuming ${commandOf(operation.plan)} ${operation.id}`);
  await tell(ctx, options, session, 'resume', await resume(ctx, options, session, operation));
  const { leadsTo } = operation.plan;
  if (leadsTo) {
    const { formatRatio } = await import('../config/units.ts');
    ctx.note(
      `on the way to ${formatRatio(leadsTo.ratio)}: \`cutover resume\` again, or \`cutover rollback\`, goes there`,
    );
  }
}

async function mendFlag(ctx: Context, options: ResumeOptions, session: Session): Promise<void> {
  const { plannedDrivers } = await import('../operation/steps.ts');
  const { planMend } = await import('../shift/mend.ts');
  const { askSituation } = await import('../situation/ask.ts');
  const { applyPlan } = await import('./apply.ts');
  const { evidenceOf, flagFound } = await import('./evidence.ts');
  const { facts, situation } = await askSituation(session, 'resume --flag');
  const plan = planMend({
    world: facts.state,
    found: null,
    ...flagFound(facts),
    previous: facts.state.previous,
    open: facts.open,
    drivers: plannedDrivers(session.drivers),
    gates: situation.gates,
    reason: options.reason ?? '',
    force: options.force ?? false,
    fail: facts.fail?.runId ?? null,
    evidence: facts.run && evidenceOf(facts.run),
  });
  await applyPlan(ctx, options, session, plan, 'resume');
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
