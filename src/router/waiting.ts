/** Why a request's signal fired, when it was not its client that left. */
export const CUT = Symbol('the flag sends nothing to target any more');

/** The requests that wait for target, so that the flag can end their waiting. */
export interface Waiting {
  /**
   * Takes a request in until `leave` is called.
   * @param client fires when the client is gone.
   * @returns `signal` fires with the client's, or with CUT as its reason.
   */
  enter(client: AbortSignal): { signal: AbortSignal; leave(): void };
  /** Ends the waiting of all that are in, and says how many they were. */
  cut(): number;
}

export function createWaiting(): Waiting {
  const entries = new Set<AbortController>();
  return {
    enter(client) {
      const stop = new AbortController();
      client.addEventListener('abort', () => stop.abort());
      if (client.aborted) stop.abort();
      entries.add(stop);
      return { signal: stop.signal, leave: () => void entries.delete(stop) };
    },
    cut() {
      const all = [...entries];
      entries.clear();
      for (const stop of all) stop.abort(CUT);
      return all.length;
    },
  };
}
