import type { DnsRecordSet, OperationKind, Side, World } from '../world.ts';

/** What a hook is told: the JSON on stdin of `exec`, the body of `webhook`. Documented in the README. */
export interface HookEvent {
  schemaVersion: 1;
  migration: string;
  /** `dns` changes where traffic goes, `notify` tells about it. */
  step: 'dns' | 'notify';
  operation: { id: string; kind: OperationKind };
  /** The same for every try of this step, also after a crash. */
  idempotencyKey: string;
  from: World;
  to: World;
  /** The provider that traffic goes to after this. */
  provider: Side;
  reason: string;
  actor: string;
  /** What the steps before this one came to. */
  steps: { kind: string; driver: string; label: string; outcome: string; error: string | null }[];
  /** The command that undoes the operation. */
  undo: string;
  /** What was known when the operation was decided: the verdict and its reasons. */
  evidence?: unknown;
  /** Present when nothing happened: `cutover hooks test` tries the hook. `provider` is where traffic goes already. */
  test?: true;
  /** For a DNS hook of a rollback: the record sets to put back exactly; without them, `provider` says which. */
  restore?: DnsRecordSet[];
}

/** One hook of the config. `run` is idempotent. */
export interface Hook {
  /** The name in the config. */
  readonly driver: string;
  /** For output and the journal; the same for the same entry of the config. */
  readonly label: string;
  readonly timeoutMs: number;
  readonly retries: number;
  /** Returns what it read or was told, for the journal. */
  run(event: HookEvent, signal: AbortSignal): Promise<{ before?: unknown; after?: unknown }>;
  /** DNS drivers that can: what the server says now, for checkpoints and drift. */
  read?(signal: AbortSignal): Promise<DnsRecordSet[]>;
  /** DNS drivers that can read: what it should say when `side` is the active provider. */
  expected?(side: Side): DnsRecordSet[];
}
