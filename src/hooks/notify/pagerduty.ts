import type { HookConfigOf } from '../../config/hooks-schema.ts';
import type { Hook, HookEvent } from '../hook.ts';
import type { HookHost } from '../host.ts';
import { resolveUrl } from '../http.ts';
import { messageFor, shorten } from './message.ts';
import { postingHook } from './post.ts';

/** PagerDuty's limit, in characters. */
const MAX_SUMMARY = 1024;

/**
 * PagerDuty's Events API, version 2. A migration has one incident: an operation that leads back or goes wrong
 * triggers it, the next one that goes forward resolves it; the deduplication key makes both safe to repeat.
 */
export function pagerDutyHook(entry: HookConfigOf<'pagerduty'>, label: string, host: HookHost): Hook {
  return postingHook(entry, label, host, {
    posts: (event, where) => {
      const url = resolveUrl(entry.url, `${where}.url`, host.secrets);
      const routingKey = host.secrets.resolve(entry.routingKey, `${where}.routingKey`);
      const now = new Date((host.now ?? Date.now)()).toISOString();
      return pagerDutyEvents(event, routingKey, now).map((body) => ({ url, body }));
    },
  });
}

/** @param now ISO 8601 */
export function pagerDutyEvents(event: HookEvent, routingKey: string, now: string): object[] {
  const message = messageFor(event);
  const call = (action: 'trigger' | 'resolve', dedupKey: string) => ({
    routing_key: routingKey,
    event_action: action,
    dedup_key: dedupKey,
    ...(action === 'resolve' ? {} : { client: 'cutover', payload: payload() }),
  });
  const payload = () => ({
    summary: shorten(message.title, MAX_SUMMARY),
    source: event.migration,
    severity: message.level,
    timestamp: now,
    component: event.provider,
    class: event.operation.kind,
    custom_details: { ...details(message.facts), 'idempotency key': event.idempotencyKey },
  });
  if (event.test) {
    // An incident of its own, over at once: the receiver is tried, nobody is kept awake.
    const key = `cutover:${event.idempotencyKey}`;
    return [call('trigger', key), call('resolve', key)];
  }
  const incident = `cutover:${event.migration}`;
  if (message.trouble === 'begins') return [call('trigger', incident)];
  return message.trouble === 'ends' ? [call('resolve', incident)] : [];
}

/** Facts by name; those of the same name in one list. */
function details(facts: readonly { name: string; value: string }[]): Record<string, string | string[]> {
  const all: Record<string, string | string[]> = {};
  for (const { name, value } of facts) {
    const before = all[name];
    all[name] = before === undefined ? value : [before, value].flat();
  }
  return all;
}
