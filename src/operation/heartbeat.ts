/** A heartbeat as its observer knows it: the count it stands at, and for how long it was seen to stand there. */
export interface Watched {
  token: number;
  beats: number;
  /** The observer's own monotonic time, in milliseconds. */
  seenAt: number;
  stillMs: number;
}

/** How often a holder of the lease beats. */
export const HEARTBEAT_MS = 1000;
/** A holder that cannot be looked at is given up when its heartbeat was seen to stand still for so long. */
export const STILL_AFTER_MS = 30_000;
/** An observer that slept or was stopped has seen nothing meanwhile: between two looks no more than this counts. */
const LOOK_MS = 1000;

/** What an observer knows after another look. `at` is its own monotonic time; no other clock plays a part. */
export function watch(before: Watched | null, lease: { token: number; beats: number }, at: number): Watched {
  const { token, beats } = lease;
  const same = before !== null && before.token === token && before.beats === beats;
  const stillMs = same ? before.stillMs + Math.max(0, Math.min(LOOK_MS, at - before.seenAt)) : 0;
  return { token, beats, seenAt: at, stillMs };
}

/** Whether this very heartbeat was seen to stand still long enough. */
export function stoodStill(watched: Watched | undefined, lease: { token: number; beats: number }): boolean {
  if (!watched || watched.stillMs < STILL_AFTER_MS) return false;
  return watched.token === lease.token && watched.beats === lease.beats;
}
