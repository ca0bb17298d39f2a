import { fchmodSync, fchownSync, fstatSync, openSync, type Stats, statSync } from 'node:fs';
import { CutoverError, EXIT, systemCode } from '../errors.ts';
import type { OperationKind } from '../world.ts';

const READ_BY_ALL = 0o444;
const NEW_FILE = 0o644;
const PERMISSIONS = 0o7777;

/**
 * Makes a new file that is to take the place of `path`: exclusively, through no link, and closed to others until its
 * mode is that of the old one. `like` is the old file. Without one everyone may read it, whatever the umask: a file
 * that was removed had readers, and a flag that they cannot read any more leaves them where they were.
 * @throws CutoverError FLAG_UNWRITABLE (69): a device or a pipe is no flag file, and is not replaced by one
 */
export function createLike(temporary: string, path: string): { fd: number; like: Stats | undefined } {
  const like = statSync(path, { throwIfNoEntry: false });
  if (like && !like.isFile())
    throw new CutoverError('FLAG_UNWRITABLE', EXIT.unreachable, `${path}: not an ordinary file`);
  const fd = openSync(temporary, 'wx', 0o600);
  if (!like) fchmodSync(fd, NEW_FILE);
  return { fd, like };
}

/**
 * Gives a new file the owner, group and mode of the one whose place it takes: whoever could read the flag before has
 * to see the new ratio too. Where the owner or group cannot be kept, a way back still goes on, with a file that
 * everyone may read; a forward step does not.
 * @returns what the user should know
 * @throws CutoverError FLAG_OWNER, FLAG_LINKED (69)
 */
export function keepReaders(fd: number, like: Stats, path: string, kind: OperationKind): string[] {
  if (like.nlink > 1) {
    throw new CutoverError(
      'FLAG_LINKED',
      EXIT.unreachable,
      `${path}: has other names (hard links), which a new file in its place would leave as they are`,
      { hint: 'use a symbolic link, which is followed, or one name' },
    );
  }
  keepAccessList(fd, path);
  const kept = keepOwner(fd, like);
  if (!kept && kind !== 'rollback' && kind !== 'emergency') {
    throw new CutoverError(
      'FLAG_OWNER',
      EXIT.unreachable,
      `${path}: belongs to user ${like.uid}, group ${like.gid}, and who reads it as that would lose it`,
      { hint: 'run this as that user or as root, or give the file to the user who runs it' },
    );
  }
  fchmodSync(fd, (like.mode & PERMISSIONS) | (kept ? 0 : READ_BY_ALL));
  if (kept) return [];
  return [
    `${path}: its owner (user ${like.uid}, group ${like.gid}) could not be kept; everyone may read it now`,
  ];
}

const CP = '/bin/cp';
const CP_MS = 2000;

/**
 * Gives a new file the access list (POSIX ACL) of the old one, where it has one: Node.js can neither read nor write
 * those, and the mode does not tell. Another `cp` than that of GNU does not know how, and leaves it.
 */
function keepAccessList(fd: number, path: string): void {
  if (process.platform !== 'linux') return;
  // By its descriptor, as a new file at the name of one that another writer has taken away would be put in force.
  const into = ['--attributes-only', '--preserve=mode', '--', path, '/proc/self/fd/3'];
  const { spawnSync } = process.getBuiltinModule('node:child_process');
  spawnSync(CP, into, { stdio: ['ignore', 'ignore', 'ignore', fd], timeout: CP_MS });
}

function keepOwner(fd: number, like: Stats): boolean {
  const made = fstatSync(fd);
  if (made.uid === like.uid && made.gid === like.gid) return true;
  try {
    fchownSync(fd, like.uid, like.gid);
    return true;
  } catch (error) {
    if (systemCode(error) === 'EPERM') return false;
    throw error;
  }
}
