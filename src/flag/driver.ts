import type { OperationKind } from '../world.ts';

/** What a flag store says now. */
export interface FlagReading {
  /** Share of requests that go to target, 0 to 1. */
  ratio: number;
  /** Fencing token of the operation that wrote it last; 0 when the store keeps none. */
  token: number;
  /** Id of the operation that wrote it last, where the store keeps it. */
  operation: string | null;
  /** Kind of that operation, where the store keeps it. */
  kind: string | null;
}

export interface FlagChange {
  ratio: number;
  /** The writer's fencing token: a store that already holds a greater one refuses the write. */
  token: number;
  operation: string;
  /** Kind of that operation: an emergency is recognised even when nothing else could be written. */
  kind: OperationKind;
}

/** What a server is given that the config says nothing of, in milliseconds. */
export const SETTLES_MS = 20_000;

/** What speaks to one kind of flag store. Both calls are idempotent. */
export interface FlagDriver {
  /** The name in the config. */
  readonly driver: string;
  /** For output and the journal, e.g. `file flags.json`. */
  readonly label: string;
  /** Bounds of one call; the executor keeps them. */
  readonly timeoutMs: number;
  readonly retries: number;
  /** Whether the store itself refuses an older writer: then one that was late cannot have the last word. */
  readonly fences: boolean;
  /** How long after nobody waits for it any more a server may still do what it was asked for; {@link SETTLES_MS} without. */
  readonly settlesMs?: number | undefined;
  /** Of a store that is set by a command: variables by which each such command can be told from all others. */
  readonly commandMarks?: Readonly<Record<string, string>>;
  /** The ratio in force, or null when the flag does not exist yet. */
  get(signal: AbortSignal): Promise<FlagReading | null>;
  /** Resolves to what the user should know beside its success; nothing as a rule. */
  set(change: FlagChange, signal: AbortSignal): Promise<string[]>;
}
