import { forgetOtherFlags, rememberWritten } from '../config/snapshot.ts';
import { EXIT } from '../errors.ts';
import { beginOperation, resumeOperation } from '../operation/begin.ts';
import { dnsObstacles, readDns, storableReadings } from '../operation/dns.ts';
import { type Execution, execute, type OperationReport } from '../operation/execute.ts';
import type { Journal } from '../operation/journal.ts';
import { leftBehind } from '../operation/left-behind.ts';
import type { Plan } from '../operation/plan.ts';
import { isBackward, newOperationId, type OperationRecord } from '../operation/record.ts';
import { goneSteps } from '../operation/steps.ts';
import { storable, storableRecords } from '../output/storable.ts';
import {
  operationDocument,
  planDocument,
  renderOutcome,
  renderPlan,
  renderStep,
} from '../report/operation.ts';
import { waitingAt } from '../report/text.ts';
import type { DnsReading } from '../world.ts';
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
  if (options.dryRun) {
    await showPlan(ctx, options, session, plan, command);
    return null;
  }
  await confirmed(ctx, options, session, plan);
  const report = await runPlan(ctx, options, session, plan, metrics);
  await tell(ctx, options, session, command, report);
  return report;
}

/**
 * Prints a plan for `--dry-run`.
 * @param way of a gradual rollback: its rungs, and a line that tells them
 */
export async function showPlan(
  ctx: Context,
  globals: GlobalOptions,
  session: Session,
  plan: Plan,
  command: string,
  way?: { rungs: readonly Plan[]; line: string },
): Promise<void> {
  const shown = await asRead(session, plan);
  if (globals.json) {
    const rungs = way ? { rungs: way.rungs } : {};
    return ctx.document({ ...planDocument(command, shown), ...rungs });
  }
  const style = await styleFor(ctx, globals, 'stdout');
  const text = renderPlan(shown, session.config.migration, style, pageWidth(ctx));
  ctx.print([text, ...(way ? [way.line] : []), 'A dry run: nothing was changed.'].join('\n'));
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
  if (asks) {
    const style = await styleFor(ctx, options, 'stderr');
    ctx.note(renderPlan(await asRead(session, plan), migration, style, pageWidth(ctx)));
  }
  await confirmPlan(ctx, options, plan, migration, options);
}

/** What can be read, and what keeps secrets out of it. */
interface Readers extends Pick<Session, 'drivers'> {
  secrets: Pick<Session['secrets'], 'redact'>;
}

/**
 * A plan with what the servers of its DNS hooks say now, what bars its records' way, what it leaves where it is, and
 * which of its hooks are gone.
 */
export async function asRead(session: Readers, plan: Plan): Promise<Plan> {
  const { drivers, secrets } = session;
  const asks = plan.steps.some(({ kind, server }) => kind === 'dns' && server !== undefined);
  const [dns, barred] = asks
    ? await Promise.all([readings(session), dnsObstacles(drivers.dns, plan.steps, secrets.redact)])
    : [plan.dns, []];
  const gone = goneSteps(drivers, plan.steps).map((line) => storable(line, secrets.redact));
  const notes = [...(plan.notes ?? []), ...gone, ...barred, ...leftBehind(plan, drivers.dns, dns)];
  return { ...plan, dns, ...(notes.length > 0 && { notes }) };
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
  const dns = await readings(session);
  const kept = storable(metrics, session.secrets.redact);
  return runJournal(ctx, globals, session, () =>
    beginOperation(session.db, keptPlan(session, plan), { id, dns, metrics: kept }, session.journal),
  );
}

