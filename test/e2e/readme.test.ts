import { execFile, spawn } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { firstLine, type OpenAiServer, startOpenAiServer, stopProcess } from '../servers/start.ts';
import { BIN } from './cli.ts';

/** The commands of the README, typed in a shell in the order of a migration, and its config. */

const root = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url));
const README = readFileSync(root('README.md'), 'utf8');

const YES = ' --yes';
const FORCE = ' --yes --force --reason test';

/** As the README has it; what a pipe, or a test in a hurry, has to add or to shorten; the exit codes that it may have. */
const COMMANDS: [command: string, typed?: ((command: string) => string) | undefined, codes?: number[]][] = [
  ['cutover assess usage.jsonl'],
  ['cutover checkpoint create --reason baseline --pin'],
  ['cutover hooks test'],
  ['cutover canary start', (command) => command + YES],
  ['cutover canary check --auto-rollback', undefined, [0, 3]],
  [
    'cutover canary run --duration 10m --interval 5s',
    (command) => command.replace('10m', '2s').replace('5s', '500ms'),
    [0, 3],
  ],
  ['cutover canary status', undefined, [0, 3]],
  ['cutover freeze --reason "incident" --for 2h'],
  ['cutover unfreeze'],
  ['cutover shift 25%', (command) => command + FORCE],
  ['cutover shift --next', (command) => command + FORCE],
  ['cutover status'],
  ['cutover status --check'],
  ['cutover lease'],
  ['cutover history --since 2h'],
  ['cutover history --verify'],
  ['cutover checkpoint list'],
  ['cutover checkpoint show 1'],
  ['cutover checkpoint diff 1'],
  ['cutover checkpoint pin 2'],
  ['cutover checkpoint prune'],
  ['cutover checkpoint export > checkpoints.json'],
  ['cutover checkpoint import checkpoints.json'],
  ['cutover dns status'],
  ['cutover dns diff'],
  ['cutover dns apply', (command) => command + YES],
  ['cutover rollback --over 10m', (command) => command.replace('10m', '1s') + YES],
  ['cutover shift 25%', (command) => command + FORCE],
  ['cutover rollback', (command) => command + YES],
  ['cutover shift 25%', (command) => command + FORCE],
  [
    'cutover resume --flag',
    (command) => `sed -i s/25000/40000/ flags.json; sed -i s/75000/60000/ flags.json; ${command}${YES}`,
  ],
  ['cutover resume'],
  ['cutover rollback --emergency'],
];

/** Run in other tests, or by `gateway` below. */
const ELSEWHERE = ['cutover gateway'];

let dir: string;
const servers: OpenAiServer[] = [];
const env = () => ({
  PATH: `${join(dir, 'bin')}:${process.env.PATH}`,
  HOME: dir,
  DEEPSEEK_API_KEY: 'a-key-of-legacy',
  OPS_WEBHOOK: 'http://127.0.0.1:9/ops',
});

beforeAll(async () => {
  servers.push(await startOpenAiServer('legacy'), await startOpenAiServer('target'));
  dir = mkdtempSync(join(tmpdir(), 'cutover-readme-'));
  mkdirSync(join(dir, 'bin'));
  symlinkSync(BIN, join(dir, 'bin', 'cutover'));
  copyFileSync(root('fixtures/demo/usage.jsonl'), join(dir, 'usage.jsonl'));
  const [legacy, target] = servers.map(({ url }) => `${url}/v1`);
  writeFileSync(
    join(dir, 'cutover.yaml'),
    `migration: chat-prod
providers:
  legacy: { name: deepseek, baseUrl: ${legacy}, prices: { '*': 1 } }
  target: { name: holysheep, baseUrl: ${target}, prices: { '*': 1 } }
models: { small: small-2 }
stage: { bake: 0s }
gateway: { listen: 127.0.0.1:0 }
hooks:
  dns: [{ driver: exec, command: [sh, -c, 'cat > dns.json'] }]
  notify: [{ driver: exec, command: [sh, -c, 'cat >> told.jsonl'] }]
`,
  );
});
afterAll(async () => {
  await Promise.all(servers.map((server) => server.stop()));
  rmSync(dir, { recursive: true, force: true });
});

const shell = (typed: string, cwd = dir) =>
  new Promise<{ code: number; text: string }>((resolve) => {
    execFile('sh', ['-c', typed], { cwd, env: env(), timeout: 60_000 }, (error, stdout, stderr) =>
      resolve({ code: error ? Number(error.code ?? -1) : 0, text: `${stdout}${stderr}` }),
    );
  });

it('each command of the README is one of these', () => {
  const told = [...README.matchAll(/`(cutover [a-z][^`]*)`/g)].map(([, command]) => command);
  expect(told.length).toBeGreaterThan(20);
  const known = [...COMMANDS.map(([command]) => command), ...ELSEWHERE];
  expect(told.filter((command) => !known.includes(String(command)))).toEqual([]);
});

it('they do what they say, one after the other', async () => {
  for (const [command, typed, codes = [0]] of COMMANDS) {
    const { code, text } = await shell(typed?.(command) ?? command);
    expect(codes, `${command}: exit ${code}\n${text}`).toContain(code);
  }
}, 240_000);

it('the gateway runs until it is stopped', async () => {
  const child = spawn(process.execPath, [BIN, 'gateway', '--json'], {
    cwd: dir,
    env: env(),
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  expect(JSON.parse(await firstLine(child))).toMatchObject({ ratio: 0 });
  await stopProcess(child, 'SIGTERM');
  expect(child.exitCode).toBe(0);
}, 60_000);

it('its config is one', async () => {
  const [, config = ''] = /```yaml\n(migration:[\s\S]*?)```/.exec(README) ?? [];
  const other = join(dir, 'other');
  mkdirSync(other);
  writeFileSync(join(other, 'cutover.yaml'), config);
  writeFileSync(join(other, 'target.key'), 'a-key-of-target');
  writeFileSync(join(other, 'route-dns.sh'), '#!/bin/sh\n');
  chmodSync(join(other, 'route-dns.sh'), 0o755);
  copyFileSync(root('fixtures/probes.jsonl'), join(other, 'probes.jsonl'));
  const { code, text } = await shell('cutover status --json', other);
  expect(code, text).toBe(0);
  expect(JSON.parse(text)).toMatchObject({ migration: 'chat-prod', status: 'idle' });
});
