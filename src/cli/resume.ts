import type { Command } from 'commander';
import type { Plan } from '../operation/plan.ts';
import type { OperationRecord } from '../operation/record.ts';
import type { ApplyOptions } from './apply.ts';
import type { Context } from './context.ts';
import { DRY_RUN, sayDryRun } from './dry-run.ts';
import type { Session } from './session.ts';

interface ResumeOptions extends ApplyOptions {
  flag?: boolean;
  force?: boolean;
  reason?: string;
  overwriteDns?: boolean;
  wait?: string;
}

/** Who resumes wants it to be told: as patient as a hook is by default. */
const RETRIES = 2;

export function register(program: Command, ctx: Context): void {
  program
    .command('resume')
    .description('finish an operation that was not finished: only the steps that have not succeeded')
    .option('--flag', 'when the flag has drifted: set it to what the state says')
    .option(...DRY_RUN)
    .option('-y, --yes', 'do not ask')
    .option('--confirm <migration>', "the migration's name, for a flag that goes to 100 %")
    .option('--force', 'with --flag: also when that sends more traffic to target; needs --reason')
    .option('--overwrite-dns', 'also DNS records that somebody else has changed')
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
  await withLease(
    ctx,
    options,
    (session) => (options.flag ? mendFlag(ctx, options, session) : finish(ctx, options, session)),
    { outlivesRollbacks: true },
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
    await finishGradual(ctx, options, session, betweenRungs);
    await giveUpGone(ctx, session, options);
    return;
  }
  if (!operation) {
    if (betweenRungs) ctx.note('the gradual rollback goes on by itself; `cutover rollback` ends it at once');
    return finishTelling(ctx, options, session);
  }
  if (options.dryRun) return sayWhatIsLeft(ctx, options, session, operation);
  if (!options.json) ctx.note(`resuming ${commandOf(operation.plan)} ${operation.id}`);
  const report = await resume(ctx, options, session, operation, options.overwriteDns);
  await giveUpGone(ctx, session, options);
  await tell(ctx, options, session, 'resume', report);
  const { leadsTo } = operation.plan;
  if (leadsTo) {
    const { formatRatio } = await import('../config/units.ts');
    ctx.note(
      `on the way to ${formatRatio(leadsTo.ratio)}: \`cutover resume\` again, or \`cutover rollback\`, goes there`,
    );
  }
}

/** Whom the config names no more is told nothing more: nobody could ever do so. @returns the messages, by number */
async function giveUpGone(
  ctx: Context,
  { db, drivers, journal }: Session,
  { dryRun }: ResumeOptions,
): Promise<ReadonlySet<number>> {
  const outbox = await import('../operation/outbox.ts');
  const given = dryRun
    ? outbox.waitingForGone(db, drivers.notify)
    : db.transaction(() => outbox.giveUpGone(db, drivers.notify, journal)).immediate();
  for (const { label, operationId } of given)
    ctx.note(
      `${label}: its message about ${operationId} ${dryRun ? 'would be' : 'is'} given up: ${outbox.GONE}`,
    );
  return new Set(given.map(({ seq }) => seq));
}

/** Every operation is finished: what is left is to tell of them. */
async function finishTelling(ctx: Context, options: ResumeOptions, session: Session): Promise<void> {
  const { EXIT } = await import('../errors.ts');
  const { leftLines, sendLeft } = await import('./send-left.ts');
  const { untoldDocument } = await import('../report/untold.ts');
  const { waitingMessages } = await import('../store/messages.ts');
  const given = await giveUpGone(ctx, session, options);
  const sent = options.dryRun ? [] : await sendLeft(ctx, session, RETRIES);
  const waiting = waitingMessages(session.db).filter(({ seq }) => !given.has(seq));
  if (waiting.length > 0) ctx.exit(EXIT.hookFailed);
  if (options.json) {
    const messages = { sent: sent.reduce((sum, one) => sum + one.sent, 0), waiting: untoldDocument(waiting) };
    return ctx.document({ schemaVersion: 1, command: 'resume', operation: null, steps: [], messages });
  }
  const untold = waiting.length === 0 ? '' : `; not everyone was told: ${waiting.length} waiting`;
  ctx.print([`nothing to resume: every operation is finished${untold}`, ...leftLines(sent)].join('\n  '));
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
  session: Session,
  operation: OperationRecord,
): Promise<void> {
  const { renderPlan } = await import('../report/operation.ts');
  const { asRead } = await import('./apply.ts');
  const { pageWidth, styleFor } = await import('./style.ts');
  const { stepsLeft } = await import('../operation/execute.ts');
  const { databaseOutbox } = await import('../operation/outbox.ts');
  const { hookTold } = await import('../operation/tell-step.ts');
  const { id, kind, plan } = operation;
  const { db, drivers, journal } = session;
  const outbox = databaseOutbox(db, journal);
  const steps = stepsLeft(operation)
    .map(({ position, kind, driver, label }) => plan.steps[position] ?? { kind, driver, label })
    .filter((step) => step.kind !== 'notify' || hookTold(outbox, drivers.notify, step, id) !== undefined);
  await giveUpGone(ctx, session, options);
  const overwriting = plan.overwriteDns || options.overwriteDns;
  const left: Plan = { ...plan, steps, ...(overwriting && { overwriteDns: true as const }) };
  const read = await asRead(session, left);
  const { from, to, dns, notes, overwriteDns } = read;
  const style = await styleFor(ctx, options, 'stdout');
  const shown = { from, to, steps, dns, ...(overwriteDns && { overwriteDns }), ...(notes && { notes }) };
  sayDryRun(ctx, options, 'resume', { operation: { id, kind }, ...shown }, [
    renderPlan(read, `resume ${id}`, style, pageWidth(ctx)),
  ]);
}
