import { accessSync, constants } from 'node:fs';
import { CutoverError, EXIT, messageOf, systemCode } from '../errors.ts';
import type { FlagDriver, FlagReading } from '../flag/driver.ts';
import { canBeExceeded, TOKEN_LEAP } from '../flag/token.ts';
import type { MovingStep } from '../rollback/moved.ts';
import type { Db } from '../store/open.ts';
import { beginOperation, claimOperation, resumeOperation } from './begin.ts';
import { type Execution, execute, type OperationReport } from './execute.ts';
import { sameRatio } from './flag-step.ts';
import { ALREADY_JOURNALED, type Journal, type JournalOptions, type StepEnd } from './journal.ts';
import { movingSteps } from './moving.ts';
import { findOperation, hasOperation, lastOperation } from './operations.ts';
import { overtakenBy } from './overtaken.ts';
import type { Plan } from './plan.ts';
import { newOperationId, type OperationRecord, type StepRecord } from './record.ts';
import { type Rival, rivalCommands, rivalOperations } from './rivals.ts';
import { beginSideJournal } from './side-journal.ts';
import { flagsOf, plannedDrivers, runStep } from './steps.ts';

export interface Emergency {
  execution: Execution;
  journal: JournalOptions;
  stateDir: string;
  /**
   * The plan for what the flags say; null when none can be read.
   * @param moving the DNS steps that have begun; null while the journal was not read
   */
  plan(flagRatio: number | null, moving: readonly MovingStep[] | null): Plan;
  /** Opens the database, which may fail in any way; called after the flags were set. */
  openDatabase(): Db;
  /** A copy of it as it is now, for when the other way has failed. */
  readDatabase(): Db;
  /** Told at once of each flag, before anything else is tried. */
  onFlag(label: string, end: StepEnd): void;
  /** Told why the database is left aside. */
  onDatabaseFault(error: unknown): void;
  /** Told what DNS goes by, where there is some. */
  onDns(from: DnsSource): void;
  /** Told whom the emergency waits for, when that changes. */
  onRivals(rivals: readonly Rival[]): void;
}

/** What an emergency puts DNS back by: what the journal knows of it, or the config alone. */
export type DnsSource = 'journal' | 'config';

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

/** How long a flag may take to say what it is before it is overwritten unread. */
const READ_MS = 2000;
const LOOK_MS = 100;
/** A slower writer is waited for as long as its own time allows, within these bounds. */
const WAIT_MS = { least: 3000, most: 30_000 };

/** The plan that an emergency would run now. */
export async function emergencyPlan(
  execution: Execution,
  emergency: Pick<Emergency, 'plan' | 'readDatabase'>,
): Promise<Plan> {
  const plans = await readEmergencyPlan(execution, emergency.plan);
  return planBy(plans, (see) => lookAside(emergency, see), execution).plan;
}

/** The same before the journal was read, and the token that it would run under. */
async function readEmergencyPlan(
  execution: Execution,
  plan: Emergency['plan'],
): Promise<Plans & { token: number }> {
  const readings = await Promise.all(flagsOf(execution.drivers).map((flag) => readQuietly(flag)));
  const known = readings.filter((reading) => reading !== undefined);
  const tokens = known.map((reading) => reading?.token ?? 0);
  // What cannot be read or exceeded is overwritten; the clock gives a token above all others.
  const inOrder = known.length === readings.length && tokens.every(canBeExceeded);
  const least = inOrder ? 0 : execution.clock.now();
  const ratios = known.flatMap((reading) => (reading ? [reading.ratio] : []));
  const ratio = known.length === 0 ? null : Math.max(0, ...ratios);
  return {
    plan: plan(ratio, null),
    planWith: (moving) => plan(ratio, moving),
    isKnownIn: (db) => knowsOf(db, known, ratio),
    token: Math.max(least, ...tokens.filter(canBeExceeded).map((token) => token + TOKEN_LEAP)),
  };
}

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
  const { journal, look, unseen, dns } = opened;
  emergency.onDns(dns);
  const rivals = flagsOf(execution.drivers).every(({ fences }) => fences)
    ? Promise.resolve([])
    : outlastRivals(emergency, journal.operation, look, unseen);
  const hooks = lookingAgain(journal, execution).then((looked) => execute(looked, execution));
  // Both come to their end, also when another emergency has taken over: each uses the database.
  await Promise.allSettled([hooks, rivals]);
  const [report, left] = await Promise.all([hooks, rivals]);
  const flags = await Promise.all(
    flagsOf(execution.drivers).map((flag, position) => endOf(flag, flagEnds.get(position))),
  );
  return { report, flags, dns, rivals: left };
}

