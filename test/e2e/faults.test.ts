import { execFileSync, spawn } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import { verifyHistory } from '../../src/store/history.ts';
import { BIN, cutover, cutoverJson, makeFolder, type Ran, type StatusDocument } from './cli.ts';

/**
 * One system call of a running command fails, as a dying or full disk makes it fail, injected by strace. Whatever
 * the command then says has to be true, and one more command has to bring flag and state together.
 */

const FORCE = ['--yes', '--force', '--reason', 'test'];

function canTrace(): boolean {
  try {
    execFileSync('strace', ['-qq', '-e', 'trace=none', 'true'], { stdio: 'pipe' });
    return true;
  } catch (error) {
    if (process.env.CUTOVER_REQUIRE_SERVERS === '1') throw error;
    process.stderr.write('SKIPPED: faults of single system calls: needs strace and the right to trace\n');
    return false;
  }
}

/** Runs cutover with the system calls of `inject` (strace's syntax) failing. */
function faulty(dir: string, inject: string, args: string[]): Promise<Ran> {
  const call = inject.split(':')[0];
  const tracer = ['-f', '-qq', '-o', '/dev/null', '-e', `trace=${call}`, '-e', `inject=${inject}`];
  return new Promise((resolve, reject) => {
    const child = spawn('strace', [...tracer, process.execPath, BIN, ...args], {
      cwd: dir,
      env: { PATH: process.env.PATH ?? '', HOME: dir },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    child.on('error', reject);
    child.on('close', (code, signal) => resolve({ code, signal, stdout, stderr }));
  });
}

const times = (call: string, error: string, count: number) =>
  Array.from({ length: count }, (_, i) => `${call}:error=${error}:when=${i + 1}`);
/** Every eighth write of the database, from the one named. */
const faultsFrom = (write: number) => [
  ...times('fsync', 'EIO', 9),
  ...times('rename', 'EIO', 1),
  ...times('pwrite64', 'ENOSPC', 40).filter((_, i) => i % 8 === write),
  ...times('ftruncate', 'EIO', 1),
];

function expectHistoryWhole(dir: string): void {
  const db = new Database(join(dir, '.cutover', 'state.db'), { readonly: true });
  try {
    expect(verifyHistory(db).brokenAt).toBeNull();
  } finally {
    db.close();
  }
}

describe.runIf(canTrace())('a system call that fails', () => {
  it('in a shift: it is done or it is not, and the next command knows which', async () => {
    const base = makeFolder();
    await cutoverJson(base, ['canary', 'start', '--yes']);
    for (const fault of faultsFrom(0)) {
      const dir = mkdtempSync(join(tmpdir(), 'cutover-fault-'));
      cpSync(base, dir, { recursive: true });
      const ran = await faulty(dir, fault, ['shift', '25%', ...FORCE]);
      expect([0, 1, 69], `${fault}: ${ran.stderr}`).toContain(ran.code);
      const state = await cutoverJson<StatusDocument>(dir, ['status']);
      if (state.unfinished) await cutoverJson(dir, ['resume']);
      const end = state.unfinished ? await cutoverJson<StatusDocument>(dir, ['status']) : state;
      expect(end, fault).toMatchObject({ drift: [], unfinished: null });
      expect(end.flag.ratio, fault).toBe(end.ratio);
      if (ran.code === 0 || state.unfinished) expect(end.ratio, fault).toBe(0.25);
      else expect(end.ratio, fault).toBe(0.1);
      expectHistoryWhole(dir);
      rmSync(dir, { recursive: true });
    }
    rmSync(base, { recursive: true });
  }, 180_000);

  it('in an emergency: the flag is at 0 %, and the next command has it in the journal', async () => {
    const base = makeFolder();
    await cutoverJson(base, ['canary', 'start', '--yes']);
    for (const fault of [...faultsFrom(4), 'fsync:error=EIO', 'rename:error=EIO', 'pwrite64:error=ENOSPC']) {
      const dir = mkdtempSync(join(tmpdir(), 'cutover-fault-'));
      cpSync(base, dir, { recursive: true });
      const ran = await faulty(dir, fault, ['rollback', '--emergency']);
      const state = await cutoverJson<StatusDocument>(dir, ['status']);
      expect(state.flag.ratio, `${fault}: ${ran.stdout}${ran.stderr}`).toBe(0);
      if (state.unfinished) await cutover(dir, ['resume']);
      const end = state.unfinished ? await cutoverJson<StatusDocument>(dir, ['status']) : state;
      expect(end, `${fault}: ${ran.stdout}${ran.stderr}`).toMatchObject({
        status: 'rollback',
        ratio: 0,
        drift: [],
        unfinished: null,
      });
      rmSync(dir, { recursive: true });
    }
    rmSync(base, { recursive: true });
  }, 180_000);
});
