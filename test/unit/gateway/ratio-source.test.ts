import { execFileSync } from 'node:child_process';
import {
  closeSync,
  constants,
  mkdtempSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { flagSet } from '../../../src/flag/flagd.ts';
import { type RatioSource, watchFlagFile } from '../../../src/gateway/ratio-source.ts';

let dir: string;
let path: string;
let source: RatioSource;
let notes: string[];

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'cutover-ratio-'));
  path = join(dir, 'flags.json');
  notes = [];
});
afterEach(() => {
  source.close();
  rmSync(dir, { recursive: true });
});

const text = (ratio: number, kind = 'shift') =>
  JSON.stringify(flagSet('k', ratio, { token: 1, operation: 'op', kind }));
const prepare = (ratio: number, kind?: string) => writeFileSync(`${path}.new`, text(ratio, kind));
const put = (ratio: number, kind?: string) => {
  prepare(ratio, kind);
  renameSync(`${path}.new`, path);
};
const start = async (pollMs?: number) => {
  source = await watchFlagFile({
    path,
    key: 'k',
    ...(pollMs === undefined ? {} : { pollMs }),
    now: Date.now,
    onRatio: () => {},
    onNote: (note) => notes.push(note),
  });
};

describe('the ratio', () => {
  it.each<[string, () => void, string, number]>([
    ['a deleted file', () => rmSync(path), 'absent', 0],
    ['a deleted flag', () => writeFileSync(path, '{"flags":{}}'), 'absent', 0],
    ['a file without flags', () => writeFileSync(path, '{}'), 'absent', 0],
    ['flags under another name', () => writeFileSync(path, text(0.5).replace('"k"', '"l"')), 'absent', 0],
    [
      'a flag that is switched off',
      () => writeFileSync(path, text(0.5).replace('ENABLED', 'DISABLED')),
      'disabled',
      0,
    ],
    ['garbage', () => writeFileSync(path, '{"flags":'), 'unreadable', 0.5],
    ['an empty file', () => writeFileSync(path, ''), 'unreadable', 0.5],
    [
      'a pipe',
      () => {
        rmSync(path);
        execFileSync('mkfifo', [path]);
      },
      'unreadable',
      // It was gone before the pipe was there, or it was not: both are right.
      Number.NaN,
    ],
  ])('after %s', async (_what, change, found, ratio) => {
    put(0.5);
    await start();
    expect(source.state()).toMatchObject({
      ratio: 0.5,
      kind: 'shift',
      found: 'ratio',
      certain: true,
      problem: null,
    });
    change();
    await vi.waitFor(() => expect(source.state().found).toBe(found));
    const state = source.state();
    expect(state).toMatchObject({ certain: false, problem: expect.any(String) });
    if (!Number.isNaN(ratio)) expect(state.ratio).toBe(ratio);
    expect(notes.at(-1)).toMatch(ratio === 0 ? /everything goes to legacy/ : /the ratio in force stays/);
    put(0.25);
    await vi.waitFor(() =>
      expect(source.state()).toMatchObject({ ratio: 0.25, certain: true, problem: null }),
    );
    expect(notes.at(-1)).toMatch(/readable again/);
  });

  it('is none, and nothing is wrong, before there is a flag; garbage is no ratio either', async () => {
    await start();
    expect(source.state()).toMatchObject({
      ratio: 0,
      found: 'absent',
      certain: false,
      problem: null,
      since: null,
    });
    writeFileSync(path, 'x');
    await vi.waitFor(() => expect(source.state()).toMatchObject({ ratio: 0, found: 'unreadable' }));
  });

  it('is looked up anew for a request when the last look is old', async () => {
    put(0.5);
    // No notice reaches a folder that was put in the place of the watched one, and the poll is a minute away.
    await start(60_000);
    renameSync(dir, `${dir}.gone`);
    execFileSync('mkdir', [dir]);
    put(0, 'emergency');
    expect((await source.fresh()).ratio).toBe(0.5);
    await sleep(510);
    expect(await source.fresh()).toMatchObject({ ratio: 0, kind: 'emergency' });
    rmSync(`${dir}.gone`, { recursive: true });
  });

  it('is told to whoever listens, once for each change', async () => {
    put(0.5);
    await start();
    const told: number[] = [];
    source.onChange((flag) => told.push(flag.ratio));
    for (const ratio of [0.25, 0.25, 0]) {
      put(ratio);
      await vi.waitFor(() => expect(source.state().ratio).toBe(ratio));
      await sleep(20);
    }
    expect(told).toEqual([0.25, 0]);
  });

  it('is seen by the poll alone, however soon one change follows another', async () => {
    put(0.5);
    await start(1);
    renameSync(dir, `${dir}.gone`);
    execFileSync('mkdir', [dir]);
    const [older, newer] = [text(0.6), text(0.7)];
    expect(newer.length).toBe(older.length);
    for (let round = 0; round < 50; round++) {
      writeFileSync(path, older);
      await vi.waitFor(() => expect(source.state().ratio).toBe(0.6), { interval: 1 });
      writeFileSync(path, newer);
      await vi.waitFor(() => expect(source.state().ratio).toBe(0.7), { interval: 1 });
    }
    rmSync(`${dir}.gone`, { recursive: true });
  });
});

