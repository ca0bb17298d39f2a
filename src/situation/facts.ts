import type { CanaryDocument } from '../canary/document.ts';
import type { CutoverError } from '../errors.ts';
import type { DnsDrift } from '../operation/dns.ts';
import type { HolderState, Lease } from '../operation/lease.ts';
import type { OperationRecord } from '../operation/record.ts';
import type { Rival } from '../operation/rival.ts';
import type { GateLimits } from '../shift/gates.ts';
import type { JudgedRun } from '../store/canary.ts';
import type { Freeze } from '../store/freeze.ts';
import type { State } from '../store/state.ts';
import type { DnsReading, Side, World } from '../world.ts';

/** What the flag store said. */
export type FlagFact =
  | { is: 'read'; ratio: number; token?: number }
  | { is: 'absent' }
  /** The store's own error: what a command that needs the flag is refused with. */
  | { is: 'unreadable'; error: CutoverError }
  /** The command at hand has no need of it. */
  | { is: 'not asked' };

/** Who holds the lease, and what is known of that process. */
export interface LeaseFact {
  lease: Lease;
  /** `unknown`: it cannot be looked at from here, and its heartbeat was not seen to stand still. */
  holder: HolderState;
  operation: OperationRecord;
}

/** A gradual rollback between two of its rungs: nothing has begun since. */
export interface BetweenRungs {
  /** The rung it has come to. */
  rung: OperationRecord;
  /** Where it leads. */
  leadsTo: World;
  /** Whether the process that takes the next rung still runs. */
  holder: HolderState;
}

/** One run of the canary. */
export interface Judged extends Omit<JudgedRun, 'document' | 'settings'> {
  /** Given under the guardrails, probes, prices and providers of the config as it is now. */
  sameSettings: boolean;
  document: CanaryDocument;
}

/** All that is known of a migration at one moment. Times are Unix milliseconds. */
export interface Facts {
  now: number;
  /** What every change is refused with: a newer cutover has written the state. Null when none has. */
  newer: CutoverError | null;
  state: State;
  ladder: readonly number[];
  limits: GateLimits;
  /** Where `canary start` leads. */
  canaryRatio: number;
  flag: FlagFact;
  /** The flag's name in output, e.g. `file flags.json`. */
  flagLabel: string;
  /** Flags that traffic may still follow besides: what each says, null when that is not known. */
  otherFlags: readonly { label: string; ratio: number | null }[];
  /** Who may still write a flag that fences nobody, for an operation that has lost. */
  rivals: readonly Rival[];
  /** Empty when the servers were not asked. */
  dns: { readings: DnsReading[]; drift: DnsDrift[] };
  lease: LeaseFact | null;
  /** Operations that `resume` has something to do for, oldest first; a running one is among them. */
  open: OperationRecord[];
  /** The ratio of the checkpoint that a rollback without `--to` leads to; null when it leads nowhere. */
  backRatio: number | null;
  /** Its active provider; without it, legacy. */
  backProvider?: Side | undefined;
  /** The operation that began last. */
  last: OperationRecord | null;
  betweenRungs: BetweenRungs | null;
  freeze: Freeze | null;
  /** The latest run of the stage. */
  run: Judged | null;
  /** The FAIL that nobody has answered yet. */
  fail: Judged | null;
}
