import { CutoverError, EXIT, messageOf } from '../errors.ts';
import type { Db } from '../store/open.ts';
import { type Execution, execute, type OperationReport } from './execute.ts';
import {
  ALREADY_JOURNALED,
  beginOperation,
  type Journal,
  type JournalOptions,
  resumeOperation,
  type StepEnd,
} from './journal.ts';
import { findOperation } from './operations.ts';
import type { Plan } from './plan.ts';
import { newOperationId, type OperationRecord, type StepRecord } from './record.ts';
import { beginSideJournal } from './side-journal.ts';
import { RATIO_TOLERANCE, runStep } from './steps.ts';

export interface Emergency {
  execution: Execution;
  journal: JournalOptions;
  stateDir: string;
  /** The plan for what the flag says; null when it cannot be read. */
  plan(flagRatio: number | null): Plan;
  /** Opens the database, which may fail in any way; called after the flag was set. */
  openDatabase(): Db;
  /** Told at once when the flag says 0, before anything else is tried. */
  onFlag(end: StepEnd): void;
  /** Told why the database is left aside. */
  onDatabaseFault(error: unknown): void;
}

/**
 * An emergency's token is far above any that the lease has given out, as the lease cannot be asked; the lease goes
 * on from there.
 */
const TOKEN_LEAP = 1_000_000;
/** How long the flag may take to say what it is before it is overwritten unread. */
const READ_MS = 2000;

/** The plan that an emergency would run now, and the token it would run under. */
export async function readEmergencyPlan(
  execution: Execution,
  plan: Emergency['plan'],
): Promise<{ plan: Plan; token: number }> {
  try {
    const reading = await withTimeout(execution.drivers.flag.get(AbortSignal.timeout(READ_MS)), READ_MS);
    return { plan: plan(reading?.ratio ?? 0), token: (reading?.token ?? 0) + TOKEN_LEAP };
  } catch (error) {
    // What cannot be read is overwritten; the clock gives a token above all others.
    void error;
    return { plan: plan(null), token: execution.clock.now() };
  }
}

/**
 * Everything to legacy, now. The flag is set before anything else is opened; then the journal, in the database or
 * beside it; then DNS and notify hooks, those of a kind together. No fault of one keeps another from running.
 */
export async function runEmergency(emergency: Emergency): Promise<OperationReport> {
  const { execution } = emergency;
  const { clock } = execution;
  const startedAt = clock.now();
  const { plan, token } = await readEmergencyPlan(execution, emergency.plan);
  const id = newOperationId(startedAt, clock.random);
  const flagEnd = await setFlagFirst(execution, plan, { id, token }, emergency.journal.migration);
  emergency.onFlag(flagEnd);
  const journal = openJournal(emergency, plan, { id, token, startedAt, flagEnd });
  return execute(await lookingAgain(journal, execution), execution);
}

/**
 * Whoever held the lease has lost it by now, but may have set the flag once more before: a store that keeps no tokens
 * takes that. Then the flag is set again.
 */
async function lookingAgain(journal: Journal, execution: Execution): Promise<Journal> {
  const { operation } = journal;
  const ratio = await flagRatio(execution);
  if (ratio !== null && Math.abs(ratio - operation.plan.to.ratio) <= RATIO_TOLERANCE) return journal;
  const steps = operation.steps.map((step) =>
    step.position === 0 ? { ...step, outcome: 'pending' as const } : step,
  );
  return { ...journal, operation: { ...operation, steps } };
}

/** What the flag says; null when it says nothing in time. */
async function flagRatio({ drivers }: Execution): Promise<number | null> {
  try {
    const reading = await withTimeout(drivers.flag.get(AbortSignal.timeout(READ_MS)), READ_MS);
    return reading?.ratio ?? null;
  } catch (error) {
    // Setting it again will tell why.
    void error;
    return null;
  }
}

async function setFlagFirst(
  execution: Execution,
  plan: Plan,
  operation: { id: string; token: number },
  migration: string,
): Promise<StepEnd> {
  return runStep(execution.drivers, 0, {
    migration,
    operation,
    actor: execution.actor,
    plan,
    earlier: [],
    undo: '',
    deadline: execution.clock.now() + execution.drivers.flag.timeoutMs * 3,
    clock: execution.clock,
    redact: execution.redact,
  });
}

function openJournal(
  emergency: Emergency,
  plan: Plan,
  begun: { id: string; token: number; startedAt: number; flagEnd: StepEnd },
): Journal {
  let db: Db | undefined;
  try {
    db = emergency.openDatabase();
    return beginOrGoOn(db, emergency.journal, plan, begun);
  } catch (error) {
    db?.close();
    emergency.onDatabaseFault(error);
    const operation = operationWithoutDatabase(emergency, plan, begun);
    return beginSideJournal(emergency.stateDir, operation, emergency.journal.holder, messageOf(error));
  }
}

/** A command that ran in between may have found the flag's mark and journaled this emergency already. */
function beginOrGoOn(
  db: Db,
  options: JournalOptions,
  plan: Plan,
  { id, token, flagEnd }: { id: string; token: number; flagEnd: StepEnd },
): Journal {
  try {
    const already = new Map([[0, flagEnd]]);
    return beginOperation(db, plan, { id, dns: [], metrics: {}, flagToken: token, already }, options);
  } catch (error) {
    if (!(error instanceof CutoverError) || error.code !== ALREADY_JOURNALED) throw error;
    return resumeOperation(db, findOperation(db, id), options, { force: true, atLeast: token });
  }
}

function operationWithoutDatabase(
  emergency: Emergency,
  plan: Plan,
  begun: { id: string; token: number; startedAt: number; flagEnd: StepEnd },
): OperationRecord {
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
      ...(position === 0 ? begun.flagEnd : {}),
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