/** A plan as it may be stored: what people and servers said in it holds no secrets. */
export function keptPlan({ secrets }: Session, plan: Plan): Plan {
  const { reason, gates, evidence, steps } = plan;
  const kept = steps.map((step) => {
    // Records are written as they are, or, with a secret in them, as the config has them when that is done.
    const { wants, leaves, restore, keptLonger, ...rest } = step;
    const said = {
      ...{ ...(wants && { wants }), ...(leaves && { leaves }), ...(restore && { restore }) },
      ...(keptLonger && { keptLonger }),
    };
    const records = storableRecords(said, secrets.redact);
    return records === null ? rest : { ...rest, ...records };
  });
  return { ...plan, steps: kept, ...storable({ reason, gates, evidence }, secrets.redact) };
}

/** What the servers of DNS hooks say now, as it may be stored. */
export async function readings({ drivers, secrets }: Readers): Promise<DnsReading[]> {
  return storableReadings(await readDns(drivers.dns, secrets.redact), secrets.redact);
}

/** Finishes an operation that was not finished. */
export async function resume(
  ctx: Context,
  globals: GlobalOptions,
  session: Session,
  operation: OperationRecord,
  overwriteDns = false,
): Promise<OperationReport> {
  const begin = () => resumeOperation(session.db, operation, session.journal);
  return runJournal(ctx, globals, session, begin, overwriteDns);
}

async function runJournal(
  ctx: Context,
  globals: GlobalOptions,
  session: Session,
  begin: () => Journal,
  overwriteDns = false,
): Promise<OperationReport> {
  const execution = { ...(await executionOf(ctx, globals, session)), overwriteDns };
  const flag = { flag: session.config.flag, dir: session.dir };
  rememberWritten(session.stateDir, flag);
  // An operation that has begun stops between two steps only, and says so.
  const report = await ctx.toItsEnd(() => execute(begin(), execution));
  const forward = !isBackward(report.kind) && report.outcome !== 'failed';
  if (forward && (await restAtZero(session))) forgetOtherFlags(session.stateDir, flag);
  return report;
}

/** Whether every flag of an earlier config is gone or says 0 %. */
async function restAtZero({ drivers }: Session): Promise<boolean> {
  const ratios = await Promise.all(
    (drivers.otherFlags ?? []).map((flag) =>
      flag.get(AbortSignal.timeout(flag.timeoutMs)).then(
        (reading) => reading?.ratio ?? 0,
        // One that cannot be read is not known to be at 0.
        () => null,
      ),
    ),
  );
  return ratios.every((ratio) => ratio === 0);
}

/** What the steps of an operation run with. */
export async function executionOf(
  ctx: Context,
  globals: GlobalOptions,
  session: Session,
): Promise<Execution> {
  const style = await styleFor(ctx, globals, 'stderr');
  return {
    migration: session.config.migration,
    actor: session.actor,
    drivers: session.drivers,
    clock: session.clock,
    redact: session.secrets.redact,
    signal: ctx.signal,
    onStep: (step) => {
      if (!globals.json) ctx.note(renderStep(step, style, pageWidth(ctx)));
    },
    onWait: (label, ms) => ctx.note(waitingAt(label, ms)),
  };
}

/**
 * Prints what an operation came to and sets the exit code: 0 done, 4 a hook failed, 69 the flag was not set, 78 for want
 * of a key.
 * @param more further fields of the JSON document
 */
export async function tell(
  ctx: Context,
  globals: GlobalOptions,
  session: Session,
  command: string,
  report: OperationReport,
  more: Record<string, unknown> = {},
): Promise<void> {
  if (globals.json) ctx.document({ ...operationDocument(command, report), ...more });
  else {
    const style = await styleFor(ctx, globals, 'stdout');
    ctx.print(renderOutcome(report, session.config.migration, style, pageWidth(ctx)));
  }
  if (report.outcome === 'partial') ctx.exit(EXIT.hookFailed);
  if (report.outcome === 'failed') ctx.exit(lacksKey(report) ? EXIT.config : EXIT.unreachable);
}

const lacksKey = ({ steps }: OperationReport) => steps.some(({ code }) => code?.startsWith('SECRET_'));
