import type { FlagChange, FlagDriver } from '../flag/driver.ts';
import type { SilentName } from '../rollback/silent.ts';
import type { DnsReading, Side } from '../world.ts';
import type { Watched } from './heartbeat.ts';
import type { Holder } from './lease.ts';
import type { Outbox, Told } from './outbox.ts';
import type { OperationOutcome, OperationRecord, StepOutcome } from './record.ts';
import type { Rival } from './rival.ts';
import type { Word } from './word.ts';

/** What a step came to. */
export interface StepEnd {
  outcome: Extract<StepOutcome, 'done' | 'failed' | 'skipped'>;
  attempts: number;
  ms: number;
  before: unknown;
  /** Of DNS records that could not be written or read back: what they were to say. */
  after: unknown;
  error: string | null;
  /** Of an error that has them: its stable code, and how to mend it. */
  code?: string | undefined;
  hint?: string | undefined;
  /** What the user should know beside the outcome. */
  notes?: string[] | undefined;
  /** Who was asked has given no answer to some try, also where a later one was answered: it may still do what it was asked for. */
  unanswered?: true | undefined;
}

/** How an operation ended: `applied` when the state is to say what it wanted. */
export interface OperationEnd {
  outcome: Extract<OperationOutcome, 'done' | 'partial' | 'failed'>;
  applied: boolean;
  open: boolean;
}

/** A call of a hook that cannot be read, whose step is not known to be over. */
export interface OpenCall {
  /** Operation and kind of it, and the step's position there. */
  id: string;
  kind: string;
  position: number;
  driver: string;
  /** How long it may take, in milliseconds. */
  timeoutMs: number;
  /** Who has called; null where that was not kept. */
  holder: Holder | null;
  /** It got no answer in its time, and nobody waits for one any more. */
  ended: boolean;
}

/** Where the executor writes what it is about to do and what came of it. */
export interface Journal {
  readonly operation: OperationRecord;
  /** Who ran it before it was taken up again; null at its first run, and where that was not kept. */
  readonly heldBefore: Holder | null;
  /** Where it is kept: an emergency may find no place at all. */
  readonly kept: 'database' | 'side file' | 'nowhere';
  /** The file it is kept in, for output when it is not the database. */
  readonly sideFile: string | null;
  /** @throws CutoverError FENCED (75) when another operation has taken over. */
  guard(): void;
  /** The operation with this id, or without one the newest that has taken over; null when there is none. */
  find(id: string | null): OperationRecord | null;
  /** What the flag is to say by the operation that has taken over; null while nobody has. */
  winner(): FlagChange | null;
  /**
   * How long a try of a DNS step may take, in milliseconds, that another operation has begun on a server and not brought
   * to its end, the longest of them; null where there is none that no way back has outlasted yet, or where nobody can tell.
   */
  writing(server: string): number | null;
  /**
   * Calls of a hook that cannot be read, by DNS steps of other operations that lead to another provider than `provider`,
   * that have not come to an end, or got no answer in their time, and that no way back has outlasted yet. None where
   * nobody can tell.
   */
  openCalls(name: SilentName, provider: Side): OpenCall[];
  /**
   * The other operations that may still write flags that fence nobody, and what they have left under way there. None
   * where nobody can tell.
   * @param flags all those of the config, as what is kept does not tell which one was asked
   * @param quietMs for how long that is looked at already
   */
  rivals(flags: readonly FlagDriver[], quietMs: number): Rival[];
  /** Keeps that nobody who began before this operation can write a flag any more: none of `rivals` is left. Fails nobody. */
  outlasted(): void;
  /** Where its messages wait until they are sent. */
  readonly outbox: Outbox;
  /** @param timeoutMs what its driver gives a try by now; of all runs of a step the longest is kept */
  stepBegins(position: number, timeoutMs?: number): void;
  /**
   * A hook that cannot be read is about to be called, once more perhaps. Not by an operation that another one has taken
   * over from. @throws CutoverError FENCED (75)
   */
  stepTries(position: number): void;
  /**
   * What a step has found, and is about to write: kept before it is written. Not by one that another operation has
   * taken over from. @throws CutoverError FENCED (75)
   */
  stepIntends(position: number, before: unknown, after: unknown): void;
  /**
   * What a step came to is kept also when another operation has taken over.
   * @param word what is to be told now: it is kept with the step, and never lost. Not of one that was overtaken, whose
   *   end is told by the other
   * @throws CutoverError FENCED (75)
   */
  stepEnds(position: number, end: StepEnd, word?: Word): void;
  /** Keeps what is to be told, unless the same was said before. @throws CutoverError FENCED (75) */
  says(word: Word): void;
  finish(end: OperationEnd): void;
  /** Stops the heartbeat. The lease stays with an operation that was not finished. */
  close(): void;
}

/** Code of the error that tells that an emergency was journaled by another command first. */
export const ALREADY_JOURNALED = 'ALREADY_JOURNALED';

export interface JournalOptions {
  migration: string;
  holder: Holder;
  /** How many checkpoints retention keeps. */
  keep: number;
  now(): number;
  /** Who is told of operations; nobody without it. */
  told?: readonly Told[];
  /** What was seen of the heartbeat of a holder that cannot be looked at. */
  watched?: Watched | undefined;
}

/** What a new operation brings besides its plan. */
export interface Beginning {
  id: string;
  dns: DnsReading[];
  metrics: Record<string, unknown>;
  /** For an emergency: the token its flag write already carries, and the steps that already ran. */
  flagToken?: number;
  already?: Map<number, StepEnd>;
  /** Throws when this operation must not begin any more; asked before it takes the lease, in the same transaction. */
  assertNext?: () => void;
}
