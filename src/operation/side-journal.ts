import { createHash } from 'node:crypto';
import { appendFileSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { CutoverError, systemCode } from '../errors.ts';
import { appendHistory } from '../store/history.ts';
import { type Db, explainingFaults } from '../store/open.ts';
import {
  ALREADY_JOURNALED,
  beginOperation,
  type Journal,
  type JournalOptions,
  type OperationEnd,
  type StepEnd,
} from './journal.ts';
import { type Holder, holderState, releaseLease } from './lease.ts';
import type { Plan } from './plan.ts';
import type { OperationRecord } from './record.ts';

/**
 * The journal of an emergency that could not open the database: one file, one JSON line for each thing that
 * happened, appended as it happens. The next command takes it into the database and removes it.
 */
type Line =
  | { type: 'begin'; id: string; at: number; token: number; holder: Holder; plan: Plan; why: string }
  | { type: 'step'; position: number; end: StepEnd }
  | { type: 'finish'; end: OperationEnd };

const NAME = /^emergency-.*\.jsonl$/;

/** Where side files may be: the state folder, or the system's temporary one when that cannot be written. */
function folders(stateDir: string): string[] {
  const name = createHash('sha256').update(stateDir).digest('hex').slice(0, 16);
  return [stateDir, join(tmpdir(), `cutover-${name}`)];
}

/**
 * Begins a side journal. Never throws: where no file can be written the journal is kept in memory only, and
 * `sideFile` is null.
 * @param why the fault of the database
 */
export function beginSideJournal(
  stateDir: string,
  operation: OperationRecord,
  holder: Holder,
  why: string,
): Journal {
  const begin: Line = {
    type: 'begin',
    id: operation.id,
    at: operation.startedAt,
    token: operation.token,
    holder,
    plan: operation.plan,
    why,
  };
  const path = folders(stateDir)
    .map((dir) => join(dir, `emergency-${operation.id}.jsonl`))
    .find((candidate) => tryBegin(candidate, begin));
  const append = (line: Line) => {
    if (path) tryAppend(path, line);
  };
  for (const { position, ...step } of operation.steps) {
    if (step.outcome === 'done' || step.outcome === 'failed') {
      append({ type: 'step', position, end: { ...step, outcome: step.outcome, ms: step.ms ?? 0 } });
    }
  }
  return {
    operation,
    kept: path ? 'side file' : 'nowhere',
    sideFile: path ?? null,
    guard: () => {},
    stepBegins: () => {},
    stepEnds: (position, end) => append({ type: 'step', position, end }),
    finish: (end) => append({ type: 'finish', end }),
    close: () => {},
  };
}

/** A first line that does not fit must not leave half of itself behind. */
function tryBegin(path: string, line: Line): boolean {
  if (tryAppend(path, line)) return true;
  rmSync(path, { force: true });
  return false;
}

function tryAppend(path: string, line: Line): boolean {
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    appendFileSync(path, `${JSON.stringify(line)}\n`, { mode: 0o600, flush: true });
    return true;
  } catch (error) {
    // The next folder is tried; when none can be written the outcome on the screen is all there is.
    void error;
    return false;
  }
}

/**
 * Takes side journals of finished processes into the database.
 * @returns a line for the user about each
 */
export function adoptSideJournals(db: Db, stateDir: string, options: JournalOptions): string[] {
  return folders(stateDir)
    .flatMap((dir) => list(dir))
    .flatMap((path) => adopt(db, path, options));
}

function list(dir: string): string[] {
  try {
    return readdirSync(dir)
      .filter((name) => NAME.test(name))
      .sort()
      .map((name) => join(dir, name));
  } catch (error) {
    // No such folder: no side journal in it.
    void error;
    return [];
  }
}

function adopt(db: Db, path: string, options: JournalOptions): string[] {
  const lines = parseLines(tryRead(path));
  const head = lines.find((line) => line.type === 'begin');
  if (lines.length === 0) return [];
  if (!head) return [`${path}: not a whole journal of an emergency; look at it and remove it`];
  const finish = lines.findLast((line) => line.type === 'finish');
  if (!finish && holderState(head.holder) !== 'gone') return [];
  const already = new Map(
    lines.flatMap((line) => (line.type === 'step' ? [[line.position, line.end] as const] : [])),
  );
  adoptEmergency(db, head, already, finish?.end ?? null, options, head.why);
  if (db.memory) return [waiting(head.id, head.holder.actor)];
  rmSync(path, { force: true });
  return [`emergency ${head.id} of ${head.holder.actor} was taken into the journal`];
}

/** Of an emergency that was taken into a copy of the database alone, to be looked at. */
export function waiting(id: string, actor: string): string {
  return `emergency ${id} of ${actor} is not in the journal yet; \`cutover resume\` takes it in`;
}

/**
 * Journals an emergency that has happened, in one transaction; without `end` it stays unfinished, for `resume`. Of several commands that
 * find it at once one does it; returns whether it was this one.
 */
export function adoptEmergency(
  db: Db,
  emergency: { id: string; token: number; plan: Plan; holder: Holder },
  already: Map<number, StepEnd>,
  end: OperationEnd | null,
  options: JournalOptions,
  why: string,
): boolean {
  return explainingFaults(db.name, () =>
    db
      .transaction(() => {
        const journal = begin(db, emergency, already, options);
        if (!journal) return false;
        try {
          appendHistory(db, {
            at: options.now(),
            actor: emergency.holder.actor,
            event: 'emergency taken into the journal',
            operationId: emergency.id,
            detail: { why },
          });
          if (end) journal.finish(end);
          else releaseLease(db, journal.operation.token);
          return true;
        } finally {
          journal.close();
        }
      })
      .immediate(),
  );
}

function begin(
  db: Db,
  { id, token, plan }: { id: string; token: number; plan: Plan },
  already: Map<number, StepEnd>,
  options: JournalOptions,
): Journal | null {
  try {
    return beginOperation(db, plan, { id, dns: [], metrics: {}, flagToken: token, already }, options);
  } catch (error) {
    if (error instanceof CutoverError && error.code === ALREADY_JOURNALED) return null;
    throw error;
  }
}

/** Another command may have taken it in and removed it since the folder was listed. */
function tryRead(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return '';
    throw error;
  }
}

/** The whole lines; a process that died while it wrote leaves half a line at the end. */
function parseLines(text: string): Line[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .flatMap((line) => {
      try {
        return [JSON.parse(line) as Line];
      } catch (error) {
        void error;
        return [];
      }
    });
}
