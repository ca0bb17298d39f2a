import { createHash } from 'node:crypto';

/** Where a request's sticky key came from; `random` says that the request is sticky to nothing. */
export type KeySource = 'header' | 'body' | 'authorization' | 'random';

export interface StickyKey {
  key: string;
  source: KeySource;
}

/** The header by which a client names its own key. */
export const KEY_HEADER = 'x-cutover-key';

/**
 * The key that decides a request's side, in this order:
 * 1. the header `x-cutover-key`;
 * 2. what `stickyBy` names: a field of the body (`user`, `prompt_cache_key`, `metadata.tenant`), or
 *    `authorization` for a hash of the client's Authorization header, or `random` for nothing;
 * 3. a random key of this request alone.
 *
 * Authorization is never used unless it is asked for: clients that share one key would all move at once, and a
 * canary of 10 % would get everything or nothing.
 */
export function stickyKey(
  headers: Readonly<Record<string, string | string[] | undefined>>,
  json: Readonly<Record<string, unknown>> | null,
  stickyBy: string,
  randomKey: () => string,
): StickyKey {
  const named = headers[KEY_HEADER];
  if (typeof named === 'string' && named !== '') return { key: named, source: 'header' };
  if (stickyBy === 'authorization') {
    const given = headers.authorization;
    if (typeof given === 'string' && given !== '') {
      return { key: createHash('sha256').update(given).digest('hex'), source: 'authorization' };
    }
  } else if (stickyBy !== 'random') {
    const value = fieldAt(json, stickyBy);
    if ((typeof value === 'string' && value !== '') || typeof value === 'number') {
      return { key: String(value), source: 'body' };
    }
  }
  return { key: randomKey(), source: 'random' };
}

function fieldAt(json: Readonly<Record<string, unknown>> | null, path: string): unknown {
  let value: unknown = json;
  for (const part of path.split('.')) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, part)) return undefined;
    value = (value as Record<string, unknown>)[part];
  }
  return value;
}
