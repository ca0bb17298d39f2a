import type { ErrorClass } from '../provider/error-class.ts';
import type { Side } from '../world.ts';
import type { KeySource } from './key.ts';
import type { Endpoint } from './request.ts';
import type { SideOptions } from './side-client.ts';
import { costOf, type Tokens } from './usage.ts';

/**
 * One line of the usage log: one request as one side served or failed it, in the native format that `assess` reads
 * without any mapping, and some fields of the router's own after it. A request that fell back has a line for each
 * side that was asked, so that no failure of the first is hidden by the success of the second.
 */
export interface UsageLine {
  id: string;
  /** When the side was first asked, ISO 8601. */
  timestamp: string;
  /** The provider's configured name. */
  provider: string;
  /** The model as that provider knows it. */
  model: string;
  input_tokens: number;
  cached_input_tokens: number;
  output_tokens: number;
  /** From the first try to the last byte, retries and the client's own slowness in reading included. */
  latency_ms: number;
  /** From the first try to the first byte of a stream; absent for other answers. */
  ttft_ms?: number;
  /** HTTP status, or the class of the error when there was none or the answer was cut short. */
  status: number | ErrorClass;
  /** USD, when the config has a price for the model and the provider reported tokens. */
  cost?: number;
  /** The body's `user`. */
  user?: string;
  side: Side;
  endpoint: Endpoint['name'];
  /** HTTP requests that the side was sent, retries included. */
  tries: number;
  /** Where the sticky key came from; `random`: this request is sticky to nothing. */
  key: KeySource;
  /** True when the other side was preferred. */
  fallback: boolean;
}

/** What is known about a request when one side is done with it; times are in milliseconds. */
export interface Finished {
  id: string;
  at: number;
  side: Side;
  provider: SideOptions;
  model: string;
  endpoint: Endpoint['name'];
  tokens: Tokens | undefined;
  latencyMs: number;
  ttftMs: number | undefined;
  status: number | ErrorClass;
  user: string | undefined;
  tries: number;
  key: KeySource;
  fallback: boolean;
}

export function usageLine(done: Finished): UsageLine {
  const { tokens, ttftMs, user } = done;
  const cost = tokens ? costOf(tokens, done.model, done.provider.prices) : undefined;
  return {
    id: done.id,
    timestamp: new Date(done.at).toISOString(),
    provider: done.provider.name,
    model: done.model,
    input_tokens: tokens?.input ?? 0,
    cached_input_tokens: tokens?.cachedInput ?? 0,
    output_tokens: tokens?.output ?? 0,
    latency_ms: round(done.latencyMs),
    ...(ttftMs === undefined ? {} : { ttft_ms: round(ttftMs) }),
    status: done.status,
    ...(cost === undefined ? {} : { cost }),
    ...(user === undefined ? {} : { user }),
    side: done.side,
    endpoint: done.endpoint,
    tries: done.tries,
    key: done.key,
    fallback: done.fallback,
  };
}

/** To a microsecond: enough for latencies, and no long tails of digits in the log. */
function round(ms: number): number {
  return Math.round(ms * 1000) / 1000;
}