it('is not certain when no look has ended for 5 s, and no request waits for one for longer than a second', async () => {
  put(0.5);
  await start();
  // Four files that cannot be opened take all the threads that Node reads files with.
  const pipes = [0, 1, 2, 3].map((i) => join(dir, `pipe${i}`));
  execFileSync('mkfifo', pipes);
  const blocked = pipes.map((each) => open(each, 'r'));
  try {
    await sleep(600);
    const began = performance.now();
    expect(await source.fresh()).toMatchObject({ ratio: 0.5, certain: true });
    expect(performance.now() - began).toBeLessThan(1500);
    await vi.waitFor(() => expect(source.state().certain).toBe(false), { timeout: 8000 });
    expect(source.state()).toMatchObject({
      ratio: 0.5,
      problem: expect.stringMatching(/not be looked at for 5 s/),
    });
    const late = performance.now();
    await source.fresh();
    expect(performance.now() - late).toBeLessThan(500);
  } finally {
    for (const each of pipes) closeSync(openSync(each, constants.O_WRONLY | constants.O_NONBLOCK));
    for (const handle of await Promise.all(blocked)) await handle.close();
  }
  await vi.waitFor(() => expect(source.state()).toMatchObject({ certain: true, problem: null }));
});

describe.runIf(process.platform === 'linux')('without a free descriptor', () => {
  const limitTo = (limit: string) =>
    execFileSync('prlimit', ['--pid', String(process.pid), `--nofile=${limit}`], { stdio: 'ignore' });
  const before = () =>
    execFileSync('prlimit', ['--pid', String(process.pid), '--nofile', '-o', 'SOFT', '--noheadings', '--raw'])
      .toString()
      .trim();

  it('the flag is read all the same', async () => {
    put(0.5);
    await start();
    prepare(0, 'emergency');
    const soft = before();
    limitTo(`${Math.max(...readdirSync('/proc/self/fd').map(Number)) + 20}:`);
    const taken: number[] = [];
    try {
      expect(() => {
        for (;;) taken.push(openSync('/dev/null', 'r'));
      }).toThrow(/EMFILE/);
      for (const ratio of [0, 0.3]) {
        renameSync(`${path}.new`, path);
        await vi.waitFor(() => expect(source.state().ratio).toBe(ratio));
        expect(() => openSync('/dev/null', 'r')).toThrow(/EMFILE/);
        if (ratio === 0) {
          // Room for the test's own writing, taken back at once.
          closeSync(taken.pop() as number);
          prepare(0.3);
          taken.push(openSync('/dev/null', 'r'));
        }
      }
      expect(notes).toEqual([]);
    } finally {
      for (const fd of taken) closeSync(fd);
      limitTo(`${soft}:`);
    }
  });
});
