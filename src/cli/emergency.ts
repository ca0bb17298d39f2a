import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { type EmergencyConfig, emergencySettings } from '../config/lenient.ts';
import { createSecrets } from '../config/secrets.ts';
import { CutoverError, EXIT, messageOf } from '../errors.ts';
import { createFlag } from '../flag/create.ts';
import type { Hooks } from '../hooks/create.ts';
import type { HookHost } from '../hooks/host.ts';
import { actorOf } from '../operation/actor.ts';
import { readEmergencyPlan, runEmergency } from '../operation/emergency.ts';
import type { Execution, OperationReport } from '../operation/execute.ts';
import { thisHolder } from '../operation/lease.ts';
import type { Plan } from '../operation/plan.ts';
import { plannedDrivers } from '../operation/steps.ts';
import { storable } from '../output/storable.ts';
import { planEmergency } from '../rollback/plan.ts';
import { type Db, openStore } from '../store/open.ts';
import type { Context } from './context.ts';

/** How long an emergency waits for a locked database before it journals beside it. */
const DATABASE_WAIT_MS = 1000;

/**
 * `cutover rollback --emergency`: its own short path from the command line to the flag. It asks nothing, reads no
 * more of the config than it needs, and opens the database only after the flag says 0.
 */
export async function runEmergencyCommand(argv: string[], ctx: Context): Promise<void> {
  const options = parseOptions(argv);
  const path = resolve(ctx.cwd, options.config ?? ctx.env.CUTOVER_CONFIG ?? 'cutover.yaml');
  const dir = dirname(path);
  const { config, stateDir, warnings } = await emergencySettings(path, dir, ctx.env);
  for (const warning of warnings) ctx.note(`warning: ${warning}`);
  const secrets = createSecrets(ctx.env, dir, ctx.redactor);
  for (const text of [() => JSON.stringify(config), () => readFileSync(path, 'utf8')]) secrets.expect(text);
  const host = { dir, env: ctx.env, secrets };
  const actor = actorOf(ctx.env);
  const clock = { now: () => ctx.now().getTime(), random: Math.random };
  const execution: Execution = {
    migration: config.migration,
    actor,
    drivers: { flag: createFlag(config.flag, host), ...(await hooksOf(config, host)) },
    clock,
    redact: secrets.redact,
    signal: ctx.signal,
    onStep: (step) => {
      if (options.json) return;
      ctx.note(
        `  ${step.outcome}  ${step.kind}  ${step.label}  ${Math.round(step.ms)} ms${step.error ? `: ${step.error}` : ''}`,
      );
    },
  };
  const plan = (flagRatio: number | null) =>
    planEmergency(
      plannedDrivers(execution.drivers),
      flagRatio,
      options.reason ? storable(options.reason, secrets.redact) : '',
    );
  if (options['dry-run']) return dryRun(ctx, execution, plan, options);
  let db: Db | undefined;
  try {
    const report = await runEmergency({
      execution,
      journal: {
        migration: config.migration,
        holder: thisHolder(actor),
        keep: config.checkpoints.keep,
        now: clock.now,
      },
      stateDir,
      plan,
      openDatabase: () => {
        db = openStore(stateDir, { now: clock.now(), busyTimeoutMs: DATABASE_WAIT_MS });
        return db;
      },
      onFlag: (end) => {
        if (options.json) return;
        if (end.outcome === 'done') ctx.note(`flag: 0 %, read back, ${Math.round(end.ms)} ms`);
        else ctx.note(`FLAG NOT SET: ${end.error}`);
      },
      onDatabaseFault: (error) => ctx.note(`warning: journaling beside the database: ${messageOf(error)}`),
    });
    await tellEmergency(ctx, options, config.migration, report);
  } finally {
    if (db?.open) db.close();
  }
}

/** Their drivers are not loaded when there is none. */
async function hooksOf({ hooks }: EmergencyConfig, host: HookHost): Promise<Hooks> {
  if (hooks.dns.length + hooks.notify.length === 0) return { dns: [], notify: [] };
  const { createHooks } = await import('../hooks/create.ts');
  return createHooks(hooks, host);
}

function parseOptions(argv: string[]) {
  try {
    return parseArgs({
      args: argv,
      allowPositionals: true,
      options: {
        emergency: { type: 'boolean' },
        config: { type: 'string', short: 'c' },
        reason: { type: 'string' },
        json: { type: 'boolean' },
        yes: { type: 'boolean', short: 'y' },
        'dry-run': { type: 'boolean' },
        'no-color': { type: 'boolean' },
        'no-input': { type: 'boolean' },
      },
    }).values;
  } catch (cause) {
    throw new CutoverError('USAGE', EXIT.usage, messageOf(cause), {
      hint: 'cutover rollback --emergency [--reason "…"] [--config PATH] [--json] [--dry-run]',
      cause,
    });
  }
}

async function dryRun(
  ctx: Context,
  execution: Execution,
  planFor: (flagRatio: number | null) => Plan,
  options: { json?: boolean; 'no-color'?: boolean },
): Promise<void> {
  const { plan } = await readEmergencyPlan(execution, planFor);
  const { planDocument, renderPlan } = await import('../report/operation.ts');
  const { styleFor } = await import('./style.ts');
  if (options.json) return ctx.document(planDocument('rollback', plan));
  const style = await styleFor(ctx, { color: !options['no-color'] }, 'stdout');
  ctx.print(`${renderPlan(plan, execution.migration, style)}\nA dry run: nothing was changed.`);
}

async function tellEmergency(
  ctx: Context,
  options: { json?: boolean },
  migration: string,
  report: OperationReport,
): Promise<void> {
  if (report.outcome === 'partial') ctx.exit(EXIT.hookFailed);
  if (report.outcome === 'failed') ctx.exit(EXIT.unreachable);
  if (options.json) {
    const { operationDocument } = await import('../report/operation.ts');
    return ctx.document(operationDocument('rollback', report));
  }
  ctx.print(emergencyLine(migration, report));
  const failed = report.steps.filter(({ outcome }) => outcome === 'failed');
  if (failed.length > 0)
    ctx.print(`  left to do    cutover resume   (${failed.map(({ label }) => label).join(', ')})`);
  if (report.undo) ctx.print(`  to undo       ${report.undo}`);
  if (report.sideFile)
    ctx.print(`  journaled in  ${report.sideFile}; the next command takes it into the database`);
  else if (report.kept === 'nowhere')
    ctx.print('  this emergency could not be journaled anywhere: keep this output');
}

/** What is safe now, in one line. */
function emergencyLine(migration: string, report: OperationReport): string {
  if (report.outcome === 'failed')
    return `${migration}: NOT SAFE: the flag could not be set; traffic is where it was`;
  const failed = report.steps.filter(({ outcome }) => outcome === 'failed').map(({ kind }) => kind);
  const dns = failed.includes('dns') ? '; DNS could not be moved' : '';
  const notify = failed.includes('notify') ? '; not everyone was told' : '';
  return `${migration}: safe: the flag sends every request to legacy (0 %, read back)${dns}${notify}`;
}
