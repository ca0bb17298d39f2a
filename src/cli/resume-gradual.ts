import { formatRatio } from '../config/units.ts';
import { planRollback } from '../rollback/plan.ts';
import { askSituation } from '../situation/ask.ts';
import type { BetweenRungs } from '../situation/facts.ts';
import { type ApplyOptions, runPlan, showPlan, tell } from './apply.ts';
import type { Context } from './context.ts';
import { gatherRollback, legacyGate } from './evidence.ts';
import { assertLegacy } from './rollback.ts';
import type { Session } from './session.ts';

/**
 * Takes a gradual rollback that was left between two rungs to its end, at once. Whoever began it has consented to
 * that, and to a legacy that does not answer if it did not answer then.
 * @throws CutoverError LEGACY_NOT_READY, ROLLBACK_RAISES (64), or what an operation throws
 */
export async function finishGradual(
  ctx: Context,
  options: ApplyOptions,
  session: Session,
  { rung, leadsTo }: BetweenRungs,
): Promise<void> {
  const { facts } = await askSituation(session, 'rollback');
  const { reason, restores, gates, overwriteDns = false } = rung.plan;
  const input = gatherRollback(session, { reason, overwriteDns }, facts);
  planRollback(input, restores);
  const gate = await legacyGate(session);
  const plan = planRollback({ ...input, gates: [gate] }, restores);
  if (options.dryRun) return showPlan(ctx, options, session, plan, 'resume');
  const anyway = gates.some(({ name, ok }) => name === 'readiness' && !ok);
  if (!anyway) await assertLegacy(gate);
  if (!options.json) ctx.note(`going on with the rollback to ${formatRatio(leadsTo.ratio)}`);
  await tell(ctx, options, session, 'resume', await runPlan(ctx, options, session, plan));
}
