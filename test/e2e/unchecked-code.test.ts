import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import module from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { cutover, makeFolder, type Ran } from './cli.ts';

/** What runs is what stands in the modules of the package: nothing that was compiled before, here or elsewhere. */

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

let installed: string;
let dir: string;
beforeEach(() => {
  installed = mkdtempSync(join(tmpdir(), 'cutover-installed-'));
  for (const part of ['bin', 'dist', 'migrations', 'package.json'])
    cpSync(join(ROOT, part), join(installed, part), { recursive: true });
  symlinkSync(join(ROOT, 'node_modules'), join(installed, 'node_modules'));
  dir = makeFolder();
});
afterEach(() => {
  for (const each of [installed, dir]) rmSync(each, { recursive: true, force: true });
});

const run = (args: string[], env: Record<string, string> = {}): Promise<Ran> =>
  cutover(dir, args, { env, bin: join(installed, 'bin', 'cutover.js') });

const filesOf = (folder: string) =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1));

const flagRatio = () => {
  const { flags } = JSON.parse(readFileSync(join(dir, 'flags.json'), 'utf8'));
  return flags['llm-provider'].targeting?.fractional[0][1] ?? 0;
};

it('is shipped as text', () => {
  const kinds = new Set(filesOf(join(installed, 'dist')).map((name) => name.replace(/^.*\./, '')));
  expect([...kinds].filter((kind) => !['cjs', 'jsonl', 'txt'].includes(kind))).toEqual([]);
  for (const name of filesOf(join(installed, 'dist')))
    expect(readFileSync(join(installed, 'dist', name), 'utf8')).not.toContain('\0');
});

it('names no folder of whoever built it', () => {
  const naming = filesOf(join(installed, 'dist')).filter((name) =>
    readFileSync(join(installed, 'dist', name)).includes(ROOT),
  );
  expect(naming).toEqual([]);
});

it('takes an edit of a module that leaves its length as it was', async () => {
  const before = 'what comes next';
  const [module] = filesOf(join(installed, 'dist')).filter((name) =>
    readFileSync(join(installed, 'dist', name), 'utf8').includes(
      `where the migration is, whether it is safe, and ${before}`,
    ),
  );
  const path = join(installed, 'dist', String(module));
  writeFileSync(path, readFileSync(path, 'utf8').replace(before, before.toUpperCase()));
  expect((await run(['--help'])).stdout).toContain(before.toUpperCase());
});

it('names in a stack trace the files that are installed', async () => {
  rmSync(join(installed, 'migrations'), { recursive: true });
  const { code, stderr } = await run(['status']);
  expect(code).toBe(1);
  const places = [...stderr.matchAll(/^ +at .*?\(?([^\s()]+):\d+:\d+\)?$/gm)]
    .map(([, place]) => String(place))
    .filter((place) => !place.startsWith('node:'));
  expect(places.length).toBeGreaterThan(0);
  expect(places.filter((place) => !place.startsWith(join(installed, 'dist')))).toEqual([]);
});

it('leaves nothing behind that a later start would run', async () => {
  const home = join(dir, 'home');
  mkdirSync(home);
  const before = filesOf(installed);
  for (const args of [['--version'], ['checkpoint', 'create'], ['status'], ['rollback', '--emergency']]) {
    const ran = await run(args, { HOME: home, XDG_CACHE_HOME: home, TMPDIR: home });
    expect(ran.code, ran.stderr).toBe(0);
  }
  expect(filesOf(installed)).toEqual(before);
  expect(filesOf(home)).toEqual([]);
});

/** Node.js has a cache of its own for whoever asks for it, from 22.1 on. It checks what it kept. */
describe.skipIf(!('enableCompileCache' in module))("with Node's own compile cache", () => {
  it('an emergency holds whatever bits of it are flipped, and wherever it is cut', async () => {
    const cache = join(dir, 'cache');
    const env = { NODE_COMPILE_CACHE: cache };
    for (const args of [['--version'], ['checkpoint', 'create'], ['status'], ['rollback', '--emergency']])
      await run(args, env);
    const whole = join(dir, 'whole');
    cpSync(cache, whole, { recursive: true });
    const kept = filesOf(cache);
    expect(kept.length).toBeGreaterThan(3);
    const random = generator(20_261_101);
    for (let i = 0; i < 12; i++) {
      for (const name of kept) {
        const bytes = readFileSync(join(whole, name));
        const at = Math.floor(random() * bytes.length);
        bytes[at] = (bytes[at] ?? 0) ^ (1 << Math.floor(random() * 8));
        writeFileSync(join(cache, name), i % 3 === 2 ? bytes.subarray(0, at) : bytes);
      }
      await run(['canary', 'start', '--yes'], env);
      expect(flagRatio()).toBeGreaterThan(0);
      const ran = await run(['rollback', '--emergency'], env);
      expect({ i, code: ran.code, ratio: flagRatio() }).toEqual({ i, code: 0, ratio: 0 });
      expect((await run(['status'], env)).code).toBe(0);
      expect((await run(['--version'], env)).code).toBe(0);
    }
  }, 120_000);
});

/** mulberry32: numbers in [0, 1). */
function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}
