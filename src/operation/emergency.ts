import { CutoverError } from '../errors.ts';
import type { FlagDriver } from '../flag/driver.ts';
import { sameRatio } from '../world.ts';
import { type EmergencyStore, lookAside, openJournal } from './emergency-journal.ts';
import { type DnsSource, type Look, type PlanEmergency, readEmergencyPlan } from './emergency-plan.ts';
import { type Execution, execute, type OperationReport } from './execute.ts';
import type { Journal, StepEnd } from './journal.ts';
import { findOperation, hasOperation } from './operations.ts';
import { overtakenBy } from './overtaken.ts';
import type { Plan } from './plan.ts';
import { readQuietly } from './read-quietly.ts';
import { newOperationId, type OperationRecord } from './record.ts';
import type { Rival } from './rival.ts';
import { rivalCommands, rivalOperations, writeBounds } from './rivals.ts';
import { flagsOf, runStep } from './steps.ts';
import { stopwatch } from './stopwatch.ts';
import { uptime } from './uptime.ts';

export interface Emergency extends EmergencyStore {
  plan: PlanEmergency;
  /** Told at once of each flag, before anything else is tried. */
  onFlag(label: string, end: StepEnd): void;
  /** Told what DNS goes by, and whether that is so as the journal that is there does not know what was moved. */
  onDns(from: DnsSource, stranger: boolean): void;
  /** Told whom the emergency waits for, when that changes. */
  onRivals(rivals: readonly Rival[]): void;
}

/** What a flag says at the end. */
export interface FlagEnd {
  label: string;
  /** null: it says nothing, or cannot be read. */
  ratio: number | null;
  /** Whether it existed before: a flag that did not has no readers that anybody knows of. */
  existed: boolean;
}

/** What an emergency came to, and what its word rests on. */
export interface EmergencyEnd {
  report: OperationReport;
  flags: FlagEnd[];
  dns: DnsSource;
  /** Who may still write a flag that fences nobody; null when that could not be seen. */
  rivals: readonly Rival[] | null;
}

const LOOK_MS = 100;
/** A slower writer is waited for as long as its own time allows, within these bounds. */
const WAIT_MS = { least: 3000, most: 30_000 };

/**
 * Everything to legacy, now. The flags are set before anything else is opened; then the journal, in the database or
 * beside it; then DNS and notify hooks, those of a kind together, while a slower writer that has lost is waited for.
 * No fault of one keeps another from running.
 */
export async function runEmergency(emergency: Emergency): Promise<EmergencyEnd> {
  const { execution } = emergency;
  const startedAt = execution.clock.now();
  const { token, ...plans } = await readEmergencyPlan(execution, emergency.plan);
  const { plan } = plans;
  const id = newOperationId(startedAt, execution.clock.random);
  const flagEnds = await setFlagsFirst(emergency, plan, { id, token }).catch(async (error: unknown) => {
    if (!(error instanceof CutoverError) || error.code !== 'FENCED') throw error;
    const find = (of: string | null) =>
      of === null
        ? null
        : lookAside(emergency, (db) => (hasOperation(db, of) ? findOperation(db, of) : null));
    throw await overtakenBy({ id, token }, flagsOf(execution.drivers), find, error);
  });
  const opened = openJournal(emergency, plans, { id, token, startedAt, flagEnds });
  const { journal, look, unseen, dns, stranger } = opened;
  emergency.onDns(dns, stranger);
  let waited = false;
  const onRivals: Emergency['onRivals'] = (seen) => {
    waited = true;
    emergency.onRivals(seen);
  };
  const rivals = flagsOf(execution.drivers).every(({ fences }) => fences)
    ? Promise.resolve([])
    : outlastRivals({ ...emergency, onRivals }, journal.operation, look, unseen);
  const journalUnread = dns === 'config' && journal.kept !== 'database';
  const hooks = lookingAgain(journal, execution).then((looked) =>
    execute(looked, { ...execution, journalUnread }),
  );
  // Both come to their end, also when another emergency has taken over: each uses the database.
  await Promise.allSettled([hooks, rivals]);
  const [report, left] = await Promise.all([hooks, rivals]);
  if (waited && left?.length === 0) journal.outlasted();
  const flags = await Promise.all(
    flagsOf(execution.drivers).map((flag, position) => endOf(flag, flagEnds.get(position))),
  );
  return { report, flags, dns, rivals: left };
}

