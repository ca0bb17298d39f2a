import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import { STILL_AFTER_MS, stoodStill, type Watched, watch } from '../../../src/operation/heartbeat.ts';
import { type Holder, holderState, thisHolder } from '../../../src/operation/lease.ts';

const me = thisHolder('tester');

describe.runIf(existsSync('/proc/self/stat'))('a holder', () => {
  it('that is this very process runs', () => {
    expect(holderState(me)).toBe('running');
  });

  it.each<[string, Partial<Holder>]>([
    ['without a process of its pid', { pid: 2 ** 22 + 1 }],
    ['whose pid is another process by now', { process: '1' }],
  ])('%s is gone', (_name, change) => {
    expect(holderState({ ...me, ...change })).toBe('gone');
  });

  it.each<[string, Partial<Holder>]>([
    ['of another boot', { boot: 'another' }],
    ['of another PID namespace', { namespace: 'pid:[1]' }],
    ['of another host that is like this one in all else', { host: 'elsewhere' }],
    ['of an older version, which did not say so much', { boot: null, namespace: null }],
    ['whose start is not known, while its pid is in use', { process: null }],
    ['with a pid that is none', { pid: 0 }],
    ['with a pid that is a group', { pid: -1 }],
  ])('%s is unknown, whether or not its pid is in use here', (_name, change) => {
    expect(holderState({ ...me, ...change })).toBe('unknown');
    if (change.pid === undefined && change.process === undefined)
      expect(holderState({ ...me, ...change, pid: 2 ** 22 + 1 })).toBe('unknown');
  });

  it('that has ended and was not waited for is gone', async () => {
    const parent = spawn('sh', ['-c', 'sleep 0.2 & echo $! $(cut -d" " -f22 /proc/$!/stat); exec sleep 60']);
    onTestFinished(() => void parent.kill('SIGKILL'));
    const said = await new Promise<string>((resolve) =>
      parent.stdout.once('data', (data) => resolve(String(data))),
    );
    const [pid, start] = said.trim().split(' ');
    const child = { ...me, pid: Number(pid), process: String(start) };
    expect(holderState(child)).toBe('running');
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(holderState(child)).toBe('gone');
  });
});

describe('a heartbeat', () => {
  const look = (times: [beats: number, at: number][]) =>
    times.reduce<Watched | null>(
      (before, [beats, at]) => watch(before, { token: 7, beats }, at),
      null,
    ) as Watched;
  const every = (ms: number, count: number) =>
    Array.from({ length: count }, (_, i): [number, number] => [3, i * ms]);

  it('stands still when it was looked at for 30 s and did not move', () => {
    const still = { token: 7, beats: 3 };
    expect(stoodStill(look(every(200, 150)), still)).toBe(false);
    expect(stoodStill(look(every(200, 151)), still)).toBe(true);
    expect(stoodStill(look(every(200, 151)), { ...still, beats: 4 })).toBe(false);
    expect(stoodStill(look(every(200, 151)), { ...still, token: 8 })).toBe(false);
    expect(stoodStill(undefined, still)).toBe(false);
  });

  it('does not stand still for an observer that slept', () => {
    expect(
      look([
        [3, 0],
        [3, 10 * 3600_000],
      ]).stillMs,
    ).toBe(1000);
  });

  it('is never taken for still while it beats, whenever it is looked at', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 60_000 }), { maxLength: 300 }), (pauses) => {
        let at = 0;
        let watched: Watched | null = null;
        for (const pause of pauses) {
          at += pause;
          const lease = { token: 7, beats: Math.floor(at / 29_000) };
          watched = watch(watched, lease, at);
          expect(watched.stillMs).toBeLessThan(STILL_AFTER_MS);
        }
      }),
    );
  });
});
