import { CutoverError, EXIT, messageOf } from '../errors.ts';
import type { Hook } from '../hooks/hook.ts';
import { storableRecords } from '../output/storable.ts';
import type { DnsRecordSet } from '../world.ts';
import type { StepEnd } from './journal.ts';
import type { PlannedStep } from './plan.ts';
import {
  type FoundAndWritten,
  foreignRecords,
  foundFirst,
  movesBetween,
  recordsIn,
  restoreFor,
  runRecords,
} from './run-records.ts';
import { endOf, eventFor, type StepContext, tries } from './step-run.ts';

/** A DNS hook that reads what it writes: what it found, and is about to write, is journaled before it is written. */
export async function runRecordHook(
  hook: Hook,
  step: PlannedStep,
  position: number,
  context: StepContext,
): Promise<StepEnd> {
  let known: FoundAndWritten | null = earlierIn(context.found);
  const restore = restoreFor(step, known);
  const event = {
    ...eventFor(step, position, context),
    ...(restore ? { restore } : {}),
    ...(restore && (context.overwriteDns || context.plan.overwriteDns)
      ? { overwriteDns: true as const }
      : {}),
  };
  let foreign: readonly DnsRecordSet[] = [];
  let said: readonly string[] = [];
  const end = await tries(hook, context, async (signal) => {
    const ran = await runRecords(hook, step, event, signal, (read, wanted) => {
      known = { before: foundFirst(known, read), after: wanted };
      context.onIntent?.(keptRecords(known.before, context), keptRecords(wanted, context));
    });
    foreign = ran.foreign ?? [];
    said = ran.notes ?? [];
    known = {
      before: foundFirst(known, recordsIn(ran.before) ?? []),
      after: recordsIn(ran.after) ?? [],
    };
    return known.after;
  });
  // What it could do is done and kept; what is somebody else's makes the step fail all the same.
  // Only what the journal knows to be ours to put back was written: `dns apply` and a step gone on with begin with what was found.
  const was = step.restore && context.plan.mends !== 'dns' ? 'was written' : 'was found before';
  const error = end.error ?? (foreign.length > 0 ? foreignRecords(foreign, restore ?? [], was) : undefined);
  const notes = [...said, ...(error === undefined && restore?.length === 0 ? [LOOKED] : [])];
  const after = end.value ?? known?.after ?? null;
  return endOf({ ...end, error }, known?.before ?? null, after, context, { notes, kept: keptRecords });
}

const LOOKED = 'nothing to put back here: looked, wrote nothing';

function earlierIn(found: StepContext['found']): FoundAndWritten | null {
  const [before, after] = [recordsIn(found?.before), recordsIn(found?.after)];
  return before && after ? { before, after } : null;
}

/** Records are put back as they were read: whole, or not at all. */
function keptRecords(records: unknown, { redact }: StepContext): unknown {
  if (records === null) return null;
  return storableRecords(records, redact) ?? 'not kept: a record holds a secret';
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
  try {
    await hook.run({ ...eventFor(step, position, context), restore }, AbortSignal.timeout(hook.timeoutMs));
  } catch (cause) {
    throw new CutoverError(
      'DNS_OVERTAKEN',
      EXIT.notNow,
      `another operation has taken over, and ${hook.label} could not be put back: ${context.redact(messageOf(cause))}`,
      { hint: 'see `cutover dns diff`', cause },
    );
  }
}
