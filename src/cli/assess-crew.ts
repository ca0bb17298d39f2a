import { existsSync, statSync } from 'node:fs';
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

/** The threads for files of these sizes, started; undefined where none is large enough for them. */
export function assessCrew<T>(sizes: readonly (number | undefined)[]): Crew<T> | undefined {
  if (!sizes.some((bytes = 0) => bytes >= MIN_BYTES)) return undefined;
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
  return assessCrew(words.map((word) => sizeOf(resolve(cwd, word))));
}

function sizeOf(path: string): number | undefined {
  try {
    const found = statSync(path);
    return found.isFile() ? found.size : undefined;
  } catch (error) {
    // No file, or none that can be looked at: the command itself says so, where the word was meant as one.
    if (systemCode(error) === undefined) throw error;
    return undefined;
  }
}
