import type { HookEvent, HookResult } from '../../src/hooks/hook.ts';
import type { DnsRecordSet, RecordMove } from '../../src/world.ts';
import { hookEvent } from './hooks.ts';

/** What a step did, as the journal gives it to a way back. */
export function movesOf({ before, after }: HookResult): RecordMove[] {
  const [found, wrote] = JSON.parse(JSON.stringify([before, after])) as [DnsRecordSet[], DnsRecordSet[]];
  return found.map((to, index) => ({ from: wrote[index] as DnsRecordSet, to }));
}

/** The event of a way back that puts these back. */
export const restoring = (restore: RecordMove[], more: Partial<HookEvent> = {}): HookEvent =>
  hookEvent({ step: 'dns', provider: 'legacy', restore, ...more });
