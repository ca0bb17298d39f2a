/** How often and how patiently one side is tried again before its first byte. */
export interface RetryPolicy {
  /** Tries after the first. */
  max: number;
  /** Milliseconds before the first retry; doubled for each further one. */
  firstDelay: number;
  /** Milliseconds that a wait never exceeds. */
  maxDelay: number;
}

/**
 * Milliseconds to wait before retry number `retry` (1 for the first), or undefined to give the side up: the retries
 * are used up, or it asks for a longer wait than `maxDelay`. A wait that the provider asked for is never cut short.
 * @param random in [0, 1): the backoff is spread over its upper half, so that clients do not return all at once.
 */
export function retryDelay(
  retry: number,
  retryAfterMs: number | undefined,
  policy: RetryPolicy,
  random: number,
): number | undefined {
  if (retry > policy.max) return undefined;
  if (retryAfterMs !== undefined && retryAfterMs > policy.maxDelay) return undefined;
  const backoff = Math.min(policy.firstDelay * 2 ** (retry - 1), policy.maxDelay);
  return Math.max(backoff * (0.5 + random / 2), retryAfterMs ?? 0);
}

/**
 * The wait that an answer asks for, in milliseconds: `retry-after-ms`, or `retry-after` in seconds or as a date
 * (RFC 9110, 10.2.3). Undefined when it asks for none, or not in a way that can be read.
 * @param now Unix milliseconds.
 */
export function retryAfter(
  headers: Readonly<Record<string, string | string[] | undefined>>,
  now: number,
): number | undefined {
  const ms = number(headers['retry-after-ms']);
  if (ms !== undefined) return ms;
  const seconds = number(headers['retry-after']);
  if (seconds !== undefined) return seconds * 1000;
  const date = headers['retry-after'];
  const at = typeof date === 'string' ? Date.parse(date) : Number.NaN;
  return Number.isNaN(at) ? undefined : Math.max(0, at - now);
}

function number(value: string | string[] | undefined): number | undefined {
  if (typeof value !== 'string' || !/^\s*\d+(\.\d+)?\s*$/.test(value)) return undefined;
  return Number(value);
}
