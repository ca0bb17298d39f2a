import { safe } from '../clean.ts';
import type { Message } from '../store/messages.ts';
import type { Row } from './rows.ts';
import type { Style } from './style.ts';
import { formatAge } from './text.ts';

/** What waits to be sent, for `status` and `resume` as JSON. Times are ISO 8601. */
export function untoldDocument(waiting: readonly Message[]) {
  return waiting.map(({ label, operationId, key, at, attempts, error, notBefore }) => ({
    hook: label,
    operation: operationId,
    key,
    since: new Date(at).toISOString(),
    attempts,
    error,
    notBefore: notBefore === null ? null : new Date(notBefore).toISOString(),
  }));
}

/** The same for people, a row for each hook. */
export function untoldRows(waiting: readonly Message[], now: number, style: Style): Row[] {
  const labels = [...new Set(waiting.map(({ label }) => label))];
  return labels.map((label, position) => {
    const [oldest, ...others] = waiting.filter((message) => message.label === label) as [
      Message,
      ...Message[],
    ];
    const what = others.length === 0 ? 'a message waits,' : `${others.length + 1} messages wait, the oldest`;
    const since = `for ${formatAge(now - oldest.at).replace(/ ago$/, '')}`;
    const why = oldest.error === null ? '' : `: ${safe(oldest.error)}`;
    const text = `${safe(label)}: ${what} ${since}${why}`;
    return { label: position === 0 ? 'untold' : '', text, paint: style.yellow };
  });
}
