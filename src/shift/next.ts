import { formatRatio } from '../config/units.ts';
import type { Gate } from '../operation/plan.ts';
import type { OperationRecord } from '../operation/record.ts';
import type { World } from '../world.ts';
import { nextRung } from './ladder.ts';

/** The command that comes next in a migration, and why. */
export interface Next {
  command: string;
  why: string;
}

/** What to do next, from the state, what is unfinished, what drifted, and the gates of the stage. */
export function nextAction(
  world: World,
  known: {
    unfinished: OperationRecord | null;
    gates: readonly Gate[];
    verdict: string | null;
    ladder: readonly number[];
  },
): Next {
  const { unfinished, gates, verdict, ladder } = known;
  if (unfinished) {
    const undo = unfinished.kind === 'emergency' ? '' : '; `cutover rollback` undoes it';
    return { command: 'cutover resume', why: `finishes the ${unfinished.kind} ${unfinished.id}${undo}` };
  }
  const drift = gates.find(({ name, ok }) => name === 'drift' && !ok);
  if (drift) return { command: 'cutover rollback', why: `${drift.detail}; something else has changed it` };
  if (world.status === 'idle') return { command: 'cutover canary start', why: 'all traffic is on legacy' };
  if (world.status === 'rollback')
    return { command: 'cutover canary start', why: 'rolled back; begin again when mended' };
  if (world.status === 'complete')
    return { command: 'cutover canary check', why: 'all traffic is on target; keep watching' };
  const rung = nextRung(ladder, world.ratio);
  const bake = gates.find(({ name }) => name === 'bake');
  if (verdict === 'FAIL') return { command: 'cutover rollback', why: 'the canary failed at this ratio' };
  if (verdict !== 'PASS') return { command: 'cutover canary check', why: 'this stage has no PASS yet' };
  if (bake && !bake.ok)
    return { command: 'cutover canary check', why: `the stage still bakes: ${bake.detail}` };
  const shut = gates.find(({ ok }) => !ok);
  if (shut) return { command: 'cutover canary check', why: shut.detail };
  if (rung === null) return { command: 'cutover shift 100%', why: 'the ladder ends here' };
  return { command: 'cutover shift --next', why: `to ${formatRatio(rung)}: every gate is met` };
}
