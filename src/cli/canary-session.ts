import type { CanaryDocument, Stage } from '../canary/document.ts';
import { STILL_AFTER_MS } from '../operation/heartbeat.ts';
import { overtakenBy } from '../operation/overtaken.ts';
import { flagsOf } from '../operation/steps.ts';
import { operationDocument, renderOutcome } from '../report/operation.ts';
import { planRollback, wayToLegacy } from '../rollback/plan.ts';
import { assertMay } from '../situation/ask.ts';
import { gatherFacts } from '../situation/gather.ts';
import { firstOfFails } from '../store/canary.ts';
import { getCheckpoint } from '../store/checkpoints.ts';
import { explainingFaults } from '../store/open.ts';
import { readState } from '../store/state.ts';
import { runPlan } from './apply.ts';
import type { CanaryReading, CanaryRollback, CanarySession } from './canary.ts';
import type { Context, GlobalOptions } from './context.ts';
import { gatherRollback } from './evidence.ts';
import { noteLeft, openReading, openSession, type Reading, type Session } from './session.ts';
import { pageWidth, styleFor } from './style.ts';
import { tellNotice } from './tell-notice.ts';
import { whileHeld } from './wait.ts';

/** A target that failed keeps its traffic while a lost holder stands in the way: long enough to see it stand still. */
const HELD_WAIT_MS = STILL_AFTER_MS + 10_000;

/** A session as the canary's commands use it. */
export async function openCanarySession(
  ctx: Context,
  options: GlobalOptions & { dryRun?: boolean },
): Promise<CanarySession> {
  const session = await openSession(ctx, options);
  const canary = canaryOf(session);
  const judged = canary.stage()?.id;
  const rollback = (reason: string) =>
    autoRollback(ctx, options, session, reason, () => canary.stage()?.id === judged);
  if (options.dryRun) return Object.assign(canary, { rollback });
  const tellFail = (document: CanaryDocument) => keepFail(session, canary.stage(), document);
  return Object.assign(canary, { rollback, tellFail, sendLeft: () => noteLeft(ctx, session) });
}

export async function openCanaryReading(ctx: Context, options: GlobalOptions): Promise<CanaryReading> {
  return canaryOf(await openReading(ctx, options));
}

function canaryOf(reading: Reading): CanaryReading {
  const { config, dir, secrets, actor, close } = reading;
  return {
    ...{ config, dir, secrets, actor, close },
    get db() {
      return reading.db;
    },
    ask: async (asking) => void (await assertMay(reading, asking)),
    unanswered: async () => (await gatherFacts(reading, {})).fail?.document ?? null,
    stage: () => {
      const state = readState(reading.db, config.migration);
      return state.status === 'idle' || state.status === 'rollback' ? null : state.stage;
    },
  };
}

/** A FAIL is told once, however often it is found again. */
function keepFail(session: Session, stage: Stage | null, document: CanaryDocument): void {
  const { db } = session;
  const work = () => {
    const run = stage && firstOfFails(db, stage.id);
    if (!run) return;
    const evidence = { verdict: document.verdict, document };
    tellNotice(session, 'canary FAIL', document.explanations.join('; '), 'cutover rollback', {
      id: run,
      evidence,
    });
  };
  explainingFaults(db.name, () => db.transaction(work).immediate());
}

/**
 * All the way to legacy: a target that failed gets no traffic at all. Of two checks that fail at once only one
 * rolls back; the other finds the stage gone.
 */
async function autoRollback(
  ctx: Context,
  options: GlobalOptions,
  session: Session,
  reason: string,
  sameStage: () => boolean,
): Promise<CanaryRollback> {
  const report = await whileHeld(ctx, HELD_WAIT_MS, async (watched) => {
    if (!sameStage()) return null;
    const input = gatherRollback(session, { reason });
    const emergency = input.open.findLast(({ kind }) => kind === 'emergency');
    if (emergency) throw await overtakenBy(null, flagsOf(session.drivers), () => emergency);
    const to = wayToLegacy(input.previous, (id) => getCheckpoint(session.db, id));
    const journal = { ...session.journal, watched };
    return runPlan(ctx, options, { ...session, journal }, planRollback(input, to));
  });
  if (report === null) {
    return {
      outcome: 'done',
      text: 'the migration has moved on since; nothing was rolled back',
      operation: null,
    };
  }
  return {
    outcome: report.outcome,
    text: renderOutcome(
      report,
      session.config.migration,
      await styleFor(ctx, options, 'stdout'),
      pageWidth(ctx),
    ),
    operation: operationDocument('rollback', report).operation,
  };
}
