import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { createBreaker, type Verdict } from '../../../src/router/breaker.ts';

const give = (verdict: Verdict) => async () => verdict;
const judge = (verdict: Verdict) => verdict;

describe('breaker', () => {
  it('opens after five failures in a row, not after four and a success', async () => {
    const breaker = createBreaker({ failures: 5, halfOpenAfter: 60_000 });
    for (const verdict of ['failure', 'failure', 'failure', 'failure', 'success'] as const) {
      await breaker.run(give(verdict), judge);
    }
    for (let i = 0; i < 4; i++) await breaker.run(give('failure'), judge);
    expect(breaker.state()).toBe('closed');
    await breaker.run(give('failure'), judge);
    expect(breaker.state()).toBe('open');
    expect(breaker.admits()).toBe(false);
    expect(await breaker.run(give('success'), judge)).toBeUndefined();
  });

  it('does not count what the client gave up', async () => {
    const breaker = createBreaker({ failures: 2, halfOpenAfter: 60_000 });
    for (const verdict of ['failure', 'neither', 'failure'] as const) {
      expect(await breaker.run(give(verdict), judge)).toBe(verdict);
    }
    expect(breaker.state()).toBe('open');
  });

  it('lets one request test an open circuit and no other meanwhile', async () => {
    const states: string[] = [];
    const breaker = createBreaker({ failures: 1, halfOpenAfter: 30 }, (state) => states.push(state));
    await breaker.run(give('failure'), judge);
    await sleep(40);
    let release: (verdict: Verdict) => void = () => {};
    const test = breaker.run(() => new Promise<Verdict>((resolve) => (release = resolve)), judge);
    expect(breaker.state()).toBe('half-open');
    expect(breaker.admits()).toBe(false);
    expect(await breaker.run(give('success'), judge)).toBeUndefined();
    release('success');
    expect(await test).toBe('success');
    expect(states).toEqual(['open', 'half-open', 'closed']);
  });

  it.each(['failure', 'neither'] as const)('stays open when the test ends in %s', async (verdict) => {
    const breaker = createBreaker({ failures: 1, halfOpenAfter: 20 });
    await breaker.run(give('failure'), judge);
    await sleep(30);
    expect(await breaker.run(give(verdict), judge)).toBe(verdict);
    expect(breaker.state()).toBe('open');
  });
});
