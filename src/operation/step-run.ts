import { CutoverError, messageOf } from '../errors.ts';
import type { HookEvent } from '../hooks/hook.ts';
import { mayBeDone } from '../hooks/http.ts';
import { storable } from '../output/storable.ts';
import { attempt } from './attempt.ts';
import type { StepEnd } from './journal.ts';
import { callKey } from './open-calls.ts';
import { type Plan, type PlannedStep, toldAs } from './plan.ts';

/** What a step needs to know of the operation it belongs to. */
export interface StepContext {
  migration: string;
  operation: { id: string; token: number };
  actor: string;
  plan: Plan;
  /** What the steps before it came to. */
  earlier: HookEvent['steps'];
  undo: string;
  /** Unix milliseconds; no new try begins after it. */
  deadline: number;
  clock: { now(): number; random(): number };
  /** What the journal knows of an earlier run of this step. */
  found?: { before: unknown; after: unknown } | undefined;
  /** Records that somebody else has changed are overwritten. */
  overwriteDns?: boolean | undefined;
  /** Called before each call of a hook that cannot be read. @throws CutoverError FENCED */
  onTry?: (() => void) | undefined;
  /** It has run, and runs once more behind the late call of another operation. */
  again?: true | undefined;
  /** Called before records are written, with what was found and what each is to be. @throws CutoverError FENCED */
  onIntent?: ((before: unknown, after: unknown) => void) | undefined;
  /** Takes secrets out of messages before they are kept. */
  redact(text: string): string;
}

/** What the tries of a step came to. */
export interface Tried<T> {
  value?: T;
  error?: unknown;
  attempts: number;
  ms: number;
}

/** Works until it succeeds, within the bounds of a driver and of the operation. */
export async function tries<T>(
  { timeoutMs, retries }: { timeoutMs: number; retries: number },
  { clock, deadline }: StepContext,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<Tried<T>> {
  const started = clock.now();
  const tried = await attempt(work, { timeoutMs, retries, deadline }, clock);
  return { ...tried, ms: clock.now() - started };
}

/**
 * The end of a step, as it may be kept.
 * @param more.kept how `before` and `after` are kept, where not as all else: without secrets
 * @throws CutoverError FENCED
 */
export function endOf(
  { error, attempts, ms }: Tried<unknown>,
  before: unknown,
  after: unknown,
  context: StepContext,
  more: { notes?: readonly string[]; kept?: (value: unknown, context: StepContext) => unknown },
): StepEnd {
  const keep = <T>(value: T) => storable(value, context.redact);
  const kept = more.kept ?? keep;
  const known = error instanceof CutoverError ? error : undefined;
  if (known?.code === 'FENCED') throw known;
  return {
    outcome: error === undefined ? 'done' : 'failed',
    attempts,
    ms,
    before: kept(before, context),
    after: kept(after, context),
    error: error === undefined ? null : keep(messageOf(error)),
    ...(known && { code: known.code }),
    ...(known?.hint && { hint: keep(known.hint) }),
    ...(more.notes && more.notes.length > 0 && { notes: more.notes.map(keep) }),
  };
}

/**
 * Counts what was asked for and not answered. A try ends with its time, also while whoever was asked is still at it, so
 * it counts until the answer is there.
 */
export function answers() {
  let open = 0;
  return {
    async asked<T>(signal: AbortSignal, asking: Promise<T>): Promise<T> {
      open++;
      try {
        const answer = await asking;
        open--;
        return answer;
      } catch (error) {
        if (!signal.aborted && !mayBeDone(error)) open--;
        throw error;
      }
    },
    noted: (end: StepEnd): StepEnd => (open > 0 ? { ...end, unanswered: true } : end),
  };
}

/** What a hook is told of a step. */
export function eventFor(step: PlannedStep, position: number, context: StepContext): HookEvent {
  const { plan } = context;
  return {
    schemaVersion: 1,
    migration: context.migration,
    step: step.kind as 'dns' | 'notify',
    operation: { id: context.operation.id, kind: toldAs(plan) },
    idempotencyKey: callKey(context.operation.id, position, context.again),
    from: plan.from,
    to: plan.to,
    provider: plan.to.activeProvider,
    reason: plan.reason,
    actor: context.actor,
    steps: context.earlier,
    undo: context.undo,
    ...(step.lowerTtl === undefined ? {} : { lowerTtl: step.lowerTtl }),
    ...(plan.evidence === null || plan.evidence === undefined ? {} : { evidence: plan.evidence }),
  };
}
