/** What a flag store says now. */
export interface FlagReading {
  /** Share of requests that go to target, 0 to 1. */
  ratio: number;
  /** Fencing token of the operation that wrote it last; 0 when the store keeps none. */
  token: number;
  /** Id of the operation that wrote it last, where the store keeps it. */
  operation: string | null;
}

export interface FlagChange {
  ratio: number;
  /** The writer's fencing token: a store that already holds a greater one refuses the write. */
  token: number;
  operation: string;
}

/** What speaks to one kind of flag store. Both calls are idempotent. */
export interface FlagDriver {
  /** For output, e.g. `file flags.json`. */
  readonly name: string;
  /** The ratio in force, or null when the flag does not exist yet. */
  get(signal: AbortSignal): Promise<FlagReading | null>;
  set(change: FlagChange, signal: AbortSignal): Promise<void>;
}
