import type { Hook, HookEvent } from '../hook.ts';
import type { HookHost } from '../host.ts';
import { callHttp, type HttpAnswer } from '../http.ts';

/** One POST of JSON. */
export interface Post {
  url: string;
  headers?: Record<string, string>;
  body: unknown;
}

/** What tells how a driver turns an event into calls; `where` names its entry in the config. */
export interface Posting {
  /** The calls in their order; none when there is nothing to tell this receiver. */
  posts(event: HookEvent, where: string): Post[];
  /** @throws CutoverError when a 2xx answer is none after all */
  check?(answer: HttpAnswer): void;
}

/** A notify hook that posts JSON. */
export function postingHook(
  entry: { driver: string; timeout: number; retries: number },
  label: string,
  host: HookHost,
  posting: Posting,
): Hook {
  const where = `hooks.${label.split(' ')[0]}`;
  return {
    driver: entry.driver,
    label,
    timeoutMs: entry.timeout,
    retries: entry.retries,
    async run(event, signal) {
      let after = 'nothing to tell';
      for (const { url, headers, body } of posting.posts(event, where)) {
        const answer = await callHttp({
          method: 'POST',
          url,
          headers: { 'content-type': 'application/json', ...headers },
          body: JSON.stringify(body),
          signal,
          secrets: host.secrets,
        });
        posting.check?.(answer);
        after = `HTTP ${answer.status}`;
      }
      return { after };
    },
  };
}
