/** Somebody who may still write the flag for an operation that has lost; in words. */
export type Rival = string;

const UNSEEN = 'which cannot be seen from here';
const UNDER_WAY = 'a write that ';

/** A process of this host. */
export const runningRival = (name: string, { pid, host }: { pid: number; host: string }): Rival =>
  `${name} (process ${pid} on ${host})`;

/**
 * A process of which nothing is known but when it was last heard of, where that was kept.
 * @param until when it is forgotten; this and its heartbeat in Unix milliseconds
 */
export function unseenRival(
  name: string,
  { pid, host, heartbeatAt }: { pid: number; host: string; heartbeatAt?: number },
  until: number,
): Rival {
  const at = (ms: number) => new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z');
  const heard = heartbeatAt === undefined ? '' : `last heartbeat ${at(heartbeatAt)}, `;
  return `${name} (process ${pid} on ${host}, ${UNSEEN}; ${heard}counts until ${at(until)})`;
}

/** Of a process that cannot be seen: what a person types who knows that it is gone. Null of any other. */
export function goneCommand(rival: Rival): string | null {
  const [, id] = /^the [a-z ]+ (\S+) \(process /.exec(rival) ?? [];
  return id !== undefined && rival.includes(UNSEEN) ? `cutover lease --gone ${id} --reason "…"` : null;
}

/** No process, but what one has asked of a server. */
export const underWay = (name: string): Rival => `${UNDER_WAY}${name} left under way`;

/** Whether it is that: it is over in its time. */
export const isUnderWay = (rival: Rival): boolean => rival.startsWith(UNDER_WAY);
