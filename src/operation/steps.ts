import { CutoverError } from '../errors.ts';
import type { FlagDriver } from '../flag/driver.ts';
import type { Hooks } from '../hooks/create.ts';
import type { Hook } from '../hooks/hook.ts';
import { isSilent } from '../rollback/silent.ts';
import { runFlag } from './flag-step.ts';
import type { StepEnd } from './journal.ts';
import type { PlannedDrivers, PlannedStep } from './plan.ts';
import { runRecordHook, undoRecordHook } from './record-step.ts';
import { driverGone } from './run-records.ts';
import { answers, endOf, eventFor, type StepContext, tries } from './step-run.ts';

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
      timeoutMs: hook.timeoutMs,
      ...(hook.server === undefined ? {} : { server: hook.server }),
      ...(hook.receiver === undefined ? {} : { receiver: hook.receiver }),
      ...(hook.expected
        ? { sides: { legacy: hook.expected('legacy'), target: hook.expected('target') } }
        : {}),
      ...(hook.lowerTtl === undefined ? {} : { lowerTtl: hook.lowerTtl }),
    })),
    notify: drivers.notify.map((hook) => named('notify', hook)),
  };
}

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

/** What an earlier run of it found, and may have written, stays known. */
const gone = ({ code, message, hint }: CutoverError, { found, redact }: StepContext): StepEnd => ({
  outcome: 'failed',
  attempts: 0,
  ms: 0,
  before: found?.before ?? null,
  after: found?.after ?? null,
  error: redact(message),
  code,
  hint: hint && redact(hint),
});

/** How long a call whose time is over may take to end, in milliseconds. */
const CALL_ENDS_MS = 1000;

/** A hook that cannot be read, or tells people. */
async function runHook(
  hook: Hook,
  step: PlannedStep,
  position: number,
  context: StepContext,
): Promise<StepEnd> {
  let before: unknown = null;
  let call: Promise<unknown> = Promise.resolve();
  const asking = answers();
  const end = await tries(hook, context, async (signal) => {
    await call;
    if (signal.aborted) throw signal.reason;
    context.onTry?.();
    const running = asking.asked(signal, hook.run(eventFor(step, position, context), signal));
    call = running.catch(() => undefined);
    const ran = await running;
    before ??= ran.before ?? null;
    return ran.after ?? null;
  });
  // A command that took too long has a moment to end: the step has not ended before it.
  await endedOrLeft(call);
  return asking.noted(endOf(end, before, end.value ?? null, context, {}));
}

async function endedOrLeft(call: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const left = new Promise((resolve) => {
    timer = setTimeout(resolve, CALL_ENDS_MS);
  });
  await Promise.race([call, left]);
  clearTimeout(timer);
}

/** What the driver of a step gives each try, in milliseconds; undefined where the config has none any more. */
export function timeoutOf(drivers: Drivers, step: PlannedStep): number | undefined {
  const driver = findDriver(drivers, step);
  return driver instanceof CutoverError ? undefined : driver.timeoutMs;
}

function findDriver(drivers: Drivers, step: PlannedStep): FlagDriver | Hook | CutoverError {
  const called = ({ label }: { label: string }) => label === step.label;
  if (step.kind === 'flag') {
    return flagsOf(drivers).find(called) ?? driverGone(step);
  }
  if (step.kind === 'notify') return drivers.notify.find(called) ?? driverGone(step);
  const { server } = step;
  const likely = drivers.dns.filter((hook) =>
    server === undefined ? isSilent(step)(hook) : hook.server === server,
  );
  return likely.find(called) ?? likely[0] ?? driverGone(step);
}

/** The DNS steps that would fail as the config has no hook for them any more: a line for each, with what to set by hand. Pure. */
export function goneSteps(drivers: Drivers, steps: readonly PlannedStep[]): string[] {
  return steps.flatMap((step): string[] => {
    if (step.kind !== 'dns' || step.byHand) return [];
    const driver = findDriver(drivers, step);
    return driver instanceof CutoverError ? [`${driver.message}, and the step fails (exit 4)`] : [];
  });
}

/** Puts back what a step has written whose operation was overtaken. @throws CutoverError DNS_OVERTAKEN (75) */
export async function undoRecords(
  drivers: Drivers,
  position: number,
  context: StepContext,
  end: StepEnd,
): Promise<void> {
  const step = context.plan.steps[position] as PlannedStep;
  const driver = findDriver(drivers, step);
  if (driver instanceof CutoverError || 'get' in driver || !driver.read) return;
  await undoRecordHook(driver, step, position, context, end);
}
