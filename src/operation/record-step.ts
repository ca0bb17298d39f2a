import { isDeepStrictEqual } from 'node:util';
import { CutoverError, EXIT, messageOf } from '../errors.ts';
import { describeSets } from '../hooks/dns/records.ts';
import type { Hook, HookResult, OnIntent } from '../hooks/hook.ts';
import { storableRecords } from '../output/storable.ts';
import { isOf, sameRecord } from '../rollback/moved.ts';
import type { RecordMove } from '../world.ts';
import { afterWayBack, leftAstray } from './astray.ts';
import type { StepEnd } from './journal.ts';
import type { PlannedStep } from './plan.ts';
import { isBackward } from './record.ts';
import {
  type FoundAndWritten,
  foreignRecords,
  knownAfter,
  markedSeen,
  movesBetween,
  recordsIn,
  restoreFor,
  runRecords,
} from './run-records.ts';
import { answers, endOf, eventFor, type StepContext, tries } from './step-run.ts';

/** A DNS hook that reads what it writes: what it found, and is about to write, is journaled before it is written. */
export async function runRecordHook(
  hook: Hook,
  step: PlannedStep,
  position: number,
  context: StepContext,
): Promise<StepEnd> {
  let known: FoundAndWritten | null = earlierIn(context.found);
  const backward = isBackward(context.plan.kind);
  const toLegacy = backward && context.plan.to.activeProvider === 'legacy';
  const restore = restoreFor(step, known, toLegacy);
  const event = {
    ...eventFor(step, position, context),
    ...(restore ? { restore } : {}),
    ...(step.keptLonger ? { keptLonger: step.keptLonger } : {}),
    ...(restore && (context.overwriteDns || context.plan.overwriteDns)
      ? { overwriteDns: true as const }
      : {}),
  };
  const kept = (records: unknown) => keptRecords(hook, records, context);
  const asking = answers();
  let alone: CutoverError | undefined;
  let said: readonly string[] = [];
  const end = await tries(hook, context, async (signal) => {
    const onIntent: OnIntent = (read, wanted) => {
      known = knownAfter(known, { before: read, after: wanted });
      context.onIntent?.(kept(known.before), kept(known.after));
    };
    const moved = await asking.asked(signal, runRecords(hook, step, event, signal, onIntent));
    const ran =
      restore && backward ? await afterWayBack(hook, event, moved, signal, onIntent) : { ...moved, left: [] };
    alone = leftAlone(ran, { hook, step, restore, context });
    said = ran.notes ?? [];
    const says = recordsIn(ran.after) ?? [];
    known = knownAfter(known, { before: recordsIn(ran.before) ?? [], after: says });
    // That step is run again, or another takes its place: what is back already stays known as that.
    if (alone && toLegacy) known.after = markedSeen(known.after, says, restore ?? []);
    return known.after;
  });
  // What it could do is done and kept; what is somebody else's makes the step fail all the same.
  const error = end.error ?? alone;
  const looked =
    error === undefined && restore?.length === 0 && isDeepStrictEqual(known?.before, known?.after);
  const notes = [...said, ...(looked ? [LOOKED] : [])];
  const after = end.value ?? known?.after ?? null;
  return asking.noted(endOf({ ...end, error }, known?.before ?? null, after, context, { notes, kept }));
}

const LOOKED = 'nothing to put back here: looked, wrote nothing';

/** What a step has left as it is: what somebody else has changed, and what leads to the other provider. */
function leftAlone(
  { foreign = [], left }: HookResult & { left: RecordMove[] },
  {
    hook,
    step,
    restore = [],
    context: { plan },
  }: { hook: Hook; step: PlannedStep; restore: RecordMove[] | undefined; context: StepContext },
): CutoverError | undefined {
  const start = step.restore && plan.mends === undefined ? 'written' : 'found before';
  const side = plan.to.activeProvider;
  const config = { side, sets: hook.expected?.(side) ?? [] };
  const error = foreign.length > 0 ? foreignRecords(foreign, restore, start, config) : undefined;
  const beside = left.length > 0 ? leftAstray(left, side) : undefined;
  if (!error || !beside) return error ?? beside;
  return new CutoverError(error.code, error.exitCode, `${error.message}; ${beside.message}`, {
    hint: error.hint,
  });
}

function earlierIn(found: StepContext['found']): FoundAndWritten | null {
  const [before, after] = [recordsIn(found?.before), recordsIn(found?.after)];
  return before && after ? { before, after } : null;
}

/**
 * Records are put back as they were read, and what holds a secret is not kept. On the way to target the config's value
 * for legacy stands in its place, as that is what is put back; elsewhere the step keeps none of its records then.
 */
function keptRecords(hook: Hook, records: unknown, { redact, plan }: StepContext): unknown {
  if (records === null) return null;
  const whole = storableRecords(records, redact);
  if (whole) return whole;
  const forth = plan.to.activeProvider === 'target' && !isBackward(plan.kind);
  const instead = forth ? (hook.expected?.('legacy') ?? []) : [];
  const kept = recordsIn(records)?.map((set) => storableRecords(set, redact) ?? instead.find(isOf(set)));
  return kept?.every((set) => set !== undefined) ? kept : 'not kept: a record holds a secret';
}

/**
 * Puts back what a step has written whose operation was overtaken meanwhile: whoever has taken over may have looked
 * before it was written.
 * @throws CutoverError DNS_OVERTAKEN (75) when it could not be
 */
export async function undoRecordHook(
  hook: Hook,
  step: PlannedStep,
  position: number,
  context: StepContext,
  { before, after }: StepEnd,
): Promise<void> {
  const written = earlierIn({ before, after });
  if (!written) return;
  const restore = movesBetween(written.after, written.before);
  const stuck = (why: string, cause?: unknown) =>
    new CutoverError(
      'DNS_OVERTAKEN',
      EXIT.notNow,
      `${hook.label} could not be put back: ${context.redact(why)}`,
      {
        hint: '`cutover dns diff` shows it, `cutover dns apply` writes what should be there',
        cause,
      },
    );
  const event = { ...eventFor(step, position, context), restore };
  const ran = await hook.run(event, AbortSignal.timeout(hook.timeoutMs)).catch((cause: unknown) => {
    throw stuck(messageOf(cause), cause);
  });
  // What somebody else has written since is none of ours any more; what we wrote, and could not go, is.
  const ours = (ran.foreign ?? []).filter((set) =>
    restore.some(({ from }) => isOf(set)(from) && sameRecord(set, from)),
  );
  if (ours.length > 0) throw stuck(`${describeSets(ours)} cannot go back beside another`);
}
