import { CutoverError, EXIT, messageOf } from '../errors.ts';
import type { FlagDriver } from '../flag/driver.ts';
import { sameRatio } from '../world.ts';
import type { StepEnd } from './journal.ts';
import { answers, endOf, type StepContext, tries } from './step-run.ts';

/** Sets a flag. */
export async function runFlag(flag: FlagDriver, context: StepContext): Promise<StepEnd> {
  const notes: string[] = [];
  const asking = answers();
  const set: FlagDriver['set'] = (change, signal) => asking.asked(signal, flag.set(change, signal));
  // The first reading is the one to go back to; a later try would read our own half-made change.
  let before: unknown = context.found?.before ?? null;
  const end = await tries(flag, context, async (signal) => {
    before ??= await readBefore(flag, context, signal);
    return setFlag({ ...flag, set }, context, signal, notes);
  });
  return asking.noted(endOf(end, before, end.value ?? null, context, { notes }));
}

async function readBefore(flag: FlagDriver, context: StepContext, signal: AbortSignal): Promise<unknown> {
  try {
    return await flag.get(signal);
  } catch (error) {
    // An emergency does not depend on being able to read what it is about to overwrite.
    if (context.plan.kind === 'emergency') return { error: context.redact(messageOf(error)) };
    throw error;
  }
}

/** Sets the flag and reads it back: it counts as changed when the store says the new value. */
async function setFlag(
  flag: FlagDriver,
  context: StepContext,
  signal: AbortSignal,
  notes: string[],
): Promise<unknown> {
  const { plan, operation } = context;
  const said = await flag.set(
    { ratio: plan.to.ratio, token: operation.token, operation: operation.id, kind: plan.kind },
    signal,
  );
  notes.splice(0, notes.length, ...said);
  const after = await flag.get(signal);
  if (after && sameRatio(after.ratio, plan.to.ratio)) return after;
  throw new CutoverError(
    'FLAG_READ_BACK',
    EXIT.unreachable,
    `${flag.label}: set to ${plan.to.ratio}, but reads ${after ? after.ratio : 'nothing'}`,
    { hint: 'something else writes this flag, or it was not written' },
  );
}
