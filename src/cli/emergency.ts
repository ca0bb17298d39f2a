import { dirname } from 'node:path';
import { safe } from '../clean.ts';
import { type EmergencySettings, emergencySettings, type FlagSource } from '../config/lenient.ts';
import { configPath, MAX_CONFIG_BYTES } from '../config/path.ts';
import { createSecrets } from '../config/secrets.ts';
import { formatRatio } from '../config/units.ts';
import { CutoverError, EXIT, messageOf } from '../errors.ts';
import { readOrdinaryFile } from '../files.ts';
import { createFlag, otherFlag } from '../flag/create.ts';
import type { FlagDriver } from '../flag/driver.ts';
import { loadHooks } from '../hooks/load.ts';
import { actorOf } from '../operation/actor.ts';
import { BY_CONFIG, NOT_YET_BACK } from '../operation/by-config.ts';
import { type Emergency, type EmergencyEnd, runEmergency } from '../operation/emergency.ts';
import { lookAside } from '../operation/emergency-journal.ts';
import { type DnsSource, emergencyPlan } from '../operation/emergency-plan.ts';
import { type Word, wordOf } from '../operation/emergency-word.ts';
import type { Execution, OperationReport } from '../operation/execute.ts';
import { thisHolder } from '../operation/lease.ts';
import { plannedDrivers } from '../operation/steps.ts';
import { storable } from '../output/storable.ts';
import { TAKEN_IN, waitingAt, wrap } from '../report/text.ts';
import type { MovingStep } from '../rollback/moved.ts';
import { planEmergency } from '../rollback/plan.ts';
import { type Db, openStore } from '../store/open.ts';
import { readStore } from '../store/reading.ts';
import { readState } from '../store/state.ts';
import type { World } from '../world.ts';
import type { Context } from './context.ts';
import type { EmergencyRequest } from './is-emergency.ts';
import { folding, pageWidth, styleFor } from './style.ts';

/** How long an emergency waits for a locked database before it journals beside it. */
const DATABASE_WAIT_MS = 1000;

/**
 * `cutover rollback --emergency`: its own short path from the command line to the flag. It asks nothing, reads no
 * more of the config than it needs, and opens the database only after the flags say 0.
 */
export async function runEmergencyCommand(request: EmergencyRequest, plain: Context): Promise<void> {
  const ctx = folding(plain);
  for (const word of request.ignored)
    ctx.note(`warning: ${safe(word)} means nothing to an emergency and is ignored`);
  const path = emergencyConfigPath(request, ctx);
  const settings = await emergencySettings(path, dirname(path), ctx.env);
  for (const warning of settings.warnings) ctx.note(`warning: ${safe(warning)}`);
  const { execution, sources } = await executionOf(path, settings, request, ctx);
  const drivers = plannedDrivers(execution.drivers);
  const reason = storable(request.reason, execution.redact);
  const plan = (flagRatio: number | null, moving: readonly MovingStep[] | null) => ({
    ...planEmergency(drivers, flagRatio, reason, moving),
    ...(request.overwriteDns ? { overwriteDns: true as const } : {}),
  });
  const { stateDir, migration } = settings;
  const { clock, actor } = execution;
  const readDatabase = () => readStore(stateDir, clock.now()).db;
  if (request.dryRun) return dryRun(ctx, execution, { plan, readDatabase }, request, settings);
  let db: Db | undefined;
  try {
    const end = await runEmergency({
      execution,
      journal: {
        ...{ migration, holder: thisHolder(actor), keep: settings.checkpoints.keep, now: clock.now },
        told: execution.drivers.notify,
      },
      stateDir,
      plan,
      openDatabase: () => {
        db = openFor(settings, clock.now(), ctx);
        return db;
      },
      readDatabase,
      onFlag: (label, { outcome, error, ms, notes }) => {
        if (outcome === 'done') ctx.note(`${safe(label)}: 0 %, read back, ${Math.round(ms)} ms`);
        else ctx.note(`FLAG NOT SET: ${safe(label)}: ${safe(error ?? '')}`);
        for (const note of notes ?? []) ctx.note(`warning: ${safe(note)}`);
      },
      onDatabaseFault: (error) =>
        ctx.note(`warning: journaling beside the database: ${safe(messageOf(error))}`),
      onDns: (from, stranger) => {
        const reads = drivers.dns.some(({ sides }) => sides !== undefined);
        if (reads) ctx.note(DNS_FROM[stranger ? 'stranger' : from]);
      },
      onRivals: (rivals) => ctx.note(`waiting for ${rivals.map(({ words }) => safe(words)).join(', ')}`),
    });
    await tellEmergency(ctx, request, migration, end, wordOf(end, sources));
  } finally {
    if (db?.open) db.close();
  }
}

