import { CutoverError, messageOf, systemCode } from '../errors.ts';
import { isReadOnly } from '../store/files.ts';
import type { Db } from '../store/open.ts';
import { beginOperation, claimOperation, resumeOperation } from './begin.ts';
import { writingOn } from './database-journal.ts';
import { type DnsSource, type Look, type Plans, planBy } from './emergency-plan.ts';
import type { Execution } from './execute.ts';
import { ALREADY_JOURNALED, type Journal, type JournalOptions, type StepEnd } from './journal.ts';
import { openCalls } from './open-calls.ts';
import { findOperation } from './operations.ts';
import type { Plan } from './plan.ts';
import type { OperationRecord, StepRecord } from './record.ts';
import type { Rival } from './rival.ts';
import { beginSideJournal } from './side-journal.ts';

/** Where an emergency may be journaled. */
export interface EmergencyStore {
  execution: Execution;
  journal: JournalOptions;
  stateDir: string;
  /** Opens the database, which may fail in any way; called after the flags were set. */
  openDatabase(): Db;
  /** A copy of it as it is now, for when the other way has failed. */
  readDatabase(): Db;
  /** Told why the database is left aside. */
  onDatabaseFault(error: unknown): void;
}

export interface Begun {
  id: string;
  token: number;
  startedAt: number;
  flagEnds: Map<number, StepEnd>;
}

export interface Opened {
  journal: Journal;
  look: Look;
  /** Who may still begin an operation that was decided before: the lease could not be taken. */
  unseen: Rival | null;
  dns: DnsSource;
  /** The journal was read, and does not know what was moved. */
  stranger: boolean;
}

/** Journals an emergency whose flags were set: in the database, or beside it where that fails in whatever way. */
export function openJournal(emergency: EmergencyStore, plans: Plans, begun: Begun): Opened {
  let db: Db | undefined;
  try {
    const opened = emergency.openDatabase();
    db = opened;
    const known = planBy(plans, (see) => see(opened), emergency.execution);
    const journal = beginOrGoOn(opened, emergency.journal, known.plan, begun);
    const { dns, stranger } = known;
    return { journal, look: (see) => see(opened), unseen: null, dns, stranger };
  } catch (error) {
    db?.close();
    emergency.onDatabaseFault(error);
    const known = planBy(plans, (see) => lookAside(emergency, see), emergency.execution);
    const operation = operationWithoutDatabase(emergency, known.plan, begun);
    const why = messageOf(error);
    const journal = beginSideJournal(emergency.stateDir, operation, emergency.journal, why);
    const look: Look = (see) => lookAside(emergency, see);
    return {
      // What others have left under way can be seen beside the database, too.
      journal: {
        ...journal,
        writing: (server) => look((see) => writingOn(see, server, operation.id)),
        openCalls: (name, provider) => look((see) => openCalls(see, operation.id, name, provider)) ?? [],
      },
      look,
      unseen: othersMayBegin(error, emergency.stateDir),
      dns: known.dns,
      stranger: known.stranger,
    };
  }
}

/** Where nobody at all can write the database, nobody begins anything; elsewhere whoever can may be about to. */
function othersMayBegin(fault: unknown, stateDir: string): Rival | null {
  const code = fault instanceof CutoverError ? fault.code : null;
  if (code === 'STATE_LOCKED') return { words: 'whoever has locked the database' };
  if (code === 'STATE_CORRUPT') return null;
  const system = systemCode(fault instanceof Error ? fault.cause : fault);
  if (system === 'SQLITE_FULL' || system === 'ENOSPC' || isReadOnly(stateDir)) return null;
  return { words: 'whoever can write the database, which this process cannot,' };
}

/** What can be seen of others while the database cannot be written: it is read anew for each look. */
export function lookAside<T>(emergency: Pick<EmergencyStore, 'readDatabase'>, see: (db: Db) => T): T | null {
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

function operationWithoutDatabase(emergency: EmergencyStore, plan: Plan, begun: Begun): OperationRecord {
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
