import type { Command } from 'commander';
import type { StatusView } from '../report/status.ts';
import type { Context, GlobalOptions } from './context.ts';
import type { Session } from './session.ts';

interface StatusOptions extends GlobalOptions {
  check?: boolean;
}

export function register(program: Command, ctx: Context): void {
  program
    .command('status')
    .description('where the migration is, and what comes next')
    .option('--check', 'exit 2 when the flag or DNS is not what the state says')
    .action(async (_options: unknown, command: Command) => {
      await runStatus(ctx, command.optsWithGlobals<StatusOptions>());
    });
}

async function runStatus(ctx: Context, options: StatusOptions): Promise<void> {
  const { EXIT } = await import('../errors.ts');
  const { renderStatus, statusDocument } = await import('../report/status.ts');
  const { withSession } = await import('./session.ts');
  const { styleFor, widthOf } = await import('./style.ts');
  await withSession(ctx, options, async (session) => {
    const view = await gatherStatus(session);
    if (options.json) ctx.document(statusDocument(view));
    else
      ctx.print(
        renderStatus(view, session.clock.now(), await styleFor(ctx, options, 'stdout'), widthOf(ctx)),
      );
    if (!options.check) return;
    if (view.drift.length > 0) ctx.exit(EXIT.fail);
    else if (view.flag.error || view.dns.some(({ error }) => error)) ctx.exit(EXIT.unreachable);
  });
}

/** Reads the state and the world it should match. */
async function gatherStatus(session: Session): Promise<StatusView> {
  const { messageOf } = await import('../errors.ts');
  const { dnsDrift, readDns } = await import('../operation/dns.ts');
  const { readLease } = await import('../operation/lease.ts');
  const { openOperations } = await import('../operation/operations.ts');
  const { blocksForward } = await import('../operation/record.ts');
  const { RATIO_TOLERANCE } = await import('../operation/steps.ts');
  const { eligibility } = await import('../rollback/plan.ts');
  const { driftGate, stageGates } = await import('../shift/gates.ts');
  const { nextAction } = await import('../shift/next.ts');
  const { sameSettings } = await import('./evidence.ts');
  const { latestVerdict } = await import('../store/canary.ts');
  const { listCheckpoints } = await import('../store/checkpoints.ts');
  const { readFreeze } = await import('../store/freeze.ts');
  const { readState } = await import('../store/state.ts');

  const { db, config, clock, drivers } = session;
  const state = readState(db, config.migration);
  const open = openOperations(db);
  const flag: StatusView['flag'] = { driver: drivers.flag.label, ratio: null };
  try {
    flag.ratio = (await drivers.flag.get(AbortSignal.timeout(drivers.flag.timeoutMs)))?.ratio ?? null;
  } catch (error) {
    flag.error = session.secrets.redact(messageOf(error));
  }
  const gates = flag.error === undefined ? [driftGate(state.ratio, flag.ratio, RATIO_TOLERANCE)] : [];
  const latest = state.stage ? latestVerdict(db, state.stage.id) : null;
  if (state.stage && (state.status === 'canary' || state.status === 'rolling')) {
    const { ratio, since } = state.stage;
    const verdict = latest && { ...latest, sameSettings: await sameSettings(session, latest) };
    gates.push(...stageGates({ ratio, since, verdict }, config.stage, clock.now()));
  }
  const rollback = eligibility({ world: state, previous: state.previous, open });
  const unfinished = open.at(-1) ?? null;
  const lease = readLease(db).held;
  const freeze = readFreeze(db, clock.now());
  const readings = await readDns(drivers.dns, session.secrets.redact);
  const drifted = gates.some(({ name, ok }) => name === 'drift' && !ok);
  const mend = unfinished
    ? 'cutover resume'
    : rollback.eligible
      ? 'cutover rollback'
      : 'cutover rollback --emergency';
  return {
    migration: config.migration,
    status: state.status,
    ratio: state.ratio,
    activeProvider: state.activeProvider,
    stage: state.stage,
    gates,
    flag,
    drift: [
      ...(drifted ? [{ what: `flag ${flag.driver}`, state: state.ratio, actual: flag.ratio, mend }] : []),
      ...dnsDrift(drivers.dns, readings, state.activeProvider).map(
        ({ label, name, type, expected, actual }) => ({
          what: `${label} ${name} ${type}`,
          state: expected,
          actual,
          mend,
        }),
      ),
    ],
    dns: readings,
    freeze,
    unfinished,
    lastCheckpoint: listCheckpoints(db)[0] ?? null,
    rollback,
    lease,
    next: nextAction(state, {
      unfinished:
        unfinished && (blocksForward(unfinished) || unfinished.outcome === 'partial') ? unfinished : null,
      gates,
      verdict: latest?.verdict ?? null,
      ladder: config.ladder,
    }),
  };
}
