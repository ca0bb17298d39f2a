import { messageOf } from '../errors.ts';
import type { Hook, HookEvent } from '../hooks/hook.ts';
import { Refused } from '../hooks/http.ts';
import { storable } from '../output/storable.ts';
import { retryAfterMs } from '../provider/failure.ts';
import { attempt, BACKOFF_MAX_MS, backoffMs } from './attempt.ts';
import { LEFT_ALONE_MS, type Outbox, type SendEnd, type TakeRule } from './outbox.ts';

export interface Telling {
  clock: { now(): number; random(): number };
  /** Takes secrets out of errors before they are kept. */
  redact(text: string): string;
  /** Unix milliseconds; no new try begins after it. */
  deadline: number;
  /** Tries after the first, for each message; the hook's own without it. */
  retries?: number;
  /** The operation whose word goes before all others; with `only` nothing else is sent. */
  first?: string;
  only?: true;
  /** How long somebody else who sends to the same hook is waited for, in milliseconds; as long as a try without it. */
  patienceMs?: number;
}

/** What came of telling one hook. */
export interface Told {
  /** How many messages were sent. */
  sent: number;
  /** How often each operation's was tried. */
  attempts: ReadonlyMap<string, number>;
  /** What the receiver said to the last one, for the journal. */
  after?: unknown;
  /** Why it ended before nothing was left. */
  error?: unknown;
}

/** How often somebody who sends to the same hook is looked at. */
const LOOK_MS = 100;
/** The last moment that a date can say. */
const LAST_DATE_MS = 8.64e15;
/** The receiver has read this very message, and will not have it: that holds up no other. */
const UNWANTED = [400, 413, 414, 422];

/**
 * Sends what waits for one hook, in order, until nothing is left or something cannot be sent: then it waits, and all
 * that comes after it.
 * @throws CutoverError of the store
 */
export async function tellHook(outbox: Outbox, hook: Hook, telling: Telling): Promise<Told> {
  const { clock, deadline, first, only } = telling;
  const attempts = new Map<string, number>();
  const told: Told = { sent: 0, attempts };
  const retries = telling.retries ?? hook.retries;
  const rule: TakeRule & { passed: Set<number> } = {
    ...{ first, only, passed: new Set() },
    // As long as every try, every pause, and one wait that the receiver may ask for.
    budgetMs: hook.timeoutMs * (retries + 2) + BACKOFF_MAX_MS * retries,
  };
  const patience = Math.min(deadline, clock.now() + (telling.patienceMs ?? hook.timeoutMs));
  for (;;) {
    const taken = outbox.take(hook, rule);
    if (taken === null) return told;
    if (taken === 'busy') {
      // Whoever sends there goes on until nothing waits any more.
      if (clock.now() >= patience) return told;
      await pause(LOOK_MS);
      continue;
    }
    const { end, error } = await deliver(hook, taken.event, retries, telling);
    outbox.ended(taken, end);
    attempts.set(taken.operationId, (attempts.get(taken.operationId) ?? 0) + end.attempts);
    if (end.sent) {
      told.sent++;
      told.after = end.after;
      continue;
    }
    told.error = error;
    if (!(error instanceof Refused && UNWANTED.includes(error.status))) return told;
    rule.passed.add(taken.seq);
  }
}

/** Tries one message; a receiver that asks to be left alone is, for as long as one try may take. */
async function deliver(
  hook: Hook,
  event: HookEvent,
  retries: number,
  { clock, redact, deadline }: Telling,
): Promise<{ end: SendEnd; error?: unknown }> {
  let waited = 0;
  for (let attempts = 1; ; attempts++) {
    const bounds = { timeoutMs: hook.timeoutMs, retries: 0, deadline };
    const { value, error } = await attempt((signal) => hook.run(event, signal), bounds, clock);
    if (error === undefined)
      return { end: { sent: true, attempts, after: storable(value?.after ?? null, redact) } };
    const now = clock.now();
    const wanted = error instanceof Refused ? retryAfterMs(error.retryAfter, now) : undefined;
    const asked = wanted === undefined ? undefined : Math.min(wanted, LEFT_ALONE_MS);
    const wait = Math.max(backoffMs(attempts, clock.random()), asked ?? 0);
    waited += asked ?? 0;
    if (attempts > retries || waited > hook.timeoutMs || now + wait >= deadline) {
      const notBefore = asked === undefined ? null : now + asked;
      const text = [messageOf(error), ...pauseLines(now, wanted, notBefore)].join('; ');
      return { end: { sent: false, attempts, error: storable(text, redact), notBefore }, error };
    }
    await pause(wait);
  }
}

/** Until when the receiver wants to be left alone, and from when on it is tried again. */
function pauseLines(now: number, wanted: number | undefined, notBefore: number | null): string[] {
  if (wanted === undefined || notBefore === null) return [];
  const until = new Date(Math.min(now + wanted, LAST_DATE_MS)).toISOString();
  const from = new Date(notBefore).toISOString();
  return [
    `it asks to be left alone until ${until}`,
    `the next command ${until === from ? 'from then on' : `after ${from}`} tries again`,
  ];
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
