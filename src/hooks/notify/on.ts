import type { HookEvent } from '../hook.ts';

/** What a notify hook may ask to be told of (`on` in the config). */
export const NOTIFY_ON = ['forward', 'rollback', 'failed', 'freeze', 'fail'] as const;
export type NotifyOn = (typeof NOTIFY_ON)[number];

/** A hook that asks for nothing in particular is told of every operation, and of nothing else. */
const DEFAULT: readonly NotifyOn[] = ['forward', 'rollback', 'failed'];

/** Whether a hook asks to be told of an event. Pure. */
export function asksFor(on: readonly NotifyOn[] | undefined, event: HookEvent): boolean {
  return kindsOf(event).some((kind) => (on ?? DEFAULT).includes(kind));
}

/** An operation that failed is told to those who ask for its direction too. */
function kindsOf({ operation, outcome, steps }: HookEvent): NotifyOn[] {
  const failed =
    outcome !== 'done' && (outcome !== undefined || steps.some((one) => one.outcome === 'failed'));
  const more: NotifyOn[] = failed ? ['failed'] : [];
  switch (operation.kind) {
    case 'freeze':
    case 'unfreeze':
      return ['freeze'];
    case 'canary FAIL':
      return ['fail'];
    case 'rollback':
    case 'emergency':
      return ['rollback', ...more];
    case 'canary start':
    case 'shift':
    case 'dns apply':
      return ['forward', ...more];
  }
}
