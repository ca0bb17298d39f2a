import { unnumbered } from '../rollback/dns-steps.ts';
import type { Db } from '../store/open.ts';
import type { Side } from '../world.ts';
import { holderState } from './holder.ts';
import type { OpenCall } from './journal.ts';
import type { Holder } from './lease.ts';
import { commandsOf, seesAllCommands } from './rivals.ts';

interface Row extends Omit<OpenCall, 'holder' | 'ended'> {
  label: string;
  outcome: string;
  holder: string | null;
}

/** See the journal's `openCalls`. @param id the operation that asks */
export function openCalls(db: Db, id: string, label: string, provider: Side): OpenCall[] {
  const rows = db
    .prepare(
      `SELECT o.id, o.kind, o.holder, s.position, s.driver, s.label, s.outcome, s.started_at AS since
         FROM steps s JOIN operations o ON o.id = s.operation_id
        WHERE s.kind = 'dns' AND s.driver IN ('exec', 'webhook') AND s.started_at IS NOT NULL AND o.id <> ?
          AND json_extract(o.plan, '$.to.activeProvider') <> ?
          AND (s.outcome = 'running' OR (s.outcome = 'failed' AND EXISTS (
            SELECT 1 FROM history h WHERE h.operation_id = o.id AND h.event = 'step failed'
               AND json_extract(h.detail, '$.label') = s.label AND json_extract(h.detail, '$.code') = 'TIMEOUT')))
        ORDER BY o.seq, s.position`,
    )
    .all(id, provider) as Row[];
  return rows
    .filter((row) => unnumbered(row.label) === unnumbered(label))
    .map(({ outcome, label: _label, holder, ...row }) => ({
      ...row,
      holder: holder === null ? null : (JSON.parse(holder) as Holder),
      ended: outcome !== 'running',
    }));
}

/** What can be seen of a call from here. */
export interface CallSeen {
  /** Processes of its command. */
  commands: readonly string[];
  /** Nobody is left who could end it, and all commands can be seen. */
  gone: boolean;
}

/** The key that a call is known by; that after another operation's has its own, as a receiver may drop one it knows. */
export const callKey = (id: string, position: number, again = false): string =>
  `${id}:${position}${again ? ':again' : ''}`;

export function seeCall({
  id,
  position,
  driver,
  holder,
}: Pick<OpenCall, 'id' | 'position' | 'driver' | 'holder'>): CallSeen {
  if (driver !== 'exec') return { commands: [], gone: false };
  const commands = [callKey(id, position), callKey(id, position, true)].flatMap(commandsOf);
  return { commands, gone: holder !== null && holderState(holder) === 'gone' && seesAllCommands() };
}

/**
 * Whether what a call has asked for may still come. A command is over when it has ended; a request, and a command that
 * cannot be seen, when its time is. Pure.
 * @param withinMs how long after its beginning it may come by itself
 */
export function mayStillCome(
  { driver, since, ended }: Pick<OpenCall, 'driver' | 'since' | 'ended'>,
  { commands, gone }: CallSeen,
  { now, withinMs }: { now: number; withinMs: number },
): boolean {
  if (commands.length > 0) return true;
  if (driver === 'exec' && (ended || gone)) return false;
  return Math.abs(now - since) < withinMs;
}
