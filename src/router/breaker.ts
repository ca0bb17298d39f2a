export interface BreakerPolicy {
  /** So many requests must have been counted before the circuit may open. */
  requests: number;
  /** Milliseconds that are looked back. */
  within: number;
  /** Share of failed requests at which the circuit opens, 0 to 1. */
  failed: number;
  /** Milliseconds until one request may test an open circuit; doubled after each test that fails. */
  halfOpenAfter: number;
  /** Milliseconds that this wait never exceeds. */
  halfOpenAtMost: number;
}

export type BreakerState = 'closed' | 'open' | 'half-open';

/**
 * How a request counts. `alive` is an answer that says nothing for or against the side, such as a refusal of what the
 * caller wrote: it is not counted, but it passes a test. `left` is a request that was given up: it proves nothing.
 */
export type Verdict = 'success' | 'failure' | 'alive' | 'left';

/** Keeps requests away from a side that fails most of them. */
export interface Breaker {
  /** Whether a request may go to the side now. While one tests an open circuit, no other may. */
  admits(): boolean;
  state(): BreakerState;
  /** Lets one request in, to be called with how it went; undefined when the circuit does not admit it. */
  enter(): ((verdict: Verdict) => void) | undefined;
}

/** The window moves by a tenth of its length at a time. */
const SLOTS = 10;

interface Slot {
  tick: number;
  requests: number;
  failed: number;
}

/**
 * @param onChange is told each new state.
 * @param now milliseconds of a clock that never goes back.
 */
export function createBreaker(
  policy: BreakerPolicy,
  onChange?: (state: BreakerState) => void,
  now: () => number = () => performance.now(),
): Breaker {
  let state: BreakerState = 'closed';
  let slots: Slot[] = [];
  let testAt = 0;
  let wait = policy.halfOpenAfter;

  const become = (next: BreakerState) => {
    state = next;
    onChange?.(next);
  };
  const open = () => {
    testAt = now() + wait;
    become('open');
  };
  const close = () => {
    slots = [];
    wait = policy.halfOpenAfter;
    become('closed');
  };

  /** Whether the window is full of failures, this request included. */
  function count(failed: boolean): boolean {
    const tick = Math.floor((now() * SLOTS) / policy.within);
    slots = slots.filter((slot) => slot.tick > tick - SLOTS);
    let slot = slots.at(-1);
    if (slot?.tick !== tick) {
      slot = { tick, requests: 0, failed: 0 };
      slots.push(slot);
    }
    slot.requests++;
    if (failed) slot.failed++;
    const sum = (key: 'requests' | 'failed') => slots.reduce((total, each) => total + each[key], 0);
    return failed && sum('requests') >= policy.requests && sum('failed') >= policy.failed * sum('requests');
  }

  const ended = (verdict: Verdict) => {
    // What began before the circuit opened tells nothing new.
    if (state !== 'closed' || verdict === 'alive' || verdict === 'left') return;
    if (count(verdict === 'failure')) open();
  };
  const tested = (verdict: Verdict) => {
    if (verdict === 'success' || verdict === 'alive') return close();
    if (verdict === 'left') return become('open');
    wait = Math.min(wait * 2, Math.max(policy.halfOpenAtMost, policy.halfOpenAfter));
    open();
  };
  const admits = () => state === 'closed' || (state === 'open' && now() >= testAt);

  return {
    admits,
    state: () => state,
    enter() {
      if (!admits()) return undefined;
      if (state === 'closed') return ended;
      become('half-open');
      return tested;
    },
  };
}