/** A path that is named and empty, as an unset variable leaves it, is as none: an emergency does not stop at that. */
function emergencyConfigPath({ config }: EmergencyRequest, { cwd, env, note }: Context): string {
  const named = (name: string, path: string | undefined) => {
    if (path !== '') return path;
    note(`warning: ${name} is empty and is ignored`);
    return undefined;
  };
  const flag = named('-c', config) ?? named('CUTOVER_CONFIG', env.CUTOVER_CONFIG);
  return configPath(cwd, flag, {}).path;
}

/** A group that does not exist keeps no emergency from its database. */
function openFor({ stateDir, group }: EmergencySettings, now: number, ctx: Context): Db {
  const options = { now, busyTimeoutMs: DATABASE_WAIT_MS, onNote: ctx.note };
  try {
    return openStore(stateDir, group ? { ...options, group } : options);
  } catch (error) {
    if (!(error instanceof CutoverError) || error.code !== 'STATE_GROUP') throw error;
    ctx.note(`warning: ${safe(error.message)}`);
    return openStore(stateDir, options);
  }
}

/** The drivers, and where each flag is known from. */
async function executionOf(
  path: string,
  { flags, hooks, dir, migration }: EmergencySettings,
  request: EmergencyRequest,
  ctx: Context,
): Promise<{ execution: Execution; sources: FlagSource[] }> {
  const secrets = createSecrets(ctx.env, dir, ctx.redactor);
  const said = [
    () => JSON.stringify([flags, hooks]),
    () => readOrdinaryFile(path, { maxBytes: MAX_CONFIG_BYTES }),
  ];
  for (const text of said) secrets.expect(text);
  const host = { dir, env: ctx.env, secrets, migration };
  const [flag, ...otherFlags] = flags.map(({ config, source, dir: from }, position) => {
    const driver = createFlag(config, { ...host, dir: from });
    const whence = `${WHENCE[source]}${position > 1 ? `, ${position}` : ''}`;
    return position === 0 ? driver : otherFlag(driver, whence);
  });
  return {
    sources: flags.map(({ source }) => source),
    execution: {
      migration,
      actor: actorOf(ctx.env),
      drivers: { flag: flag as FlagDriver, otherFlags, ...(await loadHooks(hooks, host)) },
      clock: { now: () => ctx.now().getTime(), random: Math.random },
      redact: secrets.redact,
      signal: ctx.signal,
      onStep: (step) => {
        if (request.json) return;
        const why = step.error ? `: ${safe(step.error)}` : '';
        ctx.note(`  ${step.outcome}  ${step.kind}  ${safe(step.label)}  ${Math.round(step.ms)} ms${why}`);
        if (step.hint) ctx.note(`      ${safe(step.hint)}`);
      },
      onWait: (label, ms) => ctx.note(waitingAt(label, ms)),
    },
  };
}

const DNS_FROM: Record<DnsSource | 'stranger', string> = {
  journal: 'DNS: what this migration has moved is put back, by the journal',
  config:
    'warning: DNS: the journal cannot be read; the config’s values for legacy are written. `cutover resume` puts back what was there before once it can be read',
  stranger:
    'warning: DNS: the journal that is here does not know of the last change (it is empty, an old copy, or another folder’s); the config’s values for legacy are written. `cutover resume` puts back what was there before once the right one is in its place',
};

const WHENCE: Record<FlagSource, string> = {
  config: 'in the config',
  'last config': 'of the last good config',
  'earlier config': 'of an earlier config',
  'damaged config': 'in the damaged config',
  default: 'the default',
};

