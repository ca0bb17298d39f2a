import type { IncomingHttpHeaders } from 'node:http';
import { Pool } from 'undici';
import type { Price } from '../config/schema.ts';
import { type Attempt, attempt, type Call, type Failed, type Timeouts } from './attempt.ts';
import {
  type Breaker,
  type BreakerPolicy,
  type BreakerState,
  createBreaker,
  type Verdict,
} from './breaker.ts';
import type { Upstream } from './headers.ts';
import { type RetryPolicy, retryDelay } from './retry.ts';

/** A side as the router knows it: the secrets are resolved. */
export interface SideOptions {
  /** The provider's configured name, for records. */
  name: string;
  baseUrl: string;
  apiKey: string | undefined;
  timeouts: Timeouts;
  prices: Readonly<Record<string, Price>>;
}

export interface SideResult {
  attempt: Attempt;
  /** HTTP requests made, retries included; 0 when the circuit admitted none. */
  tries: number;
}

/** What a client asked for, before it is made into one side's request. */
export interface SideRequest extends Omit<Call, 'path' | 'headers'> {
  /** Below the base URL, e.g. `/chat/completions`. */
  path: string;
  /** The client's, with its question mark, or empty. */
  query: string;
  /** The client's. */
  headers: IncomingHttpHeaders;
}

/** Speaks to one side: its connections, its circuit breaker and its retries. */
export interface SideClient {
  readonly options: SideOptions;
  readonly breaker: Breaker;
  /**
   * Sends a request, again and again as the policy allows, until there is an answer or no hope.
   * @param pastBreaker tries once whatever the circuit says, because there is no other side to go to.
   * @param maySend is asked before each further try whether the flag still allows it.
   */
  send(request: SideRequest, pastBreaker: boolean, maySend: () => Promise<boolean>): Promise<SideResult>;
  close(): Promise<void>;
}

export interface SidePolicies {
  retry: RetryPolicy;
  breaker: BreakerPolicy;
  upstream: Upstream;
  /** The most connections to the side; undefined for no bound. */
  connections?: number | undefined;
  now(): number;
  random(): number;
  onBreaker?(state: BreakerState): void;
}

export function createSideClient(options: SideOptions, policies: SidePolicies): SideClient {
  const base = new URL(options.baseUrl);
  const basePath = base.pathname.replace(/\/+$/, '');
  // undici's own timeouts are off where ours, which cover a whole try, are on.
  const pool = new Pool(base.origin, {
    connect: { timeout: options.timeouts.connect },
    connections: policies.connections ?? null,
    headersTimeout: 0,
    bodyTimeout: 0,
  });
  const breaker = createBreaker(policies.breaker, policies.onBreaker);

  return {
    options,
    breaker,
    async send({ query, ...request }, pastBreaker, maySend) {
      const call: Call = {
        ...request,
        path: basePath + request.path + policies.upstream.query(query),
        headers: policies.upstream.headers(request.headers, options.apiKey),
      };
      const tryOnce = () => attempt(pool, call, options.timeouts, policies.now);
      if (pastBreaker) return { attempt: await tryOnce(), tries: 1 };
      const ended = breaker.enter();
      if (!ended) return { attempt: CIRCUIT_OPEN, tries: 0 };
      const startedAt = policies.now();
      for (let tries = 1; ; tries++) {
        const result = await tryOnce();
        // A request counts once, by its first try: one caller's retries must not close a side to all others.
        if (tries === 1) ended(judge(result));
        if (result.kind === 'answered' || !result.retry) return { attempt: result, tries };
        const delay = retryDelay(tries, result.retryAfterMs, policies.retry, policies.random());
        // A side may take its total time twice at most: no retry begins when it has been used up.
        const late = policies.now() - startedAt + (delay ?? 0) >= options.timeouts.total;
        if (delay === undefined || late || !breaker.admits()) return { attempt: result, tries };
        await pause(delay, call.signal);
        if (call.signal.aborted || !(await maySend())) return { attempt: GIVEN_UP, tries };
      }
    },
    async close() {
      await pool.destroy();
    },
  };
}

/** A caller's mistake says nothing of the side, nor does our own key or a model's name that the side refuses. */
function judge(result: Attempt): Verdict {
  if (result.kind === 'answered') return result.status < 400 ? 'success' : 'alive';
  if (result.error === 'cancelled') return 'left';
  return result.error === 'auth' || result.error === 'not_found' ? 'alive' : 'failure';
}

/** Waits so long, or until the signal fires. */
function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', done);
  });
}

const CIRCUIT_OPEN: Failed = {
  kind: 'failed',
  error: 'other',
  message: 'its circuit is open, as most requests failed',
  retry: false,
};

const GIVEN_UP: Failed = {
  kind: 'failed',
  error: 'cancelled',
  message: 'given up between two tries',
  retry: false,
};
