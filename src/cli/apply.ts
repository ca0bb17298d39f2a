import { EXIT } from '../errors.ts';
import { readDns, storableReadings } from '../operation/dns.ts';
import { type Execution, execute, type OperationReport } from '../operation/execute.ts';
import { beginOperation, type Journal, resumeOperation } from '../operation/journal.ts';
import type { Plan } from '../operation/plan.ts';
import { newOperationId, type OperationRecord } from '../operation/record.ts';
import { storable } from '../output/storable.ts';
import {
  operationDocument,
  planDocument,
  renderOutcome,
  renderPlan,
  renderStep,
} from '../report/operation.ts';
import { type Consent, confirmPlan } from './confirm.ts';
import type { Context, GlobalOptions } from './context.ts';
import type { Session } from './session.ts';
import { pageWidth, styleFor } from './style.ts';

export interface ApplyOptions extends Consent, GlobalOptions {
  dryRun?: boolean;
}

/** plan → confirm → apply: shows the plan, asks, runs it, and tells what came of it. */
export async function applyPlan(
  ctx: Context,
  options: ApplyOptions,
  session: Session,
  plan: Plan,
  command: string,
  metrics: Record<string, unknown> = {},
): Promise<OperationReport | null> {
  const { migration } = session.config;
  if (options.dryRun) {
    if (options.json) ctx.document(planDocument(command, plan));
    else
      ctx.print(
        `${renderPlan(plan, migration, await styleFor(ctx, options, 'stdout'), pageWidth(ctx))}\nA dry run: nothing was changed.`,
      );
    return null;
  }
  await confirmed(ctx, options, session, plan);
  const report = await runPlan(ctx, options, session, plan, metrics);
  await tell(ctx, options, session, command, report);
  return report;
}

/** Shows the plan and asks, unless the answer is there already. @throws CutoverError when it is not consented to. */
export async function confirmed(
  ctx: Context,
  options: ApplyOptions,
  session: Session,
  plan: Plan,
): Promise<void> {
  const { migration } = session.config;
  const asks = !options.yes && options.confirm === undefined;
  if (asks) ctx.note(renderPlan(plan, migration, await styleFor(ctx, options, 'stderr'), pageWidth(ctx)));
  await confirmPlan(ctx, options, plan, migration, options);
}

/** Journals and runs a plan that has been consented to. */
export async function runPlan(
  ctx: Context,
  globals: GlobalOptions,
  session: Session,
  plan: Plan,
  metrics: Record<string, unknown> = {},
): Promise<OperationReport> {
  const id = newOperationId(session.clock.now(), session.clock.random);
  const keep = <T>(value: T) => storable(value, session.secrets.redact);
  const dns = storableReadings(
    await readDns(session.drivers.dns, session.secrets.redact),
    session.secrets.redact,
  );
  const { reason, gates, evidence } = plan;
  const kept = { ...plan, ...keep({ reason, gates, evidence }) };
  return runJournal(ctx, globals, session, () =>
    beginOperation(session.db, kept, { id, dns, metrics: keep(metrics) }, session.journal),
  );
}

/** Finishes an operation that was not finished. */
export async function resume(
  ctx: Context,
  globals: GlobalOptions,
  session: Session,
  operation: OperationRecord,
): Promise<OperationReport> {
  return runJournal(ctx, globals, session, () => resumeOperation(session.db, operation, session.journal));
}

async function runJournal(
  ctx: Context,
  globals: GlobalOptions,
  session: Session,
  begin: () => Journal,
): Promise<OperationReport> {
  const style = await styleFor(ctx, globals, 'stderr');
  const execution: Execution = {
    migration: session.config.migration,
    actor: session.actor,
    drivers: session.drivers,
    clock: session.clock,
    redact: session.secrets.redact,
    signal: ctx.signal,
    onStep: (step) => {
      if (!globals.json) ctx.note(renderStep(step, style, pageWidth(ctx)));
    },
  };
  // An operation that has begun stops between two steps only, and says so.
  return ctx.toItsEnd(() => execute(begin(), execution));
}

/**
 * Prints what an operation came to and sets the exit code: 0 done, 4 a hook failed, 69 the flag was not set, 78 for want
 * of a key.
 */
export async function tell(
  ctx: Context,
  globals: GlobalOptions,
  session: Session,
  command: string,
  report: OperationReport,
): Promise<void> {
  if (globals.json) ctx.document(operationDocument(command, report));
  else {
    const style = await styleFor(ctx, globals, 'stdout');
    ctx.print(renderOutcome(report, session.config.migration, style, pageWidth(ctx)));
  }
  if (report.outcome === 'partial') ctx.exit(EXIT.hookFailed);
  if (report.outcome === 'failed') ctx.exit(lacksKey(report) ? EXIT.config : EXIT.unreachable);
}

const lacksKey = ({ steps }: OperationReport) => steps.some(({ code }) => code?.startsWith('SECRET_'));
