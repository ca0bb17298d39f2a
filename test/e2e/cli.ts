import { spawn } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const BIN = fileURLToPath(new URL('../../bin/cutover.js', import.meta.url));
/** A command that takes longer hangs; the test says so instead of waiting for its own time limit. */
const TIME_LIMIT_MS = 60_000;

export interface Ran {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

/** Runs the built command as a user's shell would, without a terminal. */
export function cutover(
  cwd: string,
  args: string[],
  options: { env?: Record<string, string>; node?: string[]; bin?: string; input?: string } = {},
): Promise<Ran> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [...(options.node ?? []), options.bin ?? BIN, ...args], {
      cwd,
      env: { PATH: process.env.PATH ?? '', HOME: cwd, USER: 'tester', ...options.env },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    child.stdin.on('error', () => {});
    child.stdin.end(options.input ?? '');
    const timer = setTimeout(() => {
      child.kill('SIGKILL');
      reject(new Error(`hangs: cutover ${args.join(' ')}\n${stdout}\n${stderr}`));
    }, TIME_LIMIT_MS);
    child.on('error', reject);
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      resolve({ code, signal, stdout, stderr });
    });
  });
}

/** The same, expecting success and giving the JSON document back. */
export async function cutoverJson<T = Record<string, unknown>>(
  cwd: string,
  args: string[],
  env: Record<string, string> = {},
): Promise<T> {
  const ran = await cutover(cwd, [...args, '--json'], { env });
  if (ran.code !== 0)
    throw new Error(`cutover ${args.join(' ')}: exit ${ran.code}\n${ran.stdout}\n${ran.stderr}`);
  return JSON.parse(ran.stdout) as T;
}

export interface StatusDocument {
  status: string;
  ratio: number;
  activeProvider: string;
  flag: { ratio: number | null };
  drift: unknown[];
  unfinished: { id: string; kind: string } | null;
  lastCheckpoint: { id: number } | null;
  rollback: { eligible: boolean; to: number | null };
  lease: unknown;
  next: { command: string };
}

/** A temporary folder with a config; `extra` is YAML that is appended. */
export function makeFolder(extra = ''): string {
  const dir = mkdtempSync(join(tmpdir(), 'cutover-test-'));
  writeFileSync(
    join(dir, 'cutover.yaml'),
    `migration: chat-prod
providers:
  legacy: { name: deepseek, baseUrl: http://127.0.0.1:9/v1 }
  target: { name: holysheep, baseUrl: http://127.0.0.1:9/v1 }
stage: { bake: 0s }
${extra}`,
  );
  return dir;
}
