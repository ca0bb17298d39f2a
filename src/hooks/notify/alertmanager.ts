import type { HookConfigOf } from '../../config/hooks-schema.ts';
import type { Hook, HookEvent } from '../hook.ts';
import type { HookHost } from '../host.ts';
import { below, resolveHeaders, resolveUrl } from '../http.ts';
import { messageFor, plainText } from './message.ts';
import { postingHook } from './post.ts';
import type { Trouble } from './weight.ts';

/** Alerts that stand until something ends them, with the severity that each always has. */
const TROUBLES: Readonly<Record<Trouble, readonly [alertname: string, severity: string]>> = {
  rollback: ['CutoverRollback', 'warning'],
  emergency: ['CutoverEmergency', 'critical'],
  failed: ['CutoverFailed', 'critical'],
  fail: ['CutoverCanaryFail', 'critical'],
};

/** A change that went well is shown this long, in milliseconds; there is nothing to resolve about it. */
const CHANGE_SHOWN_MS = 5 * 60_000;

/**
 * Alertmanager's API, version 2. An alert is its labels, so the same operation sent twice is one alert, and the next
 * operation that goes forward can end the troubles before it.
 */
export function alertmanagerHook(entry: HookConfigOf<'alertmanager'>, label: string, host: HookHost): Hook {
  return postingHook(entry, label, host, {
    posts: (event, where) => [
      {
        url: below(resolveUrl(entry.url, `${where}.url`, host.secrets), '/api/v2/alerts'),
        headers: resolveHeaders(entry.headers, `${where}.headers`, host.secrets),
        body: alertsFor(event, { now: (host.now ?? Date.now)(), keepMs: entry.keep }),
      },
    ],
  });
}

/** @param time `now` in Unix milliseconds; `keepMs` is how long a trouble stands when nothing ends it */
export function alertsFor(event: HookEvent, time: { now: number; keepMs: number }): object[] {
  const message = messageFor(event);
  const annotations = { summary: message.title, description: plainText(message) };
  const alert = (alertname: string, severity: string, endsAt: number, more: object = {}) => ({
    labels: { alertname, severity, migration: event.migration, ...more },
    annotations,
    startsAt: new Date(Math.min(time.now, endsAt)).toISOString(),
    endsAt: new Date(endsAt).toISOString(),
  });
  const operation = { operation: event.operation.id, kind: event.operation.kind };
  if (event.test) return [alert('CutoverTest', 'info', time.now + CHANGE_SHOWN_MS)];
  const over = message.over.map((trouble) => alert(...TROUBLES[trouble], time.now));
  if (message.begins) return [alert(...TROUBLES[message.begins], time.now + time.keepMs), ...over];
  return [alert('CutoverChange', 'info', time.now + CHANGE_SHOWN_MS, operation), ...over];
}
