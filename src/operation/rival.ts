/** Somebody, or something, that may still write the flag for an operation that has lost. */
export interface Rival {
  /** Who or what it is. */
  readonly words: string;
  /** No process, but what one has asked of a server: it is over in its time. */
  readonly underWay?: true;
  /** Of a process that cannot be seen: what a person types who knows that it is gone. */
  readonly goneCommand?: string;
}

/** A process of this host. */
export const runningRival = (name: string, { pid, host }: { pid: number; host: string }): Rival => ({
  words: `${name} (process ${pid} on ${host})`,
});

/**
 * A process of which nothing is known but when it was last heard of, where that was kept.
 * @param id its operation
 * @param until when it is forgotten; this and its heartbeat in Unix milliseconds
 */
export function unseenRival(
  name: string,
  id: string,
  { pid, host, heartbeatAt }: { pid: number; host: string; heartbeatAt?: number },
  until: number,
): Rival {
  const at = (ms: number) => new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z');
  const heard = heartbeatAt === undefined ? '' : `last heartbeat ${at(heartbeatAt)}, `;
  return {
    words: `${name} (process ${pid} on ${host}, which cannot be seen from here; ${heard}counts until ${at(until)})`,
    goneCommand: `cutover lease --gone ${id} --reason "…"`,
  };
}

/** What an operation has left on its way to a server. */
export const underWay = (name: string): Rival => ({
  words: `a write that ${name} left under way`,
  underWay: true,
});

/** Why nobody may say that it is safe. */
export const mayWrite = ({ words }: Rival): string => `${words} may still write the flag`;
