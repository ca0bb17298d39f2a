import { CutoverError } from '../errors.ts';
import type { FlagDriver } from '../flag/driver.ts';
import { sameRatio } from '../world.ts';
import type { Journal, StepEnd } from './journal.ts';
import { readQuietly } from './read-quietly.ts';

/** What became of a flag whose step has failed. */
export interface PutBack {
  /** Whether it certainly says what it said before, and goes on saying so. */
  restored: boolean;
  /** What it says now: null when there is none, undefined when it cannot be read. */
  reads: number | null | undefined;
}

/**
 * Makes the flag say what it said before a forward step that could not set it.
 * @param end how that step ended: what its store was asked for without an answer may still be done
 * @throws CutoverError FENCED (75)
 */
export async function putBack(
  journal: Journal,
  flag: FlagDriver,
  end: StepEnd | undefined,
): Promise<PutBack> {
  const { id, token, plan } = journal.operation;
  const { ratio } = plan.from;
  const signal = AbortSignal.timeout(flag.timeoutMs);
  try {
    journal.guard();
    const now = await flag.get(signal);
    if (!sameRatio(now?.ratio ?? 0, ratio)) {
      await flag.set({ ratio, token, operation: id, kind: plan.kind }, signal);
    }
    const after = await flag.get(signal);
    const restored = sameRatio(after?.ratio ?? 0, ratio) && !end?.unanswered;
    return { restored, reads: after?.ratio ?? null };
  } catch (error) {
    // Unknown is not restored: the operation stays open, and the step's own error tells why.
    if (error instanceof CutoverError && error.code === 'FENCED') throw error;
    const after = await readQuietly(flag);
    return { restored: false, reads: after === undefined ? undefined : (after?.ratio ?? null) };
  }
}
