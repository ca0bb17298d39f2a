import { execFileSync, spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createRequire, isBuiltin } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { cutover, makeFolder, type Ran } from './cli.ts';

/** What `npm pack` writes from a clone that was not built, and what it does where it is installed. */

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const REQUIRED = ['better-sqlite3', 'chalk', 'cli-table3', 'commander', 'inquirer', 'undici', 'yaml'];

let base: string;
/** The package, as npm lays it under a prefix. */
let installed: string;
let link: string;
let files: string[];
let dir: string;

beforeAll(() => {
  base = realpathSync(mkdtempSync(join(tmpdir(), 'cutover-package-')));
  const clone = join(base, 'clone');
  const left = new Set(['.git', 'dist', 'node_modules', 'test'].map((name) => join(ROOT, name)));
  cpSync(ROOT, clone, { recursive: true, filter: (path) => !left.has(path) });
  symlinkSync(join(ROOT, 'node_modules'), join(clone, 'node_modules'));
  const packed = execFileSync('npm', ['pack', '--json', '--offline', '--pack-destination', base], {
    cwd: clone,
    env: { PATH: process.env.PATH ?? '', HOME: base, NO_UPDATE_NOTIFIER: '1' },
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const [{ filename }] = JSON.parse(packed) as [{ filename: string }];
  installed = join(base, 'prefix/lib/node_modules/cutover');
  mkdirSync(join(installed, 'node_modules'), { recursive: true });
  execFileSync('tar', ['-xzf', join(base, filename), '-C', installed, '--strip-components=1']);
  files = readdirSync(installed, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(installed.length + 1));
  for (const name of REQUIRED)
    symlinkSync(join(ROOT, 'node_modules', name), join(installed, 'node_modules', name));
  mkdirSync(join(base, 'prefix/bin'));
  link = join(base, 'prefix/bin/cutover');
  symlinkSync('../lib/node_modules/cutover/bin/cutover.js', link);
}, 120_000);
afterAll(() => rmSync(base, { recursive: true, force: true }));
beforeEach(() => {
  dir = makeFolder();
  return () => rmSync(dir, { recursive: true, force: true });
});

const run = (args: string[], node: string[] = []): Promise<Ran> => cutover(dir, args, { bin: link, node });
const manifest = () => JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8'));
const flag = () => readFileSync(join(dir, 'flags.json'), 'utf8');

describe('the package', () => {
  it('holds the command, its documents and the licences, and nothing else', () => {
    const wanted = [
      'LICENSE',
      'README.md',
      'CHANGELOG.md',
      'docs/install.md',
      'dist/main.cjs',
      'bin/cutover.js',
    ];
    expect(files).toEqual(expect.arrayContaining([...wanted, 'dist/THIRD-PARTY.txt']));
    const tops = new Set(files.map((name) => name.split('/')[0]));
    const known = ['bin', 'dist', 'docs', 'fixtures', 'migrations', 'package.json', 'SECURITY.md'];
    expect([...tops].filter((top) => !known.includes(String(top)) && !wanted.includes(String(top)))).toEqual(
      [],
    );
  });

  it('names no folder of whoever packed it', () => {
    const naming = files.filter((name) => {
      const bytes = readFileSync(join(installed, name));
      return [ROOT, base].some((folder) => bytes.includes(folder));
    });
    expect(naming).toEqual([]);
  });

  it('depends on the seven required packages and has every other one within', () => {
    const { dependencies, peerDependencies, peerDependenciesMeta } = manifest();
    expect(Object.keys(dependencies)).toEqual(REQUIRED);
    for (const [name, range] of Object.entries(peerDependencies)) {
      expect(range).not.toBe('*');
      expect(peerDependenciesMeta[name]).toEqual({ optional: true });
    }
    const wanted = files
      .filter((name) => name.startsWith('dist/'))
      .flatMap((name) => [
        ...readFileSync(join(installed, name), 'utf8').matchAll(/\brequire\("([^."][^"]*)"\)/g),
      ])
      .map(([, name]) => String(name));
    expect(wanted.length).toBeGreaterThan(0);
    expect(wanted.filter((name) => !name.startsWith('node:') && !isBuiltin(name))).toEqual([]);
    const licences = readFileSync(join(installed, 'dist/THIRD-PARTY.txt'), 'utf8');
    for (const name of ['@pydantic/genai-prices', 'commander', 'zod'])
      expect(licences).toMatch(new RegExp(`^${name} \\d+\\.\\d+\\.\\d+ \\(`, 'm'));
  });

  it('allows no deep import', () => {
    const require = createRequire(join(base, 'prefix/lib/x.js'));
    expect(require('cutover/package.json').name).toBe('cutover');
    for (const path of ['cutover', 'cutover/dist/main.cjs', 'cutover/bin/cutover.js'])
      expect(() => require(path)).toThrow(/exports/);
  });

  it('has no link that leads nowhere in its documents', () => {
    for (const name of files.filter((file) => file.endsWith('.md'))) {
      const links = readFileSync(join(installed, name), 'utf8').matchAll(/\]\((?!https?:|#)([^)#]+)/g);
      for (const [, target] of links)
        expect(existsSync(join(installed, name, '..', String(target))), `${name}: ${target}`).toBe(true);
    }
  });
});

describe('the command that is installed', () => {
  it('does its work from another folder', async () => {
    expect((await run(['--version'])).stdout.trim()).toBe(manifest().version);
    const assessed = await run(['assess', join(installed, 'fixtures/demo/usage.jsonl'), '--json']);
    expect(assessed.code, assessed.stderr).toBe(0);
    expect(JSON.parse(assessed.stdout).requests.total).toBeGreaterThan(0);
    const planned = await run(['canary', 'start', '--dry-run']);
    expect(planned.code, planned.stderr).toBe(0);
    expect(existsSync(join(dir, 'flags.json'))).toBe(false);
    expect((await run(['canary', 'start', '--yes'])).code).toBe(0);
    expect(flag()).toContain('fractional');
    expect((await run(['status'])).stdout).toMatch(/sends 10 % of requests to target/);
    expect((await run(['rollback', '--emergency'])).code).toBe(0);
    expect(flag()).not.toContain('fractional');
  });

  it('says in one line what to type where better-sqlite3 does not fit, and an emergency sets the flag', async () => {
    await run(['canary', 'start', '--yes']);
    const sqlite = join(installed, 'node_modules/better-sqlite3');
    const whole = realpathSync(sqlite);
    const mend = `npm rebuild better-sqlite3 --prefix ${installed}`;
    const fetch = `npm install --omit=dev --prefix ${installed}`;
    const faults: [string, () => void, string][] = [
      ['without its native part', () => {}, mend],
      ['cannot be loaded', () => writeNative('no library'), mend],
      ['not installed', () => rmSync(sqlite, { recursive: true }), fetch],
    ];
    const writeNative = (text: string) => {
      mkdirSync(join(sqlite, 'build/Release'), { recursive: true });
      writeFileSync(join(sqlite, 'build/Release/better_sqlite3.node'), text);
    };
    rmSync(sqlite);
    for (const part of ['package.json', 'lib'])
      cpSync(join(whole, part), join(sqlite, part), { recursive: true });
    for (const name of ['bindings', 'file-uri-to-path'])
      symlinkSync(join(ROOT, 'node_modules', name), join(installed, 'node_modules', name));
    try {
      for (const [what, break_, type] of faults) {
        break_();
        const { code, stderr } = await run(['status']);
        expect(code).toBe(1);
        expect(stderr.trim().split('\n')).toHaveLength(1);
        expect(stderr).toContain(what);
        expect(stderr).toContain(`; type: ${type}`);
      }
      const ran = await run(['rollback', '--emergency']);
      expect(ran.code, ran.stderr).toBe(0);
      expect(ran.stdout).toContain('safe');
      expect(flag()).not.toContain('fractional');
    } finally {
      rmSync(sqlite, { recursive: true, force: true });
      symlinkSync(join(ROOT, 'node_modules/better-sqlite3'), sqlite);
    }
    const next = await run(['status', '--json']);
    expect(next.stderr).toContain('is not in the journal yet');
    expect(JSON.parse(next.stdout)).toMatchObject({ status: 'rollback', ratio: 0, drift: [] });
  });

  it('says in one line that Node.js is too old, as package.json does, and an emergency tries all the same', async () => {
    await run(['canary', 'start', '--yes']);
    const needs = /^>=(\d+)\.(\d+)$/.exec(manifest().engines.node);
    const [major, minor] = [Number(needs?.[1]), Number(needs?.[2])];
    const as = (version: string) => {
      const shim = join(dir, `${version}.cjs`);
      const versions = `{ ...process.versions, node: '${version}' }`;
      writeFileSync(shim, `Object.defineProperty(process, 'versions', { value: ${versions} });\n`);
      return ['--require', shim];
    };
    for (const version of [`${major - 2}.99.0`, `${major}.${minor - 1}.9`]) {
      const { code, stdout, stderr } = await run(['status'], as(version));
      expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
      expect(stderr).toMatch(
        new RegExp(
          `^cutover: needs Node\\.js ${major}\\.${minor} or newer, and this is ${version} \\(.*\\)\\n$`,
        ),
      );
    }
    for (const version of [`${major}.${minor}.0`, `${major + 2}.0.0`])
      expect((await run(['status'], as(version))).code).toBe(0);
    expect((await run(['rollback', '--emergency'], as(`${major - 2}.1.0`))).code).toBe(0);
    expect(flag()).not.toContain('fractional');
  });
});

/** A Node.js that came from a distribution may know where its headers are. */
const { use_prefix_to_find_headers: knowsHeaders } = process.config.variables as Record<string, unknown>;

describe.skipIf(knowsHeaders === true)('an install of better-sqlite3', () => {
  const attempt = (reachable: string, env: Record<string, string> = {}) => {
    const shim = join(dir, 'dns.cjs');
    writeFileSync(
      shim,
      `require('node:dns/promises').lookup = async (host) => {
        if (host !== '${reachable}') throw Object.assign(new Error(host), { code: 'ENOTFOUND' });
      };`,
    );
    const script = join(installed, 'bin/before-install.js');
    return spawnSync(process.execPath, ['--require', shim, script], {
      env: { HOME: dir, ...env },
      encoding: 'utf8',
    });
  };

  it('ends with what to type where it cannot succeed', () => {
    const { status, stderr } = attempt('registry.npmjs.org');
    expect(status).toBe(1);
    expect(stderr).toContain('npm_config_nodedir=');
    expect(manifest().scripts.preinstall).toBe('node bin/before-install.js');
  });

  it('is let go where it may', () => {
    expect(attempt('github.com').status).toBe(0);
    expect(attempt('nodejs.org').status).toBe(0);
    for (const name of ['npm_config_nodedir', 'HTTPS_PROXY', 'npm_config_better_sqlite3_binary_host'])
      expect(attempt('', { [name]: 'x' }).status).toBe(0);
    mkdirSync(join(dir, '.cache/node-gyp', process.versions.node), { recursive: true });
    expect(attempt('').status).toBe(0);
  });
});
