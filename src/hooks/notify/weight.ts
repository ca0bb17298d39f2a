import type { HookEvent } from '../hook.ts';

/** What stands until something ends it, for receivers that keep incidents. */
export type Trouble = 'rollback' | 'emergency' | 'failed' | 'fail';

const TROUBLES: readonly Trouble[] = ['rollback', 'emergency', 'failed', 'fail'];
/** What is over as soon as something has ended well, whichever way it led. */
const MENDED: readonly Trouble[] = ['failed', 'fail'];

/** How much a message weighs. */
export interface Weight {
  /** `info`: it went as planned. `warning`: back to legacy on purpose. `critical`: an emergency, or not as planned. */
  level: 'info' | 'warning' | 'critical';
  /** For receivers that keep one incident: whether it begins with this, is over with it, or neither. */
  trouble: 'begins' | 'ends' | 'neither';
  /** For receivers that keep several: the one that begins, and those that are over. */
  begins: Trouble | null;
  over: readonly Trouble[];
}

/** What an event weighs. Pure. */
export function weightOf(event: HookEvent): Weight {
  const failed = event.steps.some(({ kind, outcome }) => kind !== 'notify' && outcome === 'failed');
  // What comes after its time changes no incident: a later message has.
  const begins = event.late ? null : beginningOf(event, failed);
  const over = event.late || failed ? [] : endingOf(event);
  const left = (event.standing ?? []).filter((trouble) => !over.includes(trouble));
  const ends = over.length > 0 && left.length === 0;
  const trouble = begins ? 'begins' : ends ? 'ends' : 'neither';
  return { level: levelOf(event, failed), trouble, begins, over };
}

function levelOf({ operation: { kind }, endedBy }: HookEvent, failed: boolean): Weight['level'] {
  if (endedBy) return 'warning';
  if (kind === 'emergency' || kind === 'canary FAIL' || failed) return 'critical';
  return kind === 'rollback' || kind === 'freeze' ? 'warning' : 'info';
}

function beginningOf({ operation: { kind }, endedBy }: HookEvent, failed: boolean): Trouble | null {
  if (endedBy) return null;
  if (kind === 'emergency') return 'emergency';
  if (kind === 'canary FAIL') return 'fail';
  if (failed) return 'failed';
  return kind === 'rollback' ? 'rollback' : null;
}

/** The way forward ends every trouble; any other way only what went wrong before it. */
function endingOf({ operation, from, to, endedBy, running, standing = [] }: HookEvent): readonly Trouble[] {
  const { kind } = operation;
  if (endedBy || running || kind === 'freeze' || kind === 'unfreeze' || kind === 'canary FAIL') return [];
  const forward = kind === 'canary start' || kind === 'shift';
  if (forward && (to.ratio > from.ratio || to.status === 'complete')) return TROUBLES;
  return MENDED.filter((trouble) => standing.includes(trouble));
}
