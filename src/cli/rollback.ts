import type { Command } from 'commander';
import type { OperationReport } from '../operation/execute.ts';
import type { Plan } from '../operation/plan.ts';
import type { Readiness } from '../provider/readiness.ts';
import type { ApplyOptions } from './apply.ts';
import type { Context } from './context.ts';
import { ROLLBACK_OPTIONS } from './rollback-options.ts';
import type { Session } from './session.ts';

interface RollbackOptions extends ApplyOptions {
  to?: string;
  over?: string;
  anyway?: boolean;
  force?: boolean;
  reason?: string;
  overwriteDns?: boolean;
  wait?: string;
}

export function register(program: Command, ctx: Context): void {
  const command = program
    .command('rollback')
    .description('back to the checkpoint before the last change, or to one you name');
  // --emergency is among them for help only: main.ts takes its own path before commander is loaded.
  for (const [flags, description] of ROLLBACK_OPTIONS) command.option(flags, description);
  command.action(async () => {
    await runRollback(ctx, command.optsWithGlobals<RollbackOptions>());
  });
}

async function runRollback(ctx: Context, options: RollbackOptions): Promise<void> {
  const { planRollback } = await import('../rollback/plan.ts');
  const { askSituation } = await import('../situation/ask.ts');
  const { applyPlan } = await import('./apply.ts');
  const { checkpointArgument, gatherRollback, legacyGate } = await import('./evidence.ts');
  const { withLease } = await import('./wait.ts');
  const to = options.to === undefined ? null : checkpointArgument(options.to);
  const overMs = await durationOf(options.over);
  await withLease(ctx, options, async (session) => {
    const { facts } = await askSituation(session, 'rollback');
    // Rung by rung nothing is ever lifted, forced or not: that is decided rung by rung.
    const input = gatherRollback(session, options, overMs === null ? facts : undefined);
    // A rollback that is not possible is said before anyone waits for legacy.
    planRollback(input, to);
    const gate = await legacyGate(session);
    const plan = planRollback({ ...input, gates: [gate] }, to);
    if (!options.anyway && !options.dryRun) await assertLegacy(gate);
    if (overMs === null) {
      await applyPlan(ctx, options, session, plan, 'rollback');
      return;
    }
    await runOver(ctx, options, session, plan, overMs);
  });
}

/** Rung by rung: one rollback in the eyes of who asked for it, a row of operations in the journal. */
async function runOver(
  ctx: Context,
  options: RollbackOptions,
  session: Session,
  plan: Plan,
  overMs: number,
): Promise<void> {
  const { readFlag, runGradual, wholeReport } = await import('../operation/gradual.ts');
  const { formatDuration, formatRatio } = await import('../config/units.ts');
  const { gradualPlans } = await import('../rollback/gradual.ts');
  const { confirmed, executionOf, keptPlan, readings, showPlan, tell } = await import('./apply.ts');
  const { config, db, journal } = session;
  const execution = await executionOf(ctx, options, session);
  const flag = await readFlag(execution);
  const plans = gradualPlans(keptPlan(session, plan), config.ladder, flag?.ratio ?? 0);
  const line = `  over ${formatDuration(overMs)}, by ${plans.map(({ to }) => formatRatio(to.ratio)).join(', ')}`;
  if (options.dryRun) return showPlan(ctx, options, session, plan, 'rollback', { rungs: plans, line });
  if (!options.json) ctx.note(line);
  await confirmed(ctx, options, session, plan);
  const gradual = {
    ...{ db, plans, flag, overMs, execution, journal },
    readDns: () => readings(session),
    onRung: ({ outcome, to }: OperationReport) => {
      if (!options.json && outcome !== 'failed') ctx.note(`${config.migration}: ${formatRatio(to.ratio)}`);
    },
  };
  const reports = await ctx.toItsEnd(() => runGradual(gradual));
  const rungs = reports.map(({ id, to, outcome }) => ({ operation: id, ratio: to.ratio, outcome }));
  await tell(ctx, options, session, 'rollback', wholeReport(plans, reports), { rungs });
  if (reports.length < plans.length && !options.json) {
    ctx.note(`ended on the way; then \`cutover rollback --to ${plan.restores} --over …\` goes on`);
  }
}

/** @throws CutoverError LEGACY_NOT_READY when legacy does not answer */
export async function assertLegacy({ ok, detail, exitCode }: Readiness): Promise<void> {
  if (ok) return;
  const { CutoverError, EXIT } = await import('../errors.ts');
  throw new CutoverError('LEGACY_NOT_READY', exitCode ?? EXIT.unreachable, detail, {
    hint: 'to roll back onto it all the same: --anyway; in an emergency: --emergency, which never asks',
  });
}

async function durationOf(text: string | undefined): Promise<number | null> {
  if (text === undefined) return null;
  const { parseDuration } = await import('../config/units.ts');
  const { CutoverError, EXIT } = await import('../errors.ts');
  const ms = parseDuration(text);
  if (ms !== undefined) return ms;
  throw new CutoverError('USAGE', EXIT.usage, `--over ${text}: not a duration; write it like 10m`);
}