/** What could not be read may have been no flag at all: it confirms nothing. */
function wasFlag(before: unknown): boolean {
  return typeof before === 'object' && before !== null && !('error' in before);
}

async function endOf(flag: FlagDriver, end: StepEnd | undefined): Promise<FlagEnd> {
  const reading = await readQuietly(flag, flag.timeoutMs);
  return { label: flag.label, ratio: reading?.ratio ?? null, existed: wasFlag(end?.before) };
}

/**
 * Whoever held the lease has lost it by now, but may have set a flag once more before: a store that fences nobody
 * takes that. Then the flag is set again.
 */
async function lookingAgain(journal: Journal, execution: Execution): Promise<Journal> {
  const { operation } = journal;
  const readings = await Promise.all(flagsOf(execution.drivers).map((flag) => readQuietly(flag)));
  const steps = operation.steps.map((step) => {
    const reading = readings[step.position];
    const stands =
      !(step.position in readings) || (reading && sameRatio(reading.ratio, operation.plan.to.ratio));
    return stands ? step : { ...step, outcome: 'pending' as const };
  });
  return { ...journal, operation: { ...operation, steps } };
}

/** All flags at once: a store that hangs keeps no other waiting. */
async function setFlagsFirst(
  emergency: Emergency,
  plan: Plan,
  operation: { id: string; token: number },
): Promise<Map<number, StepEnd>> {
  const { execution } = emergency;
  const ends = await Promise.all(
    flagsOf(execution.drivers).map(async (flag, position): Promise<[number, StepEnd]> => {
      const end = await runStep(execution.drivers, position, {
        migration: emergency.journal.migration,
        operation,
        actor: execution.actor,
        plan,
        earlier: [],
        undo: '',
        deadline: execution.clock.now() + flag.timeoutMs * 3,
        clock: execution.clock,
        redact: execution.redact,
      });
      emergency.onFlag(flag.label, end);
      return [position, end];
    }),
  );
  return new Map(ends);
}

/**
 * Waits until nobody is left who may still write a flag for an operation that has lost, and sets the flag again
 * whenever one has. Bounded by the time that such a writer has itself.
 * @returns those who are left at the end; null when they cannot be seen
 */
async function outlastRivals(
  emergency: Emergency,
  operation: OperationRecord,
  look: Look,
  unseen: Rival | null,
): Promise<readonly Rival[] | null> {
  const { execution } = emergency;
  const flags = flagsOf(execution.drivers).filter(({ fences }) => !fences);
  const own = Math.max(...flags.map(({ timeoutMs, retries }) => timeoutMs * (retries + 1)));
  const bounds = writeBounds(flags);
  const passed = stopwatch();
  let quietSince = 0;
  const longest = Math.min(Math.max(own, WAIT_MS.least), WAIT_MS.most);
  for (let told = ''; ; ) {
    const now = passed();
    const looking = {
      ...{ now: execution.clock.now(), uptime: uptime() },
      ...{ quietMs: now - quietSince, clocksMs: Number.POSITIVE_INFINITY },
    };
    const operations = look((db) => rivalOperations(db, operation.id, bounds, looking));
    const rivals = operations && [
      ...operations,
      ...flags.flatMap((flag) => rivalCommands(flag, operation.id)),
      ...(unseen === null ? [] : [unseen]),
    ];
    if (rivals?.some((rival) => rival !== unseen && !rival.underWay)) quietSince = now;
    for (const flag of flags) await keepAtZero(flag, operation);
    // For one that cannot be seen to end there is nothing to wait for but a write that is under way already.
    const patience = rivals?.some(({ underWay }) => underWay)
      ? Math.max(longest, bounds.settlesMs + WAIT_MS.least)
      : rivals?.every((rival) => rival === unseen)
        ? WAIT_MS.least
        : longest;
    if (!rivals || rivals.length === 0 || passed() >= patience) return rivals;
    const words = rivals.map((rival) => rival.words).join();
    if (words !== told) emergency.onRivals(rivals);
    told = words;
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}

async function keepAtZero(flag: FlagDriver, { id, token, plan }: OperationRecord): Promise<void> {
  const reading = await readQuietly(flag);
  if (!reading || sameRatio(reading.ratio, plan.to.ratio)) return;
  const change = { ratio: plan.to.ratio, token, operation: id, kind: plan.kind };
  // Whether it helped is read at the end.
  await flag.set(change, AbortSignal.timeout(flag.timeoutMs)).catch(() => undefined);
}
