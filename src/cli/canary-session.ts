import { operationDocument, renderOutcome } from '../report/operation.ts';
import { planRollback, wayToLegacy } from '../rollback/plan.ts';
import { getCheckpoint } from '../store/checkpoints.ts';
import { readState } from '../store/state.ts';
import { runPlan } from './apply.ts';
import type { CanaryRollback, CanarySession } from './canary.ts';
import type { Context, GlobalOptions } from './context.ts';
import { gatherRollback } from './evidence.ts';
import { openSession, type Session } from './session.ts';
import { pageWidth, styleFor } from './style.ts';

/** A session as the canary's commands use it. */
export async function openCanarySession(ctx: Context, options: GlobalOptions): Promise<CanarySession> {
  const session = await openSession(ctx, options);
  const { config, dir, secrets, db, actor } = session;
  const stage = () => {
    const state = readState(db, config.migration);
    return state.status === 'idle' || state.status === 'rollback' ? null : state.stage;
  };
  const judged = stage()?.id;
  return {
    config,
    dir,
    secrets,
    db,
    actor,
    stage,
    rollback: (reason) => autoRollback(ctx, options, session, reason, () => stage()?.id === judged),
    close: session.close,
  };
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
  if (!sameStage()) {
    return {
      outcome: 'done',
      text: 'the migration has moved on since; nothing was rolled back',
      operation: null,
    };
  }
  const input = gatherRollback(session, { reason });
  const to = wayToLegacy(input.previous, (id) => getCheckpoint(session.db, id));
  const report = await runPlan(ctx, options, session, planRollback(input, to));
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
