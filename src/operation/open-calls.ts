import { isSilent, type SilentName } from '../rollback/silent.ts';
import type { Db } from '../store/open.ts';
import type { Side } from '../world.ts';
import { holderState, seesCommandsOf } from './holder.ts';
import type { OpenCall } from './journal.ts';
import type { Holder } from './lease.ts';
import { commandsOf } from './rivals.ts';
import { UNANSWERED } from './unanswered.ts';

interface NameRow {
  label: string;
  receiver: string | null;
}

interface Row extends NameRow, Omit<OpenCall, 'holder' | 'ended'> {
  outcome: string;
  holder: string | null;
  /** The names of steps on a way back that came after it, as a JSON array. */
  outlasted: string;
}

/** See the journal's `openCalls`. @param id the operation that asks */
export function openCalls(db: Db, id: string, name: SilentName, provider: Side): OpenCall[] {
  const rows = db
    .prepare(
      `${UNANSWERED}
       SELECT o.id, o.kind, o.holder, s.position, s.driver, s.label, s.outcome,
              coalesce(json_extract(o.plan, '$.steps[' || s.position || '].timeoutMs'), 0) AS timeoutMs,
              json_extract(o.plan, '$.steps[' || s.position || '].receiver') AS receiver,
              (SELECT json_group_array(json_object('label', t.label,
                        'receiver', json_extract(b.plan, '$.steps[' || t.position || '].receiver')))
                 FROM steps t JOIN operations b ON b.id = t.operation_id
                WHERE b.seq > o.seq AND b.id <> $id AND b.kind IN ('rollback', 'emergency')
                  AND json_extract(b.plan, '$.to.activeProvider') <> json_extract(o.plan, '$.to.activeProvider')
                  AND t.kind = 'dns' AND t.outcome = 'done') AS outlasted
         FROM steps s JOIN operations o ON o.id = s.operation_id
        WHERE s.kind = 'dns' AND s.driver IN ('exec', 'webhook') AND s.started_at IS NOT NULL AND o.id <> $id
          AND json_extract(o.plan, '$.to.activeProvider') <> $provider
          AND (s.outcome = 'running' OR (s.operation_id, s.label) IN unanswered)
        ORDER BY o.seq, s.position`,
    )
    .all({ id, provider }) as Row[];
  const ours = (row: NameRow) => isSilent(name)(nameIn(row));
  return rows
    .filter(ours)
    .filter(({ outlasted }) => !(JSON.parse(outlasted) as NameRow[]).some(ours))
    .map(({ outcome, label: _label, receiver: _receiver, outlasted: _outlasted, holder, ...row }) => ({
      ...row,
      holder: holder === null ? null : (JSON.parse(holder) as Holder),
      ended: outcome !== 'running',
    }));
}

const nameIn = ({ label, receiver }: NameRow): SilentName => ({
  label,
  ...(receiver !== null && { receiver }),
});

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
  return { commands, gone: holder !== null && holderState(holder) === 'gone' && seesCommandsOf(holder) };
}

/**
 * Whether what a call has asked for may still come. A command is over when it was seen and has ended; a request, and a
 * command that was not seen, as one that clears its environment is not, when its time is. That is counted from when it
 * was looked for first: when it began is known only by a clock that may be another, or have been set. Pure.
 * @param forMs how long it has been looked at; withinMs how long after its beginning it may come by itself; wasSeen: its
 *   command was there at an earlier look
 */
export function mayStillCome(
  { driver, ended }: Pick<OpenCall, 'driver' | 'ended'>,
  { commands, gone }: CallSeen,
  { forMs, withinMs, wasSeen }: { forMs: number; withinMs: number; wasSeen: boolean },
): boolean {
  if (commands.length > 0) return true;
  if (driver === 'exec' && (ended || (gone && wasSeen))) return false;
  return forMs < withinMs;
}
