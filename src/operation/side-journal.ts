import { closeSync, constants, fsyncSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Journal, JournalOptions, OperationEnd, StepEnd } from './journal.ts';
import type { Holder } from './lease.ts';
import { memoryOutbox } from './memory-outbox.ts';
import { notifyPosition, type PlannedStep, tellable } from './plan.ts';
import type { OperationRecord } from './record.ts';
import { sideFolders } from './side-folders.ts';
import type { Word } from './word.ts';

/**
 * The journal of an emergency that could not open the database: one file, one JSON line for each thing that
 * happened, appended as it happens. The same user's next command that can write the database takes it in and removes
 * it (adopt-side-journal.ts). It says nothing that a reader would have to believe but that everything went to legacy.
 */
export type SideLine =
  | { type: 'begin'; id: string; token: number; holder: Holder; reason: string; why: string }
  | { type: 'step'; step: Pick<PlannedStep, 'kind' | 'label' | 'server'>; end: StepEnd }
  /** This hook was told that the flags are set, before DNS had ended. */
  | { type: 'told'; label: string }
  | { type: 'finish'; outcome: OperationEnd['outcome'] };

/** While its process lives the file grows by a line break this often: its time is its heartbeat. */
const BEAT_MS = 1000;

export const sideFileName = (id: string): string => `emergency-${id}.jsonl`;

/**
 * Begins a side journal. Never throws: where no file can be written the journal is kept in memory only, and
 * `sideFile` is null.
 * @param why the fault of the database
 */
export function beginSideJournal(
  stateDir: string,
  operation: OperationRecord,
  { holder, told = [] }: Pick<JournalOptions, 'holder' | 'told'>,
  why: string,
): Journal {
  const { id, token, plan } = operation;
  const begin: SideLine = { type: 'begin', id, token, holder, reason: plan.reason, why };
  const path = sideFolders(stateDir)
    .filter((folder) => folder.ready())
    .map((folder) => join(folder.path, sideFileName(id)))
    .find((candidate) => tryBegin(candidate, begin));
  const append = (text: string) => {
    if (path) tryAppend(path, text, 0);
  };
  const outbox = memoryOutbox((label, event) => {
    // The end of the step tells of all others.
    if (event.running) append(lineOf({ type: 'told', label }));
  });
  const says = (word: Word) => outbox.put(word, tellable(plan, told), (hook) => notifyPosition(plan, hook));
  const stepEnds = (position: number, end: StepEnd, word?: Word) => {
    const { kind, label, server } = plan.steps[position] as PlannedStep;
    append(lineOf({ type: 'step', step: { kind, label, ...(server === undefined ? {} : { server }) }, end }));
    if (word) says(word);
  };
  for (const { position, outcome, attempts, ms, before, after, error } of operation.steps) {
    if (outcome !== 'done' && outcome !== 'failed') continue;
    stepEnds(position, { outcome, attempts, ms: ms ?? 0, before, after, error });
  }
  const heartbeat = setInterval(() => append('\n'), BEAT_MS).unref();
  return {
    operation,
    kept: path ? 'side file' : 'nowhere',
    sideFile: path ?? null,
    guard: () => {},
    find: () => null,
    winner: () => null,
    heldBefore: null,
    writing: () => null,
    openCalls: () => [],
    rivals: () => [],
    outlasted: () => {},
    outbox,
    says,
    stepBegins: () => {},
    stepTries: () => {},
    // Of a process that dies now this is the last word; else the step's own end comes after it.
    stepIntends: (position, before, after) =>
      stepEnds(position, { outcome: 'failed', attempts: 0, ms: 0, before, after, error: 'ended half-way' }),
    stepEnds,
    finish: ({ outcome }) => {
      clearInterval(heartbeat);
      append(lineOf({ type: 'finish', outcome }));
    },
    close: () => clearInterval(heartbeat),
  };
}

const lineOf = (line: SideLine): string => `${JSON.stringify(line)}\n`;

/** A first line that does not fit must not leave half of itself behind. */
function tryBegin(path: string, line: SideLine): boolean {
  if (tryAppend(path, lineOf(line), constants.O_CREAT | constants.O_EXCL)) return true;
  try {
    rmSync(path, { force: true });
  } catch (error) {
    // A folder that cannot be written holds no half line either.
    void error;
  }
  return false;
}

function tryAppend(path: string, text: string, flags: number): boolean {
  const { O_WRONLY, O_APPEND, O_NOFOLLOW } = constants;
  try {
    const fd = openSync(path, O_WRONLY | O_APPEND | O_NOFOLLOW | flags, 0o600);
    try {
      writeFileSync(fd, text);
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    return true;
  } catch (error) {
    // The next folder is tried; when none can be written the outcome on the screen is all there is.
    void error;
    return false;
  }
}
