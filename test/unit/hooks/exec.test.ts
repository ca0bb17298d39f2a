import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { endOfCommand } from '../../../src/hooks/exec.ts';

/** Runs a script, which may keep in the file `pid` what it leaves behind. */
function run(script: string, signal = AbortSignal.timeout(10_000)) {
  const cwd = mkdtempSync(join(tmpdir(), 'cutover-test-'));
  const pid = () => Number(readFileSync(join(cwd, 'pid'), 'utf8'));
  const lives = () => existsSync(`/proc/${pid()}`);
  onTestFinished(() => {
    if (existsSync(join(cwd, 'pid')) && lives()) process.kill(pid(), 'SIGKILL');
    rmSync(cwd, { recursive: true, force: true });
  });
  const began = Date.now();
  const options = { cwd, env: { PATH: process.env.PATH }, input: '', signal };
  const end = endOfCommand(['sh', '-c', script], options);
  return { end, lives, cwd, took: () => Date.now() - began };
}

it('a command has ended when it has, whatever it leaves behind', async () => {
  const { end, lives, took } = run('echo said; echo why >&2; setsid sleep 20 & echo $! > pid; exit 3');
  expect(await end).toEqual({ code: 3, signal: null, stdout: 'said\n', stderr: 'why\n' });
  expect(took()).toBeLessThan(5000);
  expect(lives()).toBe(true);
});

it('all that it has said before is heard', async () => {
  const { end } = run('head -c 500000 /dev/zero | tr "\\0" x; setsid sleep 20 & echo $! > pid');
  expect((await end).stdout).toHaveLength(500_000);
});

it('one that does not end when it is asked to is ended before it counts as stopped', async () => {
  const controller = new AbortController();
  const { end, lives, cwd } = run(
    'trap "" TERM; echo $$ > pid; touch ready; while :; do sleep 0.1; done',
    controller.signal,
  );
  await expect.poll(() => existsSync(join(cwd, 'ready')), { timeout: 5000 }).toBe(true);
  controller.abort(new Error('no answer'));
  await expect(end).rejects.toMatchObject({ code: 'HOOK_FAILED', message: 'sh: no answer' });
  await expect.poll(lives, { timeout: 200 }).toBe(false);
});
