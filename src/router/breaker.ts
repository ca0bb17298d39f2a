import {
  BrokenCircuitError,
  CircuitState,
  ConsecutiveBreaker,
  circuitBreaker,
  handleWhenResult,
} from 'cockatiel';

export interface BreakerPolicy {
  /** Failed tries in a row that open the circuit. */
  failures: number;
  /** Milliseconds after which one request may test an open circuit. */
  halfOpenAfter: number;
}

export type BreakerState = 'closed' | 'open' | 'half-open';

/** How a try counts: `neither` is for one that its client gave up. */
export type Verdict = 'success' | 'failure' | 'neither';

/** Keeps requests away from a side that fails again and again. */
export interface Breaker {
  /** Whether a try may run now. While one request tests an open circuit, no other may. */
  admits(): boolean;
  state(): BreakerState;
  /** Runs one try and counts it; undefined when the circuit does not admit it. */
  run<T>(action: () => Promise<T>, judge: (result: T) => Verdict): Promise<T | undefined>;
}

/** @param onChange is told each new state. */
export function createBreaker(policy: BreakerPolicy, onChange?: (state: BreakerState) => void): Breaker {
  let openedAt = 0;
  const circuit = circuitBreaker(
    handleWhenResult((result) => (result as Counted<unknown>).failed),
    { halfOpenAfter: policy.halfOpenAfter, breaker: new ConsecutiveBreaker(policy.failures) },
  );
  circuit.onBreak(() => {
    openedAt = Date.now();
  });
  const state = () => STATES[circuit.state];
  circuit.onStateChange(() => onChange?.(state()));

  const admits = () =>
    circuit.state === CircuitState.Closed ||
    (circuit.state === CircuitState.Open && Date.now() - openedAt >= policy.halfOpenAfter);

  return {
    admits,
    state,
    async run(action, judge) {
      // cockatiel would let others wait for the test's outcome; here they go to the other side instead.
      if (!admits()) return undefined;
      const testing = circuit.state !== CircuitState.Closed;
      try {
        const counted = await circuit.execute(async () => {
          const result = await action();
          const verdict = judge(result);
          if (verdict === 'neither' && !testing) throw new NotCounted(result);
          // A test that was given up proves nothing, and an open circuit needs proof to close.
          return { result, failed: verdict !== 'success' };
        });
        return counted.result;
      } catch (error) {
        if (error instanceof NotCounted) return error.result as Awaited<ReturnType<typeof action>>;
        if (error instanceof BrokenCircuitError) return undefined;
        throw error;
      }
    },
  };
}

const STATES: Record<CircuitState, BreakerState> = {
  [CircuitState.Closed]: 'closed',
  [CircuitState.Open]: 'open',
  [CircuitState.HalfOpen]: 'half-open',
  [CircuitState.Isolated]: 'open',
};

interface Counted<T> {
  result: T;
  failed: boolean;
}

/** Carries a result past the circuit: an error that it does not handle leaves a closed circuit's count alone. */
class NotCounted extends Error {
  readonly result: unknown;
  constructor(result: unknown) {
    super('not counted');
    this.result = result;
  }
}
