/**
 * How long ago this was called, in milliseconds. Whoever waits for another process counts from when it looked first, by a
 * clock that cannot be set: when the other began is known only by one that may be another, or have been set.
 */
export function stopwatch(): () => number {
  const started = performance.now();
  return () => performance.now() - started;
}
