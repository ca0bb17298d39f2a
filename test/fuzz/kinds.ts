import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  lstatSync,
  mkdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname } from 'node:path';
import { NOBODY } from '../histories/means.ts';

/** What may stand at a path in place of the file: each is put there by this. `user` is who will read it. */
export type KindMutator = (path: string, user: 'root' | 'nobody') => void;

const instead =
  (put: (path: string) => void): KindMutator =>
  (path) => {
    rmSync(path, { recursive: true, force: true });
    put(path);
  };

/** A node of its own: through a link to the machine's own the command could harm the machine. */
const device = (minor: number) =>
  instead((path) => execFileSync('mknod', ['-m', '666', path, 'c', '1', `${minor}`]));

export const KINDS: Record<string, KindMutator> = {
  'not there': instead(() => {}),
  'a FIFO': instead((path) => execFileSync('mkfifo', ['-m', '666', path])),
  'a folder': instead((path) => mkdirSync(path)),
  'a folder that is not empty': instead((path) => {
    mkdirSync(path);
    writeFileSync(`${path}/x`, '');
  }),
  'a link to nowhere': instead((path) => symlinkSync('no-such-file', path)),
  'a link to itself': instead((path) => symlinkSync(basename(path), path)),
  'a link to the file': (path) => {
    renameSync(path, `${path}.real`);
    symlinkSync(`${basename(path)}.real`, path);
  },
  'the null device': device(3),
  'the full device': device(7),
  'the device of zeros': device(5),
  'a file that nobody may read': (path) => chmodSync(path, 0),
  'a file of another user': (path, user) => {
    const owner = user === 'root' ? NOBODY : 0;
    chownSync(path, owner, owner);
    chmodSync(path, 0o600);
  },
  'a file in a folder that nobody may enter': (path) => chmodSync(dirname(path), 0),
  'a file in what is no folder': (path) => {
    const folder = dirname(path);
    rmSync(folder, { recursive: true });
    writeFileSync(folder, 'no folder');
  },
};

/** Whether it can be read without waiting for ever. */
export function isRegular(path: string): boolean {
  try {
    return lstatSync(path).isFile();
  } catch (error) {
    // Not there.
    void error;
    return false;
  }
}