/** The plan with what the state says; where that cannot be read it is said, and nothing is made up in its place. */
async function dryRun(
  ctx: Context,
  execution: Execution,
  emergency: Pick<Emergency, 'plan' | 'readDatabase'>,
  request: EmergencyRequest,
  settings: EmergencySettings,
): Promise<void> {
  const planned = await emergencyPlan(execution, emergency.plan, (see) => lookAside(emergency, see));
  const { asRead } = await import('./apply.ts');
  const { planDocument, renderPlan, renderSteps } = await import('../report/operation.ts');
  const { from, why } = await stateNow(settings, execution.clock.now());
  const read = await asRead({ drivers: execution.drivers, secrets: { redact: execution.redact } }, planned);
  const plan = from ? { ...read, from } : read;
  if (request.json)
    return ctx.document({
      ...planDocument('rollback', { ...plan, from }),
      ...(why && { stateUnknown: safe(why) }),
    });
  const style = await styleFor(ctx, { color: request.color }, 'stdout');
  const columns = pageWidth(ctx);
  const { migration } = execution;
  const lines = from
    ? [renderPlan(plan, migration, style, columns)]
    : [
        ...wrap(
          `${migration}: to 0 %, rollback; what the state says is not known: ${safe(why)}`,
          columns,
          '  ',
        ),
        ...renderSteps(plan, columns),
      ];
  ctx.print([...lines, 'A dry run: nothing was changed.'].join('\n'));
}

/** The world as the state says, or why nobody can tell. */
async function stateNow(
  { stateDir, migration }: EmergencySettings,
  now: number,
): Promise<{ from: World; why: null } | { from: null; why: string }> {
  try {
    const { db } = readStore(stateDir, now);
    try {
      const { status, ratio, activeProvider } = readState(db, migration);
      return { from: { status, ratio, activeProvider }, why: null };
    } finally {
      db.close();
    }
  } catch (error) {
    return { from: null, why: messageOf(error) };
  }
}

async function tellEmergency(
  ctx: Context,
  request: EmergencyRequest,
  migration: string,
  { report, dns, rivals }: EmergencyEnd,
  word: Word,
): Promise<void> {
  ctx.exit(word.exitCode === EXIT.ok && report.outcome === 'partial' ? EXIT.hookFailed : word.exitCode);
  if (request.json) {
    const { operationDocument } = await import('../report/operation.ts');
    const { safe: isSafe, flags, why } = word;
    return ctx.document({ ...operationDocument('rollback', report), safe: isSafe, why, flags, dnsFrom: dns });
  }
  ctx.print(emergencyLine(migration, report, word));
  for (const { goneCommand: command } of rivals ?? [])
    if (command !== undefined) ctx.print(`  if it is gone ${command}; then \`cutover status\``);
  const failed = report.steps.filter(({ outcome }) => outcome === 'failed');
  if (failed.length > 0)
    ctx.print(`  left to do    cutover resume   (${failed.map(({ label }) => safe(label)).join(', ')})`);
  if (report.undo) ctx.print(`  to undo       ${report.undo}`);
  if (report.sideFile) ctx.print(`  journaled in  ${safe(report.sideFile)}; ${TAKEN_IN}`);
  else if (report.kept === 'nowhere')
    ctx.print('  this emergency could not be journaled anywhere: keep this output');
}

/** The word of the emergency, each flag it is about, and what of the hooks is left. */
function emergencyLine(migration: string, report: OperationReport, word: Word): string {
  const failed = report.steps.filter(({ outcome }) => outcome === 'failed');
  const dnsCodes = failed.flatMap(({ kind, code }) => (kind === 'dns' ? [code] : []));
  const byConfig = dnsCodes.every((code) => code === BY_CONFIG);
  const ofDns = byConfig ? `; DNS: ${NOT_YET_BACK}` : '; DNS could not be moved';
  const dns = dnsCodes.length > 0 ? ofDns : '';
  const notify = failed.some(({ kind }) => kind === 'notify') ? '; not everyone was told' : '';
  const lines = [`${migration}: ${word.text}${dns}${notify}`];
  for (const { label, ratio } of word.flags)
    lines.push(`  flag          ${safe(label)}: ${ratio === null ? 'cannot be read' : formatRatio(ratio)}`);
  for (const why of word.why) lines.push(`  because       ${safe(why)}`);
  return lines.join('\n');
}
