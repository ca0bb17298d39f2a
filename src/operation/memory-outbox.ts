import type { HookEvent } from '../hooks/hook.ts';
import { messageFor } from '../hooks/notify/message.ts';
import { asksFor } from '../hooks/notify/on.ts';
import { type Outbox, receiverOf, type Told } from './outbox.ts';
import { sameWord, type Word } from './word.ts';

interface Kept {
  seq: number;
  hook: string;
  label: string;
  event: HookEvent;
  attempts: number;
  error: string | null;
  outcome: 'sent' | 'waiting';
}

/**
 * The messages of an emergency that cannot use the database: they are known to this process alone.
 * @param onSent told of each that was sent
 */
export function memoryOutbox(
  onSent: (label: string, event: HookEvent) => void,
): Outbox & { put(word: Word, hooks: readonly Told[], positionOf: (hook: Told) => number): void } {
  const kept: Kept[] = [];
  const of = (hook: Told) => kept.filter((one) => one.hook === receiverOf(hook));
  return {
    put(word, hooks, positionOf) {
      for (const hook of hooks) {
        const earlier = of(hook);
        const last = earlier.at(-1);
        if (last && (word.running || sameWord(last.event, word))) continue;
        const key = `${word.operation.id}:${positionOf(hook)}${earlier.length === 0 ? '' : `:${earlier.length + 1}`}`;
        const event: HookEvent = { ...word, idempotencyKey: key };
        if (!asksFor(hook.on, event)) continue;
        const seq = kept.length + 1;
        const who = { hook: receiverOf(hook), label: hook.label };
        kept.push({ seq, ...who, event, attempts: 0, error: null, outcome: 'waiting' });
      }
    },
    take(hook, { passed }) {
      const last = of(hook).at(-1);
      if (!last || last.outcome === 'sent' || passed.has(last.seq)) return null;
      const untold = of(hook)
        .filter(({ seq, outcome }) => seq < last.seq && outcome === 'waiting')
        .map(({ event }) => messageFor(event).title);
      const { seq, attempts } = last;
      const event = { ...last.event, ...(untold.length > 0 ? { untold } : {}) };
      return { seq, operationId: event.operation.id, event, attempts };
    },
    ended({ seq }, end) {
      const message = kept[seq - 1] as Kept;
      message.attempts += end.attempts;
      if (!end.sent) {
        message.error = end.error;
        return;
      }
      message.outcome = 'sent';
      onSent(message.label, message.event);
    },
    delivery: (_operationId, hook) => of(hook).at(-1) ?? null,
  };
}
