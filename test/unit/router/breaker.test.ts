import { describe, expect, it } from 'vitest';
import { createBreaker, type Verdict } from '../../../src/router/breaker.ts';

const POLICY = { requests: 20, within: 10_000, failed: 0.5, halfOpenAfter: 5000, halfOpenAtMost: 60_000 };

function setUp() {
  let now = 1234;
  const states: string[] = [];
  const breaker = createBreaker(
    POLICY,
    (state) => states.push(state),
    () => now,
  );
  return {
    breaker,
    states,
    pass: (ms: number) => {
      now += ms;
    },
    add: (count: number, verdict: Verdict) => {
      for (let i = 0; i < count; i++) breaker.enter()?.(verdict);
    },
  };
}

describe('breaker', () => {
  it('opens at 20 requests of which half failed, and not before', () => {
    const { breaker, add } = setUp();
    add(19, 'failure');
    expect(breaker.state()).toBe('closed');
    add(1, 'failure');
    expect(breaker.state()).toBe('open');
    expect(breaker.admits()).toBe(false);
    expect(breaker.enter()).toBeUndefined();

    const other = setUp();
    other.add(100, 'success');
    other.add(99, 'failure');
    expect(other.breaker.state()).toBe('closed');
    other.add(1, 'failure');
    expect(other.breaker.state()).toBe('open');
  });

  it('forgets after 10 s', () => {
    const { breaker, pass, add } = setUp();
    for (let second = 0; second < 60; second++) {
      add(1, 'failure');
      pass(1000);
    }
    add(9, 'failure');
    expect(breaker.state()).toBe('closed');
    add(10, 'failure');
    expect(breaker.state()).toBe('open');
  });

  it('counts neither what the caller got wrong nor what was given up, on either side of the share', () => {
    const { breaker, add } = setUp();
    add(1000, 'alive');
    add(1000, 'left');
    add(19, 'failure');
    expect(breaker.state()).toBe('closed');
    add(1, 'failure');
    expect(breaker.state()).toBe('open');
  });

  it('lets one request test an open circuit after 5 s, and no other meanwhile', () => {
    const { breaker, states, pass, add } = setUp();
    add(20, 'failure');
    pass(4999);
    expect(breaker.admits()).toBe(false);
    pass(1);
    const test = breaker.enter();
    expect(breaker.state()).toBe('half-open');
    expect(breaker.admits()).toBe(false);
    expect(breaker.enter()).toBeUndefined();
    test?.('success');
    expect(states).toEqual(['open', 'half-open', 'closed']);
    // What failed before is forgotten.
    add(19, 'failure');
    expect(breaker.state()).toBe('closed');
  });

  it('waits twice as long after each failed test, up to 60 s, and 5 s again once it has closed', () => {
    const { breaker, pass, add } = setUp();
    add(20, 'failure');
    for (const wait of [5000, 10_000, 20_000, 40_000, 60_000, 60_000]) {
      pass(wait - 1);
      expect(breaker.admits()).toBe(false);
      pass(1);
      breaker.enter()?.('failure');
    }
    pass(60_000);
    breaker.enter()?.('alive');
    expect(breaker.state()).toBe('closed');
    add(20, 'failure');
    pass(5000);
    expect(breaker.admits()).toBe(true);
  });

  it('learns nothing from a test that was given up, and lets the next one try', () => {
    const { breaker, pass, add } = setUp();
    add(20, 'failure');
    pass(5000);
    breaker.enter()?.('left');
    expect(breaker.state()).toBe('open');
    expect(breaker.admits()).toBe(true);
  });

  it('heeds no outcome of what began before it opened', () => {
    const { breaker, pass, add } = setUp();
    const late = [breaker.enter(), breaker.enter()];
    add(20, 'failure');
    late[0]?.('success');
    expect(breaker.state()).toBe('open');
    pass(5000);
    const test = breaker.enter();
    late[1]?.('failure');
    expect(breaker.state()).toBe('half-open');
    test?.('success');
    expect(breaker.state()).toBe('closed');
  });
});
