import { CutoverError, EXIT, messageOf } from '../errors.ts';
import type { FlagDriver } from '../flag/driver.ts';
import type { Hooks } from '../hooks/create.ts';
import type { HookEvent } from '../hooks/hook.ts';
import { storable, storableRecords } from '../output/storable.ts';
import { attempt } from './attempt.ts';
import type { StepEnd } from './journal.ts';
import type { Plan, PlannedDrivers, PlannedStep } from './plan.ts';

/** The drivers of a config: what steps act on. */
export interface Drivers extends Hooks {
  flag: FlagDriver;
  /** Other flags that traffic may follow: a way back sets them all, a way forward none of them. */
  otherFlags?: readonly FlagDriver[];
}

/** All flags of these, the one of the config first. */
export function flagsOf({ flag, otherFlags = [] }: Drivers): FlagDriver[] {
  return [flag, ...otherFlags];
}

/** What a step needs to know of the operation it belongs to. */
export interface StepContext {
  migration: string;
  operation: { id: string; token: number };
  actor: string;
  plan: Plan;
  /** What the steps before it came to. */
  earlier: HookEvent['steps'];
  undo: string;
  /** Unix milliseconds; no new try begins after it. */
  deadline: number;
  clock: { now(): number; random(): number };
  /** Takes secrets out of messages before they are kept. */
  redact(text: string): string;
}

/** The drivers as the planner names them. */
export function plannedDrivers(drivers: Drivers): PlannedDrivers {
  const named = (kind: PlannedStep['kind'], one: { driver: string; label: string }): PlannedStep => ({
    kind,
    driver: one.driver,
    label: one.label,
  });
  return {
    flag: named('flag', drivers.flag),
    otherFlags: drivers.otherFlags?.map((flag) => named('flag', flag)) ?? [],
    dns: drivers.dns.map((hook) => named('dns', hook)),
    notify: drivers.notify.map((hook) => named('notify', hook)),
  };
}

/** A flag store may keep fewer digits than a double; this much difference is none. */
export const RATIO_TOLERANCE = 1e-5;

/** Whether two ratios are the same to a flag store. */
export const sameRatio = (a: number, b: number): boolean => Math.abs(a - b) <= RATIO_TOLERANCE;

/** Runs one step to its end, tries included. Never throws but FENCED: what went wrong is in the result. */
export async function runStep(drivers: Drivers, position: number, context: StepContext): Promise<StepEnd> {
  const step = context.plan.steps[position] as PlannedStep;
  const started = context.clock.now();
  const notes: string[] = [];
  let before: unknown = null;
  const found = findDriver(drivers, step);
  if (found instanceof CutoverError) {
    return { outcome: 'failed', attempts: 0, ms: 0, before, after: null, error: found.message };
  }
  const result = await attempt(
    async (signal) => {
      if ('get' in found) {
        // The first reading is the one to go back to; a later try would read our own half-made change.
        before ??= await readBefore(found, context, signal);
        return setFlag(found, context, signal, notes);
      }
      const ran = await found.run(eventFor(step, position, context), signal);
      before ??= ran.before ?? null;
      return ran.after ?? null;
    },
    { timeoutMs: found.timeoutMs, retries: found.retries, deadline: context.deadline },
    context.clock,
  );
  const keep = <T>(value: T) => storable(value, context.redact);
  // Records are put back as they were read.
  const keepState = 'read' in found ? storableRecords : storable;
  const known = result.error instanceof CutoverError ? result.error : undefined;
  if (known?.code === 'FENCED') throw known;
  return {
    outcome: result.error === undefined ? 'done' : 'failed',
    attempts: result.attempts,
    ms: context.clock.now() - started,
    before: keepState(before, context.redact),
    after: result.error === undefined ? keepState(result.value, context.redact) : null,
    error: result.error === undefined ? null : keep(messageOf(result.error)),
    ...(known && { code: known.code }),
    ...(known?.hint && { hint: keep(known.hint) }),
    ...(notes.length > 0 && { notes: notes.map(keep) }),
  };
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

function findDriver(drivers: Drivers, step: PlannedStep): FlagDriver | Hooks['dns'][number] | CutoverError {
  if (step.kind === 'flag') {
    const flag = flagsOf(drivers).find(({ label }) => label === step.label);
    if (flag) return flag;
  } else {
    const hook = drivers[step.kind].find(({ label }) => label === step.label);
    if (hook) return hook;
  }
  return new CutoverError('DRIVER_GONE', EXIT.config, `${step.label} is no longer in the config`, {
    hint: 'restore it, or begin a new operation with the config as it is now',
  });
}

function eventFor(step: PlannedStep, position: number, context: StepContext): HookEvent {
  const { plan } = context;
  return {
    schemaVersion: 1,
    migration: context.migration,
    step: step.kind as 'dns' | 'notify',
    operation: { id: context.operation.id, kind: plan.kind },
    idempotencyKey: `${context.operation.id}:${position}`,
    from: plan.from,
    to: plan.to,
    provider: plan.to.activeProvider,
    reason: plan.reason,
    actor: context.actor,
    steps: context.earlier,
    undo: context.undo,
    ...restoreFor(step, plan),
    ...(plan.evidence === null || plan.evidence === undefined ? {} : { evidence: plan.evidence }),
  };
}

/** The record sets that a rollback's checkpoint kept for this hook, when its server could be read then. */
function restoreFor(step: PlannedStep, plan: Plan): Pick<HookEvent, 'restore'> {
  const records = step.kind === 'dns' && plan.dns.find(({ label }) => label === step.label)?.records;
  return records ? { restore: records } : {};
}
