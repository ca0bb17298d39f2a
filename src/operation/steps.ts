import { CutoverError, EXIT, messageOf } from '../errors.ts';
import type { FlagDriver } from '../flag/driver.ts';
import type { Hooks } from '../hooks/create.ts';
import type { Hook, HookEvent } from '../hooks/hook.ts';
import { storable, storableRecords } from '../output/storable.ts';
import { unnumbered } from '../rollback/dns-steps.ts';
import type { DnsRecordSet } from '../world.ts';
import { attempt } from './attempt.ts';
import type { StepEnd } from './journal.ts';
import type { Plan, PlannedDrivers, PlannedStep } from './plan.ts';
import {
  driverGone,
  type FoundAndWritten,
  foreignRecords,
  foundFirst,
  movesBetween,
  recordsIn,
  restoreFor,
  runRecords,
} from './run-records.ts';

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
  /** What the journal knows of an earlier run of this step. */
  found?: { before: unknown; after: unknown } | undefined;
  /** Records that somebody else has changed are overwritten. */
  overwriteDns?: boolean | undefined;
  /** Called before records are written, with what was found and what each is to be. @throws CutoverError FENCED */
  onIntent?: ((before: unknown, after: unknown) => void) | undefined;
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
    dns: drivers.dns.map((hook) => ({
      ...named('dns', hook),
      ...(hook.server === undefined ? {} : { server: hook.server }),
      ...(hook.expected
        ? { sides: { legacy: hook.expected('legacy'), target: hook.expected('target') } }
        : {}),
      ...(hook.lowerTtl === undefined ? {} : { lowerTtl: hook.lowerTtl }),
    })),
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
  if (step.byHand) return seenTo(step);
  const driver = findDriver(drivers, step);
  if (driver instanceof CutoverError) return gone(driver, context);
  if ('get' in driver) return runFlag(driver, context);
  return driver.read
    ? runRecordHook(driver, step, position, context)
    : runHook(driver, step, position, context);
}

function seenTo({ restore }: PlannedStep): StepEnd {
  const sets = restore?.map(({ to }) => to) ?? [];
  const notes = ['seen to by hand: not looked at'];
  return { outcome: 'done', attempts: 0, ms: 0, before: sets, after: sets, error: null, notes };
}

const gone = ({ code, message, hint }: CutoverError, { redact }: StepContext): StepEnd => ({
  outcome: 'failed',
  attempts: 0,
  ms: 0,
  before: null,
  after: null,
  error: redact(message),
  code,
  hint: hint && redact(hint),
});

async function runFlag(flag: FlagDriver, context: StepContext): Promise<StepEnd> {
  const notes: string[] = [];
  // The first reading is the one to go back to; a later try would read our own half-made change.
  let before: unknown = context.found?.before ?? null;
  const end = await tries(flag, context, async (signal) => {
    before ??= await readBefore(flag, context, signal);
    return setFlag(flag, context, signal, notes);
  });
  return endOf(end, before, end.value ?? null, context, { notes });
}

/** A hook that cannot be read, or tells people. */
async function runHook(
  hook: Hook,
  step: PlannedStep,
  position: number,
  context: StepContext,
): Promise<StepEnd> {
  let before: unknown = null;
  const end = await tries(hook, context, async (signal) => {
    const ran = await hook.run(eventFor(step, position, context), signal);
    before ??= ran.before ?? null;
    return ran.after ?? null;
  });
  return endOf(end, before, end.value ?? null, context, {});
}

/** A DNS hook that reads what it writes: what it found, and is about to write, is journaled before it is written. */
async function runRecordHook(
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
  const error = end.error ?? (foreign.length > 0 ? foreignRecords(foreign, restore ?? []) : undefined);
  const notes = [...said, ...(error === undefined && restore?.length === 0 ? [LOOKED] : [])];
  const after = end.value ?? known?.after ?? null;
  return endOf({ ...end, error }, known?.before ?? null, after, context, { notes, kept: keptRecords });
}

const LOOKED = 'this migration has moved nothing here: looked, wrote nothing';

function earlierIn(found: StepContext['found']): FoundAndWritten | null {
  const [before, after] = [recordsIn(found?.before), recordsIn(found?.after)];
  return before && after ? { before, after } : null;
}

/** Records are put back as they were read: whole, or not at all. */
function keptRecords(records: unknown, { redact }: StepContext): unknown {
  if (records === null) return null;
  return storableRecords(records, redact) ?? 'not kept: a record holds a secret';
}

interface Tried<T> {
  value?: T;
  error?: unknown;
  attempts: number;
  ms: number;
}

async function tries<T>(
  { timeoutMs, retries }: FlagDriver | Hook,
  { clock, deadline }: StepContext,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<Tried<T>> {
  const started = clock.now();
  const tried = await attempt(work, { timeoutMs, retries, deadline }, clock);
  return { ...tried, ms: clock.now() - started };
}

function endOf(
  { error, attempts, ms }: Tried<unknown>,
  before: unknown,
  after: unknown,
  context: StepContext,
  more: { notes?: readonly string[]; kept?: typeof keptRecords },
): StepEnd {
  const keep = <T>(value: T) => storable(value, context.redact);
  const kept = more.kept ?? keep;
  const known = error instanceof CutoverError ? error : undefined;
  if (known?.code === 'FENCED') throw known;
  return {
    outcome: error === undefined ? 'done' : 'failed',
    attempts,
    ms,
    before: kept(before, context),
    after: kept(after, context),
    error: error === undefined ? null : keep(messageOf(error)),
    ...(known && { code: known.code }),
    ...(known?.hint && { hint: keep(known.hint) }),
    ...(more.notes && more.notes.length > 0 && { notes: more.notes.map(keep) }),
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

function findDriver(drivers: Drivers, step: PlannedStep): FlagDriver | Hook | CutoverError {
  const called = ({ label }: { label: string }) => label === step.label;
  if (step.kind === 'flag') {
    return flagsOf(drivers).find(called) ?? driverGone(step);
  }
  if (step.kind === 'notify') return drivers.notify.find(called) ?? driverGone(step);
  const { server } = step;
  const likely = drivers.dns.filter((hook) =>
    server === undefined ? unnumbered(hook.label) === unnumbered(step.label) : hook.server === server,
  );
  return likely.find(called) ?? likely[0] ?? driverGone(step);
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
    ...(step.lowerTtl === undefined ? {} : { lowerTtl: step.lowerTtl }),
    ...(plan.evidence === null || plan.evidence === undefined ? {} : { evidence: plan.evidence }),
  };
}

/**
 * Puts back what a step has written whose operation was overtaken meanwhile: whoever has taken over may have looked
 * before it was written.
 * @throws CutoverError DNS_OVERTAKEN (75) when it could not be
 */
export async function undoRecords(
  drivers: Drivers,
  position: number,
  context: StepContext,
  { before, after }: StepEnd,
): Promise<void> {
  const step = context.plan.steps[position] as PlannedStep;
  const driver = findDriver(drivers, step);
  const written = earlierIn({ before, after });
  if (driver instanceof CutoverError || 'get' in driver || !driver.read || !written) return;
  const restore = movesBetween(written.after, written.before);
  try {
    const signal = AbortSignal.timeout(driver.timeoutMs);
    await driver.run({ ...eventFor(step, position, context), restore }, signal);
  } catch (cause) {
    throw new CutoverError(
      'DNS_OVERTAKEN',
      EXIT.notNow,
      `another operation has taken over, and ${driver.label} could not be put back: ${context.redact(messageOf(cause))}`,
      { hint: 'see `cutover dns diff`', cause },
    );
  }
}
