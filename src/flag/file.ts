import {
  closeSync,
  constants,
  copyFileSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  readdirSync,
  readlinkSync,
  realpathSync,
  renameSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import { CutoverError, EXIT, messageOf, systemCode } from '../errors.ts';
import { readOrdinaryFile } from '../files.ts';
import { createLike, keepReaders } from './access.ts';
import type { FlagChange, FlagDriver, FlagReading } from './driver.ts';
import { flagSet, readFlag } from './flagd.ts';
import { assertRead, withoutRefused } from './readers.ts';
import { canBeExceeded } from './token.ts';

/** Marks the temporary files of a write: NAME.cutover-TOKEN-PID.tmp beside the flag file. */
const TEMPORARY = /\.cutover-(\d+)-\d+\.tmp$/;

/**
 * The flagd flag set in a file. A write is a new file renamed over the old one, so that a reader sees the old
 * flags or the new ones, never half of each.
 *
 * Fencing without a lock that could block an emergency: every write carries its operation's token in the flag's
 * metadata. A writer makes its temporary file, then reads the token in force, then renames; one that finds a
 * greater token stops. A winner renames first, then removes the temporary files of lower tokens, then reads
 * back: an older writer that had passed its check before either lost its temporary file, and its rename fails,
 * or had renamed already, and the read-back sees that and writes again.
 */
export function fileFlag(path: string, key: string, configDir: string): FlagDriver {
  return {
    driver: 'file',
    label: `file ${relative(configDir, path) || path}`,
    timeoutMs: 10_000,
    retries: 1,
    fences: true,
    get: async () => readFlagFile(path, key),
    set: async (change) => writeFlagFile(path, key, change),
  };
}

/**
 * What the flag file says; null when there is no file or no such flag yet.
 * @throws CutoverError FLAG_INVALID, FLAG_DISABLED (65), FLAG_UNREADABLE (69).
 */
export function readFlagFile(path: string, key: string): FlagReading | null {
  const document = readDocument(path);
  if (document === undefined) return null;
  assertRead(document, key);
  try {
    return readFlag(document, key);
  } catch (error) {
    if (error instanceof CutoverError && error.code === 'FLAG_NOT_FOUND') return null;
    throw error;
  }
}

const isBackward = (kind: FlagChange['kind']) => kind === 'rollback' || kind === 'emergency';

const MAX_ROUNDS = 20;
/** Longer than any flag set of a team. */
const MAX_BYTES = 16_000_000;

/**
 * Writes the ratio and returns when the file says so, with what the user should know of its mode and owner.
 * @throws CutoverError FENCED (75) when the file carries a greater token; FLAG_UNWRITABLE, FLAG_OWNER (69).
 */
export function writeFlagFile(path: string, key: string, change: FlagChange): string[] {
  const real = realPath(path);
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const notes = replaceFile(real, key, change);
    if (!notes) continue;
    removeOlderTemporaries(real, change.token);
    const now = readFlagFile(real, key);
    if (now?.token === change.token && now.operation === change.operation) return notes;
    if (now && outranks(now, change)) throw fenced(path, now);
  }
  throw new CutoverError('FLAG_CONTESTED', EXIT.unreachable, `${path}: other processes keep rewriting it`, {
    hint: 'find out what else writes this file',
  });
}

