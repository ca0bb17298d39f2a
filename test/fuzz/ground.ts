import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  lchownSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import Database from 'better-sqlite3';
import type { Installation } from '../histories/installation.ts';
import { NOBODY } from '../histories/means.ts';
import { type Base, writeBase } from './bases.ts';
import type { Places } from './mutant.ts';

/** Where the mutants of one base are tried, one after the other: a world that is made anew for each. */
export interface Ground {
  base: Base;
  places: Places;
  /** Everything as the whole migration left it; `user` owns it. */
  restore(user: 'root' | 'nobody'): void;
  /** Puts the kept code back as the build made it. */
  restoreCode(): void;
  run(args: readonly string[], user: 'root' | 'nobody'): Promise<Ran>;
}

export interface Ran {
  /** null: it did not end in time. */
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
  ms: number;
  hangs: boolean;
}

/** An emergency takes a fraction of a second, also on a busy machine. */
const LONGEST_MS = 20_000;
/** What a command may take of the memory: one that reads a device to its end must not take all. */
const MOST_BYTES = 2_000_000_000;

/** Brings a migration to 25 % by real commands, and keeps what they left behind. */
export async function prepareGround(
  base: Base,
  { dir, bin, dist }: Installation,
  users: boolean,
): Promise<Ground> {
  const all = join(dir, 'ground');
  const kept = join(dir, 'kept');
  const world = join(all, 'world');
  const code = join(dir, 'kept-code');
  mkdirSync(join(all, 'home'), { recursive: true });
  mkdirSync(join(all, 'tmp'));
  chmodSync(join(all, 'tmp'), 0o1777);
  writeBase(base, world);
  const env = {
    PATH: process.env.PATH ?? '',
    HOME: join(all, 'home'),
    TMPDIR: join(all, 'tmp'),
  };
  const run = (args: readonly string[], user: 'root' | 'nobody') =>
    runCommand(bin, args, { cwd: world, env, user });
  for (const args of [
    ['canary', 'start', '--yes'],
    ['shift', '25%', '--yes', '--force', '--reason', 'fuzz'],
  ]) {
    const { code: exit, stderr } = await run(args, 'root');
    if (exit !== 0) throw new Error(`${base.name}: cutover ${args.join(' ')}: exit ${exit}\n${stderr}`);
  }
  cpSync(all, kept, { recursive: true });
  const hasCode = existsSync(join(dist, 'code'));
  if (hasCode) cpSync(join(dist, 'code'), code, { recursive: true });
  const restore = (user: 'root' | 'nobody') => {
    rmSync(all, { recursive: true, force: true });
    cpSync(kept, all, { recursive: true });
    chmodSync(join(all, 'tmp'), 0o1777);
    if (user === 'nobody') {
      for (const name of readdirSync(all, { recursive: true, encoding: 'utf8' }))
        lchownSync(join(all, name), NOBODY, NOBODY);
    }
    base.reset();
  };
  const restoreCode = () => {
    if (hasCode) cpSync(code, join(dist, 'code'), { recursive: true });
  };
  const journal = await journalsOf(world, base, run, restore, users);
  restore('root');
  return { base, places: { world, dist, journal }, restore, restoreCode, run };
}

/** Lets emergencies journal beside the database: one in the state folder, and one where that cannot be written. */
async function journalsOf(
  world: string,
  base: Base,
  run: Ground['run'],
  restore: Ground['restore'],
  users: boolean,
): Promise<Places['journal']> {
  const sideFile = async (user: 'root' | 'nobody') => {
    const { stdout } = await run(['rollback', '--emergency', '--json'], user);
    return stdout === '' ? null : (JSON.parse(stdout) as { sideFile: string | null }).sideFile;
  };
  const state = join(world, base.state);
  restore('root');
  const holder = new Database(join(state, 'state.db'));
  holder.exec('BEGIN EXCLUSIVE');
  const path = await sideFile('root');
  holder.close();
  if (path === null) throw new Error(`${base.name}: the emergency was not journaled beside the database`);
  const text = readFileSync(path, 'utf8');
  restore('root');
  rmSync(state, { recursive: true });
  writeFileSync(state, 'no folder');
  const ofRoot = await sideFile('root');
  if (ofRoot !== null || !users) return { path, elsewhere: ofRoot ?? path, text };
  // Where root found no place, that of another user tells where such journals lie.
  restore('nobody');
  execFileSync('chown', ['-R', 'root:root', state]);
  chmodSync(state, 0o555);
  return { path, elsewhere: (await sideFile('nobody')) ?? path, text };
}

/** Runs the built command as a user; ends it with all it started when it takes too long. */
function runCommand(
  bin: string,
  args: readonly string[],
  { cwd, env, user }: { cwd: string; env: Record<string, string>; user: 'root' | 'nobody' },
): Promise<Ran> {
  return new Promise((resolve, reject) => {
    const began = performance.now();
    // Only root can make what has no end.
    const bounded = process.getuid?.() === 0 ? ['prlimit', `--data=${MOST_BYTES}`] : [];
    const [file = '', ...rest] = [...bounded, process.execPath, bin, ...args];
    const child = spawn(file, rest, {
      cwd,
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
      ...(user === 'nobody' ? { uid: NOBODY, gid: NOBODY } : {}),
    });
    let stdout = '';
    let stderr = '';
    let hangs = false;
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    const timer = setTimeout(() => {
      hangs = true;
      killGroup(child);
    }, LONGEST_MS);
    child.on('error', reject);
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      resolve({ code, signal, stdout, stderr, ms: performance.now() - began, hangs });
    });
  });
}

function killGroup({ pid }: ChildProcess): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch (error) {
    // It has ended at this very moment.
    void error;
  }
}
