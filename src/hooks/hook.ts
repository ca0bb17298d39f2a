import type { KeptLonger } from '../rollback/kept-longer.ts';
import type { DnsRecordSet, OperationKind, RecordMove, Side, World } from '../world.ts';
import type { NotifyOn } from './notify/on.ts';
import type { Trouble } from './notify/weight.ts';

/** What an event is about: an operation, by the command that began it, or what else people may want to be told of. */
export type EventKind = OperationKind | 'dns apply' | 'freeze' | 'unfreeze' | 'canary FAIL';

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
  /** Present when nothing happened: `cutover hooks test` tries the hook. `provider` is where traffic goes already. */
  test?: true;
  /**
   * For a DNS hook that can read, on a way back: what our steps moved and is to be put back. A set that says neither
   * what they wrote nor what they found is somebody else's and left alone. Empty: look and write nothing. Absent: the
   * config's values for `provider`.
   */
  restore?: RecordMove[];
  /**
   * For a DNS hook that can read, ahead of a move: no TTL is to be longer than this, in seconds; nothing else changes.
   */
  lowerTtl?: number;
  /** For a DNS hook that can read: records that had a longer TTL not long ago. */
  keptLonger?: KeptLonger[];
  /** With `restore`: what is somebody else's is overwritten too. */
  overwriteDns?: true;
}

/** What a hook did, for the journal. */
export interface HookResult {
  /** What it read first; of a hook that can read: every record set that it was about. */
  before?: unknown;
  /** What it read in the end, or was told. */
  after?: unknown;
  /**
   * Sets that somebody else has changed, as they are now: left alone, all else is done. The step has failed, and
   * another try would come to the same.
   */
  foreign?: DnsRecordSet[];
  /** With `foreign`: not every server of `verify` says what was done. For that alone the step would have failed. */
  unserved?: Error;
  /** What the user should know beside the outcome. */
  notes?: string[];
}

/**
 * Told of every write of record sets before it happens: what was read, and what each set is to be, in the same order.
 * After a crash, a lost answer or a timeout each set is one or the other.
 */
export type OnIntent = (before: DnsRecordSet[], after: DnsRecordSet[]) => void;

/** One hook of the config. `run` is idempotent. */
export interface Hook {
  /** The name in the config. */
  readonly driver: string;
  /** For output and the journal; the same for the same entry of the config. */
  readonly label: string;
  readonly timeoutMs: number;
  readonly retries: number;
  /** Of a notify hook, and of a DNS hook that cannot be read: who is called, wherever its entry stands in the config. */
  readonly receiver?: string;
  /** Of a notify hook: what it asks to be told of; without it every operation. */
  readonly on?: readonly NotifyOn[] | undefined;
  run(event: HookEvent, signal: AbortSignal, onIntent?: OnIntent): Promise<HookResult>;
  /** DNS drivers that can: what the server says now, for checkpoints and drift. */
  read?(signal: AbortSignal): Promise<DnsRecordSet[]>;
  /**
   * DNS drivers that can read: shows that the records could be changed, without changing any.
   * @param now what `read` gave
   */
  prove?(now: readonly DnsRecordSet[], signal: AbortSignal): Promise<void>;
  /**
   * DNS drivers that can read: what keeps these sets from being written, a text for each; what stands beside a CNAME.
   * Nothing where that cannot be asked.
   */
  obstacles?(wanted: readonly DnsRecordSet[], signal: AbortSignal): Promise<string[]>;
  /** DNS drivers that can read: what it should say when `side` is the active provider. */
  expected?(side: Side): DnsRecordSet[];
  /** DNS drivers that can read: which server and zone this is, the same wherever the hook stands in the config. */
  readonly server?: string;
  /** DNS drivers that can read: the sets that the config names. `restore` may name others of the same server. */
  readonly records?: readonly Pick<DnsRecordSet, 'name' | 'type'>[];
  /** DNS drivers that can read: the TTL, in seconds, that no record is to exceed before the move to 100 %. */
  readonly lowerTtl?: number | undefined;
}
