import type { HookConfigOf } from '../config/schema.ts';
import type { Hook } from './hook.ts';
import type { HookHost } from './host.ts';
import { callHttp, resolveHeaders } from './http.ts';

/** A POST of the event as JSON, for DNS and for notifying; any 2xx answer is success. */
export function webhookHook(entry: HookConfigOf<'webhook'>, label: string, host: HookHost): Hook {
  const where = `hooks.${label.split(' ')[0]}`;
  return {
    driver: 'webhook',
    label,
    timeoutMs: entry.timeout,
    retries: entry.retries,
    run: async (event, signal) => {
      const { status } = await callHttp({
        method: 'POST',
        url: host.secrets.resolve(entry.url, `${where}.url`),
        headers: {
          'content-type': 'application/json',
          'idempotency-key': event.idempotencyKey,
          ...resolveHeaders(entry.headers, `${where}.headers`, host.secrets),
        },
        body: JSON.stringify(event),
        signal,
        secrets: host.secrets,
        secretAddress: true,
      });
      return { after: `HTTP ${status}` };
    },
  };
}
