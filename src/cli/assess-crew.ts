import { closeSync, existsSync, openSync, readSync, statSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { systemCode } from '../errors.ts';
import { packageRoot } from '../package-root.ts';
import { type Crew, startCrew } from '../usage/fast/crew.ts';

/** More threads take more memory, and the disk can no longer follow. */
const MAX_THREADS = 4;
/** To start a worker takes as long as to read so many bytes. */
export const MIN_BYTES = 16 * 1024 * 1024;
/** With one of these a log is read in order, or not at all. */
const NEEDS_NONE = ['--dedupe', '--rejects', '--source', '--list-formats', '--suggest-map', '--help', '-h'];

/** As much of a file is looked at: the first line of a log is nearly always shorter. */
const FIRST_BYTES = 4096;

/** The threads for these files, started; undefined where none is large enough for them, or such as they read. */
export function assessCrew<T>(paths: readonly (string | undefined)[]): Crew<T> | undefined {
  if (!paths.some((path) => path !== undefined && isForThreads(path))) return undefined;
  const entry = join(packageRoot(), 'dist', 'assess-worker.cjs');
  // From source there is no worker: then this thread is the only one.
  const workers = existsSync(entry) ? Math.min(availableParallelism(), MAX_THREADS) - 1 : 0;
  return startCrew(pathToFileURL(entry), workers);
}

/**
 * The threads for a command line that has not been parsed yet, so that they start while the command is loaded. It looks
 * at the words alone: what they turn out to mean, they are not needed for more than speed.
 */
export function crewAhead<T>(words: readonly string[], cwd: string): Crew<T> | undefined {
  if (words.some((word) => NEEDS_NONE.includes(word.replace(/=.*/s, '')))) return undefined;
  return assessCrew(words.map((word) => resolve(cwd, word)));
}

/** A large log of the native format by its first bytes: for no other are there threads, and each takes its memory. */
function isForThreads(path: string): boolean {
  try {
    const found = statSync(path);
    if (!found.isFile() || found.size < MIN_BYTES) return false;
    const file = openSync(path, 'r');
    try {
      const start = Buffer.alloc(FIRST_BYTES);
      const text = start.toString('latin1', 0, readSync(file, start));
      return text.includes('{') && text.includes('"input_tokens"');
    } finally {
      closeSync(file);
    }
  } catch (error) {
    // No file, or none that can be looked at: the command itself says so, where the word was meant as one.
    if (systemCode(error) === undefined) throw error;
    return false;
  }
}
