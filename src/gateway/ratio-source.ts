import { type FSWatcher, watch } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { CutoverError, messageOf, systemCode } from '../errors.ts';
import { readFlag } from '../flag/flagd.ts';
import type { FlagSource } from '../router/router.ts';
import { keepDescriptor, outOfDescriptors } from './spare.ts';

/** What the last look at the flag found. */
export type FlagFound = 'ratio' | 'absent' | 'disabled' | 'unreadable';

/** The ratio in force, and how well it is known. */
export interface FlagState {
  /** 0 without a flag and with one that is DISABLED; the last good one while the flag is unreadable. */
  ratio: number;
  /** Kind of the operation that wrote it, where the flag keeps it. */
  kind: string | null;
  found: FlagFound;
  /** The last look found a ratio, and was not long ago. */
  certain: boolean;
  /** When this value came into force, Unix milliseconds; null before there was any: then the ratio is 0. */
  since: number | null;
  /** When the flag was last seen to be readable, Unix milliseconds. */
  checkedAt: number | null;
  /** What is wrong with the flag now. */
  problem: string | null;
}

export interface RatioSource extends FlagSource {
  state(): FlagState;
  close(): void;
}

export interface FlagFileOptions {
  path: string;
  key: string;
  /** Milliseconds between looks at the file; notices of the system come sooner where there are any. */
  pollMs?: number;
  now(): number;
  onRatio(from: number, to: number): void;
  /** Is told once of each problem with the file, and once when it is over. */
  onNote(text: string): void;
}

/** Milliseconds after which what is known of the flag is no longer fresh: a request waits for a look of its own. */
const FRESH_MS = 500;
/** A look that takes longer is not waited for; the last one stays in force. */
const LOOK_MS = 1000;
/** After so long without a look that ended, the flag is not certain. */
const BLIND_MS = 5000;
/** A file that was changed less than this before it was read may change again without a new time. */
const RACY_MS = 1000;

/**
 * Follows the ratio in a flagd flag file. The folder is watched, as a file that is replaced by renaming would be lost
 * from sight; a poll stands behind it for file systems without notices. Resolves when the file has been read once.
 */
export async function watchFlagFile(options: FlagFileOptions): Promise<RatioSource> {
  const { path, key, now, pollMs = 250 } = options;
  const listeners: ((flag: FlagState) => void)[] = [];
  const spare = keepDescriptor();
  let state: FlagState = {
    ratio: 0,
    kind: null,
    found: 'absent',
    certain: false,
    since: null,
    checkedAt: null,
    problem: null,
  };
  let fingerprint = '';
  /** The problem that was told last. */
  let said: string | null = null;
  /** When the last look that has ended began, by a clock that never goes back. */
  let lookedAt = Number.NEGATIVE_INFINITY;
  let looking: Promise<void> | undefined;
  let lookingSince = 0;
  let lookingAgain = false;
  let closed = false;

  function become(next: FlagState): void {
    const before = state;
    const changed = next.ratio !== before.ratio || next.kind !== before.kind;
    if (changed || (before.since === null && next.found === 'ratio')) next.since = now();
    state = next;
    if (next.ratio !== before.ratio) options.onRatio(before.ratio, next.ratio);
    if (changed || next.certain !== before.certain) for (const listener of listeners) listener(next);
  }

  function accept(ratio: number, kind: string | null): void {
    if (said !== null && state.since !== null) options.onNote(`flag ${path}: readable again`);
    said = null;
    become({ ...state, ratio, kind, found: 'ratio', certain: true, checkedAt: now(), problem: null });
  }

  function refuse(found: 'absent' | 'disabled' | 'unreadable', problem: string): void {
    const kept = found === 'unreadable' && state.since !== null;
    if (problem !== said) {
      const then = kept ? 'the ratio in force stays' : 'everything goes to legacy';
      options.onNote(`flag ${path}: ${problem}; ${then}`);
    }
    said = problem;
    // Before a migration there is no flag, and nothing is wrong with that.
    const told = found === 'absent' && state.since === null ? null : problem;
    const inForce = kept ? { ratio: state.ratio, kind: state.kind } : { ratio: 0, kind: null };
    become({ ...state, ...inForce, found, certain: false, problem: told });
  }

  async function look(force: boolean): Promise<void> {
    try {
      const file = await stat(path, { bigint: true });
      const seen = `${file.mtimeNs}/${file.ctimeNs}/${file.ino}/${file.size}`;
      if (!force && seen === fingerprint) {
        if (state.found === 'ratio') state = { ...state, checkedAt: now() };
        return;
      }
      if (!file.isFile()) return refuse('unreadable', 'not a file');
      const text = await readFile(path, 'utf8').catch((error: unknown) => {
        if (outOfDescriptors(error)) return spare.read(path);
        throw error;
      });
      const racy = Date.now() - Number(file.ctimeMs) < RACY_MS;
      fingerprint = racy ? '' : seen;
      const { ratio, kind } = readFlag(JSON.parse(text), key);
      accept(ratio, kind);
    } catch (error) {
      if (systemCode(error)) fingerprint = '';
      refuse(foundBy(error), systemCode(error) === 'ENOENT' ? 'no such file' : messageOf(error));
    }
  }

  /** One look at a time; a notice that comes during one is followed by another, and both are one to whoever waits. */
  function check(force: boolean): Promise<void> {
    lookingAgain ||= force;
    looking ??= (async () => {
      for (let forced = force; ; forced = true) {
        lookingAgain = false;
        lookingSince = performance.now();
        await look(forced);
        lookedAt = lookingSince;
        if (!lookingAgain || closed) break;
      }
      looking = undefined;
    })();
    return looking;
  }

  function current(): FlagState {
    const blind = performance.now() - lookedAt;
    if (blind <= BLIND_MS) return state;
    const problem = `it could not be looked at for ${Math.round(blind / 1000)} s`;
    return { ...state, certain: false, problem: state.problem ?? problem };
  }

  await check(true);
  const timer = setInterval(() => void check(false), pollMs);
  const watcher = watchFolder(path, () => void check(true));

  return {
    state: current,
    async fresh() {
      if (looking || performance.now() - lookedAt > FRESH_MS) {
        const look = check(false);
        await within(LOOK_MS - (performance.now() - lookingSince), look);
      }
      return current();
    },
    onChange: (listener) => void listeners.push(listener),
    close() {
      closed = true;
      clearInterval(timer);
      watcher?.close();
      spare.close();
    },
  };
}

/** What an error of reading the flag says of it. */
function foundBy(error: unknown): 'absent' | 'disabled' | 'unreadable' {
  const code = error instanceof CutoverError ? error.code : systemCode(error);
  if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'FLAG_NOT_FOUND') return 'absent';
  return code === 'FLAG_DISABLED' ? 'disabled' : 'unreadable';
}

/** Waits for something that never fails, but not longer than so many milliseconds. */
async function within(ms: number, work: Promise<void>): Promise<void> {
  if (ms <= 0) return;
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  await Promise.race([work, late]);
  clearTimeout(timer);
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
