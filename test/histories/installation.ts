import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** What the built command is made of. Of the one package that is not bundled only what is loaded is taken. */
const PARTS = [
  'package.json',
  'bin',
  'dist',
  'migrations',
  'node_modules/better-sqlite3/package.json',
  'node_modules/better-sqlite3/lib',
  'node_modules/better-sqlite3/build/Release/better_sqlite3.node',
  'node_modules/bindings',
  'node_modules/file-uri-to-path',
];

export interface Installation {
  /** For the worlds of a test; every user may enter it. */
  dir: string;
  /** The command. */
  bin: string;
  /** The folder of the built modules. */
  dist: string;
  /** Loaded with `--import`: stops or kills the command at one of its effects. */
  shim: string;
  remove(): void;
}

/** Copies the built command to where every user can read it, as an installed package is: a checkout may be private. */
export function install(name: string): Installation {
  const dir = mkdtempSync(join(tmpdir(), `cutover-${name}-`));
  const to = join(dir, 'installed');
  for (const part of PARTS) {
    mkdirSync(dirname(join(to, part)), { recursive: true });
    cpSync(join(ROOT, part), join(to, part), { recursive: true });
  }
  cpSync(join(ROOT, 'test/crash/shim.mjs'), join(to, 'shim.mjs'));
  execFileSync('chmod', ['-R', 'a+rX', dir]);
  return {
    dir,
    bin: join(to, 'bin', 'cutover.js'),
    dist: join(to, 'dist'),
    shim: join(to, 'shim.mjs'),
    remove: () => rmSync(dir, { recursive: true, force: true }),
  };
}