/** Undefined when the flag cannot be read in time; null when there is none. */
async function readQuietly(flag: FlagDriver, ms = READ_MS): Promise<FlagReading | null | undefined> {
  try {
    return await withTimeout(flag.get(AbortSignal.timeout(ms)), ms);
  } catch (error) {
    // Setting it tells why.
    void error;
    return undefined;
  }
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
  const longestWrite = Math.max(...flags.map(({ timeoutMs }) => timeoutMs));
  const started = execution.clock.now();
  const longest = Math.min(Math.max(own, WAIT_MS.least), WAIT_MS.most);
  for (let told = ''; ; ) {
    const now = execution.clock.now();
    const watch = { now, lookedMs: now - started, writeMs: longestWrite };
    const operations = look((db) => rivalOperations(db, operation.id, watch));
    const rivals = operations && [
      ...operations,
      ...flags.flatMap((flag) => rivalCommands(flag, operation.id)),
      ...(unseen === null ? [] : [unseen]),
    ];
    for (const flag of flags) await keepAtZero(flag, operation);
    // For one that cannot be seen to end there is nothing to wait for but a write that is under way already.
    const patience = rivals?.every((rival) => rival === unseen) ? WAIT_MS.least : longest;
    if (!rivals || rivals.length === 0 || execution.clock.now() >= started + patience) return rivals;
    if (rivals.join() !== told) emergency.onRivals(rivals);
    told = rivals.join();
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

interface Begun {
  id: string;
  token: number;
  startedAt: number;
  flagEnds: Map<number, StepEnd>;
}

/** A look at other operations; null when they cannot be seen. */
type Look = <T>(see: (db: Db) => T) => T | null;

interface Opened {
  journal: Journal;
  look: Look;
  /** Who may still begin an operation that was decided before: the lease could not be taken. */
  unseen: Rival | null;
  dns: DnsSource;
}

/** The plan without the journal, and what it becomes by it. Only its DNS steps differ, which come after the flags. */
interface Plans {
  plan: Plan;
  planWith(moving: readonly MovingStep[]): Plan;
  /** Whether a journal knows of what the flags said. */
  isKnownIn(db: Db): boolean;
}

function openJournal(emergency: Emergency, plans: Plans, begun: Begun): Opened {
  let db: Db | undefined;
  try {
    const opened = emergency.openDatabase();
    db = opened;
    const known = planBy(plans, (see) => see(opened), emergency.execution);
    const journal = beginOrGoOn(opened, emergency.journal, known.plan, begun);
    return { journal, look: (see) => see(opened), unseen: null, dns: known.dns };
  } catch (error) {
    db?.close();
    emergency.onDatabaseFault(error);
    const known = planBy(plans, (see) => lookAside(emergency, see), emergency.execution);
    const operation = operationWithoutDatabase(emergency, known.plan, begun);
    const why = messageOf(error);
    const journal = beginSideJournal(emergency.stateDir, operation, emergency.journal, why);
    return {
      journal,
      look: (see) => lookAside(emergency, see),
      unseen: othersMayBegin(error, emergency.stateDir),
      dns: known.dns,
    };
  }
}

function planBy(
  { plan, planWith, isKnownIn }: Plans,
  look: Look,
  { drivers }: Execution,
): { plan: Plan; dns: DnsSource } {
  try {
    const moving = look((db) => (isKnownIn(db) ? movingSteps(db, plannedDrivers(drivers).dns) : null));
    if (moving) return { plan: planWith(moving), dns: 'journal' };
  } catch (error) {
    // What keeps the journal from being read must not keep anything from being set: the config tells then.
    void error;
  }
  return { plan, dns: 'config' };
}

/**
 * Whether a journal tells what was moved. One that is empty though requests go to target, or that does not know the
 * operation whose mark a flag carries, is that of another folder, or an old copy: what it does not tell of may stand
 * on target. An emergency moves nothing there, so one that is missing is no matter.
 */
function knowsOf(db: Db, readings: readonly (FlagReading | null)[], ratio: number | null): boolean {
  const marks = readings.flatMap((reading) =>
    reading?.operation?.startsWith('op-') && reading.kind !== 'emergency' ? [reading.operation] : [],
  );
  if (marks.some((mark) => !hasOperation(db, mark))) return false;
  return (ratio ?? 0) === 0 || lastOperation(db) !== null;
}

/** Where nobody at all can write the database, nobody begins anything; elsewhere whoever can may be about to. */
function othersMayBegin(fault: unknown, stateDir: string): Rival | null {
  const code = fault instanceof CutoverError ? fault.code : null;
  if (code === 'STATE_LOCKED') return 'whoever has locked the database';
  if (code === 'STATE_CORRUPT') return null;
  const system = systemCode(fault instanceof Error ? fault.cause : fault);
  if (system === 'SQLITE_FULL' || system === 'ENOSPC' || isReadOnly(stateDir)) return null;
  return 'whoever can write the database, which this process cannot,';
}

/** Whether the file system can be written by nobody. */
function isReadOnly(path: string): boolean {
  try {
    accessSync(path, constants.W_OK);
    return false;
  } catch (error) {
    return systemCode(error) === 'EROFS';
  }
}

/** What can be seen of others while the database cannot be written: it is read anew for each look. */
function lookAside<T>(emergency: Pick<Emergency, 'readDatabase'>, see: (db: Db) => T): T | null {
  try {
    const db = emergency.readDatabase();
    try {
      return see(db);
    } finally {
      db.close();
    }
  } catch (error) {
    // Then nobody can say who else is at the flag, and the emergency does not say that it is safe.
    void error;
    return null;
  }
}

/** A command that ran in between may have found the flag's mark and journaled this emergency already. */
function beginOrGoOn(db: Db, options: JournalOptions, plan: Plan, { id, token, flagEnds }: Begun): Journal {
  try {
    const beginning = { id, dns: [], metrics: {}, flagToken: token, already: flagEnds };
    return beginOperation(db, plan, beginning, options);
  } catch (error) {
    if (!(error instanceof CutoverError) || error.code !== ALREADY_JOURNALED) throw error;
    claimOperation(db, id, options.holder.actor, plan.reason);
    return resumeOperation(db, findOperation(db, id), options, { force: true, atLeast: token });
  }
}

function operationWithoutDatabase(emergency: Emergency, plan: Plan, begun: Begun): OperationRecord {
  const steps = plan.steps.map(
    (step, position): StepRecord => ({
      position,
      ...step,
      outcome: 'pending',
      attempts: 0,
      ms: null,
      before: null,
      after: null,
      error: null,
      ...begun.flagEnds.get(position),
    }),
  );
  return {
    id: begun.id,
    kind: 'emergency',
    token: begun.token,
    actor: emergency.execution.actor,
    plan,
    checkpointId: null,
    startedAt: begun.startedAt,
    finishedAt: null,
    outcome: null,
    applied: false,
    open: true,
    steps,
  };
}

async function withTimeout<T>(work: Promise<T>, ms: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(
      () => reject(new CutoverError('TIMEOUT', EXIT.unreachable, `no answer within ${ms} ms`)),
      ms,
    );
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
