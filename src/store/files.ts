import {
  accessSync,
  chmodSync,
  closeSync,
  constants,
  existsSync,
  mkdirSync,
  openSync,
  readlinkSync,
  rmdirSync,
  statSync,
  unlinkSync,
} from 'node:fs';
import { dirname, resolve } from 'node:path';
import { CutoverError, EXIT, systemCode } from '../errors.ts';

/** New files in the folder belong to its group too (the set-group-ID bit): SQLite makes two beside the database. */
const MODES = { private: { folder: 0o700, file: 0o600 }, shared: { folder: 0o2750, file: 0o640 } };

/**
 * Makes the folder and an empty database where there are none: private, or readable by `group`. What is there already
 * is only ever tightened, and not touched at all when it is tight enough or nothing is asked (`group` undefined).
 * @returns what the user should know: whoever could read it by a mode that was set by hand cannot any more
 * @throws CutoverError STATE_GROUP (78), or the system's own.
 */
export function prepareFiles(stateDir: string, path: string, group: string | null | undefined): string[] {
  const modes = group ? MODES.shared : MODES.private;
  mkdirSync(dirname(stateDir), { recursive: true, mode: group ? 0o755 : 0o700 });
  if (make(() => mkdirSync(stateDir, { mode: 0o700 }))) {
    share(stateDir, modes.folder, group, () => rmdirSync(stateDir));
  }
  if (make(() => closeSync(openSync(path, 'wx', 0o600)))) {
    share(path, modes.file, group, () => unlinkSync(path));
  } else if (group !== undefined) {
    return tighten(path, modes.file);
  }
  return [];
}

function make(work: () => void): boolean {
  try {
    work();
    return true;
  } catch (error) {
    if (systemCode(error) === 'EEXIST') return false;
    throw error;
  }
}

/** What the user of this process may not do with a database; null when the system would let it, or there is none. */
export function deniedAt(path: string): 'read' | 'write' | null {
  if (isDenied(path, constants.R_OK)) return 'read';
  // SQLite makes two files beside it.
  return isDenied(path, constants.W_OK) || isDenied(dirname(path), constants.W_OK) ? 'write' : null;
}

function isDenied(path: string, mode: number): boolean {
  try {
    accessSync(path, mode);
    return false;
  } catch (error) {
    return ['EACCES', 'EPERM'].includes(systemCode(error) ?? '');
  }
}

/** Whether what is at `path` can be written by nobody: its file system is read-only. */
export function isReadOnly(path: string): boolean {
  try {
    accessSync(path, constants.W_OK);
    return false;
  } catch (error) {
    return systemCode(error) === 'EROFS';
  }
}

/**
 * The link that is in the way to `path` as it leads nowhere, to a volume that is not mounted say, and where it leads;
 * null when there is none.
 */
export function brokenLink(path: string): { at: string; to: string } | null {
  const to = leadsNowhere(path);
  if (to !== null) return { at: path, to };
  const above = dirname(path);
  return above === path ? null : brokenLink(above);
}

function leadsNowhere(path: string): string | null {
  try {
    const to = resolve(dirname(path), readlinkSync(path));
    return existsSync(path) ? null : to;
  } catch (error) {
    // No link, or nothing that this user may look at.
    void error;
    return null;
  }
}

/** Modes are the owner's business: whoever else may write here goes by them as they are. */
function mayChange(uid: number): boolean {
  const me = process.geteuid?.();
  return me === 0 || me === uid;
}

function tighten(path: string, asked: number): string[] {
  const { mode: bits, uid } = statSync(path);
  const mode = bits & 0o777;
  const tight = mode & asked;
  if (mode === tight || !mayChange(uid)) return [];
  chmodSync(path, tight);
  const octal = (each: number) => each.toString(8).padStart(4, '0');
  const shared = asked === MODES.shared.file;
  const who = shared ? 'all but its owner and its group' : 'all but its owner';
  const meant = shared ? '' : '; for a group that is to read it: `state: { path, group }` in the config';
  return [`${path}: closed again to ${who} (${octal(mode)} → ${octal(tight)})${meant}`];
}

/** Gives what was just made to the group; where that fails it is removed again, so that nothing half-shared stays. */
function share(path: string, mode: number, group: string | null | undefined, undo: () => void): void {
  if (!group) return;
  // Loaded here: an emergency, whose start is counted, comes by without needing it.
  const { spawnSync } = process.getBuiltinModule('node:child_process');
  const { status, stderr, error } = spawnSync('chgrp', ['--', group, path], { encoding: 'utf8' });
  if (status === 0) {
    chmodSync(path, mode);
    return;
  }
  undo();
  const why = error ? error.message : stderr.trim();
  throw new CutoverError(
    'STATE_GROUP',
    EXIT.config,
    `${path} cannot be given to the group ${group}: ${why}`,
    {
      hint: 'name a group of this system (config key state.group) that whoever runs this belongs to',
      cause: error,
    },
  );
}
