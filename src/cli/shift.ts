import type { Command } from 'commander';
import type { Plan } from '../operation/plan.ts';
import type { ApplyOptions } from './apply.ts';
import type { Context } from './context.ts';
import type { Session } from './session.ts';

interface ShiftOptions extends ApplyOptions {
  next?: boolean;
  force?: boolean;
  reason?: string;
  wait?: string;
}

export function register(program: Command, ctx: Context): void {
  program
    .command('shift')
    .description('move traffic to a ratio, or to the next one of the ladder')
    .argument('[ratio]', '25% or 0.25')
    .option('--next', 'the next ratio of the ladder')
    .option('--dry-run', 'show the plan, change nothing')
    .option('-y, --yes', 'do not ask')
    .option('--confirm <migration>', "the migration's name, for a shift to 100 %")
    .option('--force', 'override gates that are not met; needs --reason')
    .option('--wait <time>', 'wait this long for another operation to end, e.g. 30s')
    .option('--reason <text>', 'why, for the journal')
    .action(async (ratio: string | undefined, _options: unknown, command: Command) => {
      await runShift(ctx, ratio, command.optsWithGlobals<ShiftOptions>());
    });
}

async function runShift(ctx: Context, text: string | undefined, options: ShiftOptions): Promise<void> {
  const { CutoverError, EXIT } = await import('../errors.ts');
  const { ratioArgument } = await import('../shift/ladder.ts');
  const { assertGates, planShift } = await import('../shift/plan.ts');
  const { applyPlan } = await import('./apply.ts');
  const { askSituation } = await import('../situation/ask.ts');
  const { forwardInput } = await import('./evidence.ts');
  const { withLease } = await import('./wait.ts');
  if ((text === undefined) === (options.next !== true)) {
    throw new CutoverError('USAGE', EXIT.usage, 'name either a ratio or --next', {
      hint: 'cutover shift 25%, or cutover shift --next',
    });
  }
  const ratio = text === undefined ? null : ratioArgument(text);
  await withLease(ctx, options, async (session) => {
    const asked = await askSituation(session, 'shift');
    const { input, verdict, metrics } = forwardInput(session, asked, options);
    const decided = planShift(input, session.config.ladder, ratio);
    if (decided === null) return sayNothingToDo(ctx, options, input.world);
    const plan = await withTtls(session, decided);
    assertGates(plan, verdict);
    await applyPlan(ctx, options, session, plan, 'shift', metrics);
  });
}

/** A plan that moves DNS tells how long users may be answered what is there now. */
async function withTtls({ db, drivers, secrets, clock }: Session, plan: Plan): Promise<Plan> {
  if (plan.from.activeProvider === plan.to.activeProvider) return plan;
  const { readings } = await import('./apply.ts');
  const { movingSets } = await import('../operation/dns.ts');
  const { movingSteps } = await import('../operation/moving.ts');
  const { plannedDrivers } = await import('../operation/steps.ts');
  const { keptByResolvers, keptFor } = await import('../hooks/dns/ttl.ts');
  const { keptLonger } = await import('../rollback/kept-longer.ts');
  const says = await readings({ drivers, secrets });
  const begun = movingSteps(db, plannedDrivers(drivers).dns);
  const now = clock.now();
  const moves = drivers.dns.map((hook) => {
    const sets = movingSets([hook], says, plan.to.activeProvider);
    return { hook, sets, longer: hook.server === undefined ? [] : keptLonger(begun, hook.server, sets, now) };
  });
  const kept = keptByResolvers(moves.flatMap(({ sets, longer }) => keptFor(sets, longer, now)));
  const steps = plan.steps.map((step) => {
    const { longer = [] } = moves.find(({ hook }) => step.kind === 'dns' && hook.label === step.label) ?? {};
    return longer.length === 0 ? step : { ...step, keptLonger: longer };
  });
  return { ...plan, steps, ...(kept !== null && { notes: [kept] }) };
}

async function sayNothingToDo(
  ctx: Context,
  options: ShiftOptions,
  world: { status: string; ratio: number; activeProvider: string },
): Promise<void> {
  const { formatRatio } = await import('../config/units.ts');
  const { status, ratio, activeProvider } = world;
  const same = { status, ratio, activeProvider };
  if (options.json) {
    const nothing = { operation: null, from: same, to: same, steps: [], undo: null };
    return ctx.document({ schemaVersion: 1, command: 'shift', ...nothing });
  }
  ctx.print(`already at ${formatRatio(ratio)}; nothing to do`);
}
