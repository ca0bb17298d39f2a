import { execFileSync, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { BIN, cutover, cutoverJson, makeFolder, type StatusDocument } from './cli.ts';
import { prepared } from './prepared.ts';

/** What a command does is done whether or not anybody can read of it: a log on a full disk stops nothing half-way. */

const HOOKS = `hooks:
  dns: [{ driver: exec, command: [sh, -c, 'echo $CUTOVER_PROVIDER >> where'] }]
  notify: [{ driver: exec, command: [sh, -c, 'echo $CUTOVER_OPERATION_KIND >> told'] }]
`;
const canary = prepared(async () => {
  const dir = makeFolder(HOOKS);
  await cutoverJson(dir, ['canary', 'start', '--yes']);
  rmSync(join(dir, 'told'));
  return dir;
});

/** The exit code with both streams, or stdout alone, in /dev/full: as a file on a full disk, each write fails (ENOSPC). */
function full(dir: string, args: string[], both: boolean): Promise<{ code: number | null; stderr: string }> {
  const fd = openSync('/dev/full', 'w');
  const child = spawn(process.execPath, [BIN, ...args], {
    cwd: dir,
    env: { PATH: process.env.PATH, HOME: dir },
    stdio: ['ignore', fd, both ? fd : 'pipe'],
  });
  closeSync(fd);
  let stderr = '';
  child.stderr?.on('data', (text) => {
    stderr += text;
  });
  return new Promise((resolve) => child.on('close', (code) => resolve({ code, stderr })));
}

const lines = (dir: string, name: string) => readFileSync(join(dir, name), 'utf8').trim().split('\n');

it('an emergency is carried out, and journaled to its end', async () => {
  const dir = await canary();
  const { code } = await full(dir, ['rollback', '--emergency'], true);
  expect(code).toBe(69);
  expect([lines(dir, 'where'), new Set(lines(dir, 'told'))]).toEqual([['legacy'], new Set(['emergency'])]);
  const status = await cutoverJson<StatusDocument>(dir, ['status']);
  expect(status).toMatchObject({ ratio: 0, flag: { ratio: 0 }, drift: [], unfinished: null, safe: true });
});

it('so is a rollback', async () => {
  const dir = await canary();
  const { code, stderr } = await full(dir, ['rollback', '--yes', '--anyway'], false);
  expect([code, stderr]).toEqual([69, expect.stringMatching(/cutover: stdout cannot be written \(ENOSPC\)/)]);
  expect(stderr).not.toMatch(/^ +at /m);
  expect(lines(dir, 'where')).toEqual(['legacy']);
  expect(await cutoverJson(dir, ['status'])).toMatchObject({ ratio: 0, unfinished: null, safe: true });
});

it('a report that could not be written ends with 69, and says why', async () => {
  const dir = await canary();
  for (const args of [['status'], ['status', '--json'], ['history', '--json'], ['--help']]) {
    const { code, stderr } = await full(dir, args, false);
    expect([args, code, stderr]).toEqual([
      args,
      69,
      expect.stringContaining('stdout cannot be written (ENOSPC)'),
    ]);
  }
});

it('only stderr in it keeps nobody from the exit code', async () => {
  const dir = await canary();
  const ran = execFileSync(
    'sh',
    ['-c', '"$0" "$1" rollback --emergency --json 2>/dev/full', process.execPath, BIN],
    { cwd: dir, encoding: 'utf8', env: { PATH: process.env.PATH, HOME: dir } },
  );
  expect(JSON.parse(ran)).toMatchObject({ safe: true });
});

it('a pipe that is full, and that does not wait, gets all of it in the end', async () => {
  const dir = await canary();
  for (let i = 0; i < 3; i++) await cutover(dir, ['checkpoint', 'create', '--reason', 'x'.repeat(1900)]);
  // A reader that begins late, and a pipe of one page with O_NONBLOCK, as one shared with another program may be.
  writeFileSync(
    join(dir, 'late.py'),
    `import fcntl, os, subprocess, sys, time
r, w = os.pipe()
fcntl.fcntl(w, 1031, 4096)
os.set_blocking(w, False)
child = subprocess.Popen(sys.argv[1:], stdout=w)
os.close(w)
time.sleep(1.5)
got = b''
while True:
    piece = os.read(r, 1000)
    if not piece: break
    got += piece
sys.stdout.buffer.write(got)
sys.exit(child.wait())
`,
  );
  const args = ['late.py', process.execPath, BIN, 'history', '--json'];
  const text = execFileSync('python3', args, {
    cwd: dir,
    encoding: 'utf8',
    env: { PATH: process.env.PATH, HOME: dir },
  });
  expect(text.length).toBeGreaterThan(5000);
  expect(JSON.parse(text)).toHaveProperty('entries');
});

it('a reader that has seen enough is no fault', async () => {
  const dir = await canary();
  const code = execFileSync(
    'bash',
    ['-c', '"$0" "$1" --help | true; echo "${PIPESTATUS[0]}"', process.execPath, BIN],
    { cwd: dir, encoding: 'utf8', env: { PATH: process.env.PATH, HOME: dir } },
  );
  expect(code.trim()).toBe('0');
});
