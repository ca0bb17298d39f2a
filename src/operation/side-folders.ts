import { createHash } from 'node:crypto';
import { lstatSync, mkdirSync, type Stats, statSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';

/** Where the journal of an emergency may be kept when the database cannot be written. */
export interface SideFolder {
  path: string;
  /** Why a file found there, as it was opened, is not believed; undefined when it is. */
  refuses(stats: Stats): string | undefined;
  /** Makes the folder, for this user alone where it is new. False when it is not there or not to be trusted. */
  ready(): boolean;
}

type Env = Readonly<Record<string, string | undefined>>;

/**
 * The state folder, where the whole team looks; then one of this user's own, which outlives a restart; then one of
 * this user's own among the temporary files, where anybody could have put something first.
 */
export function sideFolders(stateDir: string, env: Env = process.env): SideFolder[] {
  const name = createHash('sha256').update(stateDir).digest('hex').slice(0, 16);
  const home = env.XDG_STATE_HOME || join(env.HOME || homedir(), '.local', 'state');
  const uid = process.geteuid?.() ?? 'user';
  return [
    stateFolder(stateDir),
    ownFolder(join(home, 'cutover', name)),
    ownFolder(join(tmpdir(), `cutover-${uid}-${name}`)),
  ];
}

/** Who may write the state folder is trusted; but a file in it is one of ours, root's or the folder's owner's. */
function stateFolder(path: string): SideFolder {
  return {
    path,
    refuses: (stats) => {
      const believed = [process.geteuid?.(), 0, statSync(path).uid];
      return believed.includes(stats.uid) ? undefined : `it belongs to user ${stats.uid}`;
    },
    ready: () => attempt(() => mkdirSync(path, { recursive: true, mode: 0o700 })),
  };
}

function ownFolder(path: string): SideFolder {
  const mine = (stats: Stats) => stats.uid === process.geteuid?.() && (stats.mode & 0o022) === 0;
  const trusted = () => {
    const stats = lstatSync(path);
    return stats.isDirectory() && mine(stats);
  };
  return {
    path,
    refuses: (stats) => (trusted() && mine(stats) ? undefined : "it is not this user's own"),
    ready: () => {
      attempt(() => mkdirSync(path, { recursive: true, mode: 0o700 }));
      return attempt(() => {
        if (!trusted()) throw new Error(`${path} is not this user's own`);
      });
    },
  };
}

/** Whether it worked; where it did not, the next folder is tried. */
function attempt(work: () => void): boolean {
  try {
    work();
    return true;
  } catch (error) {
    void error;
    return false;
  }
}
