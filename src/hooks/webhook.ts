import type { HookConfigOf } from '../config/hooks-schema.ts';
import type { Hook } from './hook.ts';
import type { HookHost } from './host.ts';
import { callHttp, resolveHeaders, resolveUrl } from './http.ts';
import { signatureHeaders } from './signature.ts';

/** A POST of the event as JSON, signed if the config has a secret, for DNS and for notifying; any 2xx is success. */
export function webhookHook(entry: HookConfigOf<'webhook'>, label: string, host: HookHost): Hook {
  const where = `hooks.${label.split(' ')[0]}`;
  return {
    driver: 'webhook',
    label,
    timeoutMs: entry.timeout,
    retries: entry.retries,
    run: async (event, signal) => {
      const body = JSON.stringify(event);
      const secret = entry.secret && host.secrets.resolve(entry.secret, `${where}.secret`);
      const { status } = await callHttp({
        method: 'POST',
        url: resolveUrl(entry.url, `${where}.url`, host.secrets),
        headers: {
          'content-type': 'application/json',
          'idempotency-key': event.idempotencyKey,
          ...resolveHeaders(entry.headers, `${where}.headers`, host.secrets),
          ...(secret ? signatureHeaders(secret, body, (host.now ?? Date.now)()) : {}),
        },
        body,
        signal,
        secrets: host.secrets,
      });
      return { after: `HTTP ${status}` };
    },
  };
}
