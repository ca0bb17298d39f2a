/** How a request can fail, in the words that reports, guardrails and logs share. */
export const ERROR_CLASSES = [
  'timeout',
  'connection',
  'rate_limit',
  'server_error',
  'auth',
  'not_found',
  'invalid_request',
  'protocol',
  'cancelled',
  'other',
] as const;

export type ErrorClass = (typeof ERROR_CLASSES)[number];

/** The error class of an HTTP status; undefined for 1xx, 2xx and 3xx. */
export function classifyStatus(status: number): ErrorClass | undefined {
  if (status < 400) return undefined;
  if (status === 401 || status === 403) return 'auth';
  if (status === 404) return 'not_found';
  if (status === 408 || status === 504) return 'timeout';
  if (status === 429) return 'rate_limit';
  if (status === 499) return 'cancelled';
  return status >= 500 ? 'server_error' : 'invalid_request';
}