/** One try: temporary file, check of the token in force, rename. Undefined when another writer took the file away. */
function replaceFile(path: string, key: string, change: FlagChange): string[] | undefined {
  const temporary = join(dirname(path), `${basename(path)}.cutover-${change.token}-${process.pid}.tmp`);
  try {
    const { text, lost } = render(path, key, change);
    removeQuietly(temporary);
    const { fd, like } = createLike(temporary, path);
    let notes: string[];
    try {
      if (like && like.nlink > 1 && isBackward(change.kind)) return inPlace(path, key, change, temporary);
      notes = like ? keepReaders(fd, like, path, change.kind) : [];
      writeFileSync(fd, text);
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    const inForce = tryRead(path, key);
    if (inForce && outranks(inForce, change)) {
      throw fenced(path, inForce);
    }
    const kept = lost === undefined ? [] : [keepOld(path, change, lost)];
    renameSync(temporary, path);
    syncFolder(path);
    return [...notes, ...kept];
  } catch (error) {
    const code = systemCode(error);
    if (code === 'ENOENT' && folderExists(path)) return undefined;
    removeQuietly(temporary);
    if (error instanceof CutoverError) throw error;
    if (change.kind === 'emergency') {
      return overwrite(path, key, change);
    }
    throw new CutoverError('FLAG_UNWRITABLE', EXIT.unreachable, `${path}: ${messageOf(error)}`, {
      cause: error,
    });
  }
}

/** Other names of the file are read too: a new file in its place would leave them as they were. */
function inPlace(path: string, key: string, change: FlagChange, temporary: string): string[] {
  removeQuietly(temporary);
  const inForce = tryRead(path, key);
  if (inForce && outranks(inForce, change)) throw fenced(path, inForce);
  const lost = overwrite(path, key, change);
  return [`${path}: has other names (hard links), so it was written in place`, ...lost];
}

/**
 * The way of an emergency when no new file can be made: writes into the blocks the old file has. The text is
 * padded with spaces to the old length and is valid JSON as soon as it is written; not atomic, but there.
 */
function overwrite(path: string, key: string, change: FlagChange): string[] {
  try {
    const fd = openSync(path, 'r+');
    try {
      const { document, lost } = tryDocument(path, key);
      const text = Buffer.from(JSON.stringify(flagSet(key, change.ratio, change, document)));
      const kept = lost === undefined ? [] : [keepOld(path, change, lost)];
      const old = fstatSync(fd).size;
      const padded = Buffer.concat([text, Buffer.alloc(Math.max(0, old - text.length), ' ')]);
      writeFileSync(fd, padded);
      ftruncateSync(fd, padded.length);
      syncIfPossible(fd);
      return kept;
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    throw new CutoverError('FLAG_UNWRITABLE', EXIT.unreachable, `${path}: ${messageOf(error)}`, {
      cause: error,
    });
  }
}

/** Readers see what was written whether or not the disk takes it: an emergency does not stop at that. */
function syncIfPossible(fd: number): void {
  try {
    fsyncSync(fd);
  } catch (error) {
    if (systemCode(error) === undefined) throw error;
  }
}

function render(path: string, key: string, change: FlagChange): { text: string; lost?: string | undefined } {
  const textOf = (existing: unknown) =>
    `${JSON.stringify(flagSet(key, change.ratio, change, existing), null, 2)}\n`;
  // Only an emergency may write over what nobody can read: it is lost to the readers already.
  if (change.kind === 'emergency') {
    const { document, lost } = tryDocument(path, key);
    return { text: textOf(document), lost };
  }
  const existing = readDocument(path);
  assertRead(existing, key);
  return { text: textOf(existing) };
}

/** Keeps the file as it was, beside the new one, when some of it is not in that. Says what became of it. */
function keepOld(path: string, { token }: FlagChange, lost: string): string {
  const copy = `${path}.cutover-kept-${token}`;
  try {
    copyFileSync(path, copy, constants.COPYFILE_EXCL);
    return `${path}: ${lost}; the file as it was is ${copy}`;
  } catch (error) {
    return `${path}: ${lost}; the file as it was could not be kept: ${messageOf(error)}`;
  }
}

function outranks(inForce: FlagReading, change: FlagChange): boolean {
  if (change.kind === 'emergency' && !canBeExceeded(inForce.token)) return false;
  return (
    inForce.token > change.token || (inForce.token === change.token && inForce.operation !== change.operation)
  );
}

function fenced(path: string, inForce: FlagReading): CutoverError {
  const by = `${inForce.kind ?? 'operation'} ${inForce.operation ?? '?'}`;
  return new CutoverError('FENCED', EXIT.notNow, `${path}: ${by} has taken over; stopped here`, {
    hint: 'see `cutover status`',
  });
}

function removeOlderTemporaries(path: string, token: number): void {
  for (const name of readdirSync(dirname(path))) {
    if (!name.startsWith(`${basename(path)}.cutover-`)) continue;
    const theirs = Number(TEMPORARY.exec(name)?.[1] ?? Number.NaN);
    if (theirs < token) removeQuietly(join(dirname(path), name));
  }
}

function removeQuietly(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if (!['ENOENT', 'EROFS', 'ENAMETOOLONG'].includes(systemCode(error) ?? '')) throw error;
  }
}

function readDocument(path: string): unknown {
  let text: string;
  try {
    text = readOrdinaryFile(path, { maxBytes: MAX_BYTES });
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw new CutoverError('FLAG_UNREADABLE', EXIT.unreachable, `${path}: ${messageOf(error)}`, {
      cause: error,
    });
  }
  if (text.trim() === '') return undefined;
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new CutoverError('FLAG_INVALID', EXIT.input, `${path}: not JSON: ${messageOf(error)}`, {
      hint: 'mend the flag file; `cutover rollback --emergency` writes it anew',
      cause: error,
    });
  }
}

/**
 * The document without what readers refuse, or undefined when it cannot be understood. For an emergency, which goes on
 * all the same. `lost` says what of the file is not in it.
 */
function tryDocument(path: string, key: string): { document: unknown; lost?: string | undefined } {
  try {
    const existing = readDocument(path);
    const { document, refused } = withoutRefused(existing, key);
    flagSet(key, 0, { token: 0, operation: '' }, document);
    if (refused.length === 0) return { document };
    const parts = refused.map(({ what, why }) => `${what} (${why})`).join(', ');
    return { document, lost: `left out ${parts}, for which readers refuse the whole file` };
  } catch (error) {
    if (!(error instanceof CutoverError)) throw error;
    return { document: undefined, lost: `written anew, as it could not be understood (${error.message})` };
  }
}

function tryRead(path: string, key: string): FlagReading | null {
  try {
    return readFlagFile(path, key);
  } catch (error) {
    if (error instanceof CutoverError) return null;
    throw error;
  }
}

/** A link stays a link: its target is what gets replaced. One that leads nowhere has readers where its target is. */
function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch (error) {
    if (systemCode(error) === 'ENOENT') {
      const leadsTo = targetOf(path);
      if (leadsTo === null) return path;
      throw new CutoverError(
        'FLAG_UNWRITABLE',
        EXIT.unreachable,
        `${path} is a link to ${leadsTo}, which is not there`,
        { hint: 'mount what it leads to, or make the file there', cause: error },
      );
    }
    throw new CutoverError('FLAG_UNREADABLE', EXIT.unreachable, `${path}: ${messageOf(error)}`, {
      cause: error,
    });
  }
}

function targetOf(path: string): string | null {
  try {
    return readlinkSync(path);
  } catch (error) {
    if (['EINVAL', 'ENOENT', 'ENOTDIR'].includes(systemCode(error) ?? '')) return null;
    throw error;
  }
}

function folderExists(path: string): boolean {
  try {
    readdirSync(dirname(path));
    return true;
  } catch {
    return false;
  }
}

/** Makes the rename itself durable. */
function syncFolder(path: string): void {
  const fd = openSync(dirname(path), 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
