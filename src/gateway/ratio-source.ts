import { type FSWatcher, watch } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { CutoverError, messageOf, systemCode } from '../errors.ts';
import { readFlag } from '../flag/flagd.ts';

/** The ratio in force, and how well it is known. */
export interface FlagState {
  ratio: number;
  /** Kind of the operation that wrote it, where the flag keeps it. */
  kind: string | null;
  /** When this value was first read, Unix milliseconds; null before there was any: then the ratio is 0. */
  since: number | null;
  /** When the flag was last seen to be readable, Unix milliseconds. */
  checkedAt: number | null;
  /** Why the flag cannot be read now; the last good ratio stays in force. */
  problem: string | null;
}

export interface RatioSource {
  state(): FlagState;
  close(): void;
}

export interface FlagFileOptions {
  path: string;
  key: string;
  /** Milliseconds between looks at the file; notices of the system come sooner where there are any. */
  pollMs?: number;
  now(): number;
  onChange(from: number, to: number): void;
  /** Is told once of each problem with the file, and once when it is over. */
  onNote(text: string): void;
}

/**
 * Follows the ratio in a flagd flag file. The folder is watched, as a file that is replaced by renaming would be lost
 * from sight; a poll stands behind it for file systems without notices. Resolves when the file has been read once.
 */
export async function watchFlagFile(options: FlagFileOptions): Promise<RatioSource> {
  const { path, key, now, pollMs = 500 } = options;
  let state: FlagState = { ratio: 0, kind: null, since: null, checkedAt: null, problem: null };
  let fingerprint = '';
  let checking: Promise<void> | undefined;
  /** The problem that was told last. */
  let said: string | null = null;
  let again = false;
  let closed = false;

  const accept = (ratio: number, kind: string | null) => {
    if (state.problem) options.onNote(`flag ${path}: readable again`);
    said = null;
    const before = state.ratio;
    const changed = state.since === null || ratio !== before || kind !== state.kind;
    state = { ratio, kind, since: changed ? now() : state.since, checkedAt: now(), problem: null };
    if (ratio !== before) options.onChange(before, ratio);
  };

  const refuse = (problem: string, absent: boolean) => {
    if (problem !== said) {
      const kept = state.since === null ? 'everything goes to legacy' : 'the last good ratio stays in force';
      options.onNote(`flag ${path}: ${problem}; ${kept}`);
    }
    said = problem;
    // Before a migration there is no flag, and nothing is wrong with that.
    state = { ...state, problem: absent && state.since === null ? null : problem };
  };

  async function look(force: boolean): Promise<void> {
    try {
      const { mtimeNs, ctimeNs, ino, size } = await stat(path, { bigint: true });
      const seen = `${mtimeNs}/${ctimeNs}/${ino}/${size}`;
      if (!force && seen === fingerprint) {
        if (!state.problem) state = { ...state, checkedAt: now() };
        return;
      }
      const text = await readFile(path, 'utf8');
      fingerprint = seen;
      const { ratio, kind } = readFlag(JSON.parse(text), key);
      accept(ratio, kind);
    } catch (error) {
      if (systemCode(error)) fingerprint = '';
      const missing = systemCode(error) === 'ENOENT';
      const absent = missing || (error instanceof CutoverError && error.code === 'FLAG_NOT_FOUND');
      refuse(missing ? 'no such file' : messageOf(error), absent);
    }
  }

  /** One look at a time; a notice that comes during one is followed by another. */
  const check = async (force: boolean): Promise<void> => {
    if (checking) {
      again ||= force;
      return checking;
    }
    checking = look(force);
    await checking;
    checking = undefined;
    if (again && !closed) {
      again = false;
      await check(true);
    }
  };

  await check(true);
  const timer = setInterval(() => void check(false), pollMs);
  const watcher = watchFolder(path, () => void check(true));

  return {
    state: () => state,
    close() {
      closed = true;
      clearInterval(timer);
      watcher?.close();
    },
  };
}

/** Notices where the system gives them; undefined where it does not, and then the poll is enough. */
function watchFolder(path: string, onNotice: () => void): FSWatcher | undefined {
  try {
    const name = basename(path);
    const watcher = watch(dirname(path), (_event, changed) => {
      if (changed === null || changed === name) onNotice();
    });
    watcher.on('error', () => watcher.close());
    return watcher;
  } catch {
    return undefined;
  }
}
