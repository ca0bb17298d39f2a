import type { Hook } from '../hooks/hook.ts';
import type { Journal, StepEnd } from './journal.ts';

/** How much later than its own time limit an update may land, in milliseconds. */
const MARGIN_MS = 1000;
const LOOK_MS = 100;

/**
 * Runs a step of a way back on a DNS server that can be read. A server may still carry out what a step of another
 * operation has asked for that was killed, or is being overtaken: when that step has ended, or its time is over, the
 * records are looked at once more. Bounded by the hook's own time limit.
 * @param run runs the step; the second time it gets what the first has found and written
 */
export async function outlastingWrites(
  journal: Pick<Journal, 'writing'>,
  hook: Hook & { server: string },
  now: () => number,
  run: (earlier?: StepEnd) => Promise<StepEnd>,
): Promise<StepEnd> {
  const mayLand = () => {
    const since = journal.writing(hook.server);
    return since !== null && Math.abs(now() - since) < hook.timeoutMs + MARGIN_MS;
  };
  const exposed = mayLand();
  const end = await run();
  // What has failed is tried again by whoever resumes it.
  if (!exposed || end.outcome !== 'done') return end;
  while (mayLand()) await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  const again = await run(end);
  return { ...again, attempts: end.attempts + again.attempts, ms: end.ms + again.ms };
}
