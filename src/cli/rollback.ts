import type { Command } from 'commander';
import type { Plan } from '../operation/plan.ts';
import type { Readiness } from '../provider/readiness.ts';
import type { ApplyOptions } from './apply.ts';
import type { Context } from './context.ts';
import type { Session } from './session.ts';

interface RollbackOptions extends ApplyOptions {
  to?: string;
  over?: string;
  anyway?: boolean;
  force?: boolean;
  reason?: string;
  wait?: string;
}

export function register(program: Command, ctx: Context): void {
  program
    .command('rollback')
    .description('back to the checkpoint before the last change, or to one you name')
    .option('--to <checkpoint>', 'number of the checkpoint, see `cutover checkpoint list`')
    // Here for help only: main.ts takes an emergency's own path before commander is loaded.
    .option('--emergency', 'all traffic to legacy at once; asks nothing, works without the database')
    .option('--over <time>', 'step by step down the ladder, spread over this time, e.g. 10m')
    .option('--anyway', 'also when legacy does not answer')
    .option('--dry-run', 'show the plan and whether it is possible, change nothing')
    .option('-y, --yes', 'do not ask')
    .option('--confirm <migration>', "the migration's name, to roll a complete migration back")
    .option('--force', 'go to a checkpoint that sends more traffic to target; needs --reason')
    .option('--wait <time>', 'wait this long for another operation to end, e.g. 30s')
    .option('--reason <text>', 'why, for the journal and those who are told')
    .action(async (_options: unknown, command: Command) => {
      await runRollback(ctx, command.optsWithGlobals<RollbackOptions>());
    });
}

async function runRollback(ctx: Context, options: RollbackOptions): Promise<void> {
  const { planRollback } = await import('../rollback/plan.ts');
  const { applyPlan, confirmed } = await import('./apply.ts');
  const { checkpointArgument, gatherRollback, legacyGate } = await import('./evidence.ts');
  const { withLease } = await import('./wait.ts');
  const to = options.to === undefined ? null : checkpointArgument(options.to);
  const overMs = await durationOf(options.over);
  await withLease(ctx, options, async (session) => {
    const input = gatherRollback(session, options);
    // A rollback that is not possible is said before anyone waits for legacy.
    planRollback(input, to);
    const gate = await legacyGate(session);
    const plan = planRollback({ ...input, gates: [gate] }, to);
    if (!gate.ok && !options.anyway && !options.dryRun) await refuse(gate);
    if (overMs === null || options.dryRun) {
      await applyPlan(ctx, options, session, plan, 'rollback');
      return;
    }
    await confirmed(ctx, options, session, plan);
    await stepDown(ctx, options, session, plan, overMs);
    const last = planRollback({ ...gatherRollback(session, options), gates: [gate] }, plan.restores);
    await applyPlan(
      ctx,
      { ...options, yes: true, confirm: session.config.migration },
      session,
      last,
      'rollback',
    );
  });
}

/** The steps of a gradual rollback but the last, evenly spread. Each is an operation of its own. */
async function stepDown(
  ctx: Context,
  options: RollbackOptions,
  session: Session,
  plan: Plan,
  overMs: number,
) {
  const { intermediatePlan, rungsDown } = await import('../rollback/gradual.ts');
  const { planRollback } = await import('../rollback/plan.ts');
  const { runPlan } = await import('./apply.ts');
  const { gatherRollback } = await import('./evidence.ts');
  const { formatRatio } = await import('../config/units.ts');
  const { setTimeout: sleep } = await import('node:timers/promises');
  const { CutoverError, EXIT } = await import('../errors.ts');
  const rungs = rungsDown(session.config.ladder, plan.from.ratio, plan.to.ratio);
  for (const ratio of rungs) {
    const next = planRollback({ ...gatherRollback(session, options), gates: plan.gates }, plan.restores);
    const report = await runPlan(ctx, options, session, intermediatePlan(next, ratio));
    if (!options.json) ctx.note(`${session.config.migration}: ${formatRatio(ratio)}`);
    if (report.outcome !== 'done') break;
    await sleep(overMs / rungs.length, undefined, { signal: ctx.signal }).catch(() => {
      throw new CutoverError('INTERRUPTED', EXIT.interrupted, `stopped at ${formatRatio(ratio)}`, {
        hint: `to go on: \`cutover rollback --to ${plan.restores}\``,
      });
    });
  }
}

async function refuse({ detail, exitCode }: Readiness): Promise<never> {
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
