import type { DnsRecordSet, OperationKind, Side, World } from '../world.ts';
import type { NotifyOn } from './notify/on.ts';
import type { Trouble } from './notify/weight.ts';

/** What an event is about: an operation, or what else people may want to be told of. */
export type EventKind = OperationKind | 'freeze' | 'unfreeze' | 'canary FAIL';

/** What a hook is told: the JSON on stdin of `exec`, the body of `webhook`. Documented in the README. */
export interface HookEvent {
  schemaVersion: 1;
  migration: string;
  /** `dns` changes where traffic goes, `notify` tells about it. */
  step: 'dns' | 'notify';
  operation: { id: string; kind: EventKind };
  /** The same for every try of this step or message, also after a crash. */
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
  /** Notify only, as all below: when this was written, ISO 8601. */
  at?: string;
  /**
   * What became of it. `partial`: DNS failed; `failed`: the flag could not be set; `undone`, `superseded`: it was not
   * finished, and the operation `endedBy` has taken its place. Missing while it runs, and of what is no operation.
   */
  outcome?: 'done' | 'partial' | 'failed' | 'undone' | 'superseded';
  endedBy?: string;
  /** An emergency whose flags are set: another message follows when DNS has ended. */
  running?: true;
  /** It was told before that it had not ended well; this is how it ended after all. */
  resumed?: true;
  /** The troubles that this receiver was told of before this and that were not over, where that is known. */
  standing?: Trouble[];
  /** Where it was to lead, when it did not come there: `to` is where traffic is. */
  asked?: World;
  /** The ratio that the flag said before its step and after; null where there was none, or nobody knows. */
  flag?: { before: number | null; after: number | null };
  /** The history when this was written: how many entries, and the hash of the newest. */
  history?: { entries: number; head: string };
  /** A later message has come through before this one: it opens and closes no incident. */
  late?: true;
  /** What was to be said of this operation before, and could not be sent. */
  untold?: string[];
  /** Present when nothing happened: `cutover hooks test` tries whether messages arrive. */
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
  /** Of a notify hook: who is told, wherever its entry stands in the config. */
  readonly receiver?: string;
  /** Of a notify hook: what it asks to be told of; without it every operation. */
  readonly on?: readonly NotifyOn[] | undefined;
  /** Returns what it read or was told, for the journal. */
  run(event: HookEvent, signal: AbortSignal): Promise<{ before?: unknown; after?: unknown }>;
  /** DNS drivers that can: what the server says now, for checkpoints and drift. */
  read?(signal: AbortSignal): Promise<DnsRecordSet[]>;
  /** DNS drivers that can read: what it should say when `side` is the active provider. */
  expected?(side: Side): DnsRecordSet[];
}
