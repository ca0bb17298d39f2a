import { readdirSync, readFileSync } from 'node:fs';
import type { FlagDriver } from '../flag/driver.ts';
import type { Db } from '../store/open.ts';
import { type Holder, holderState } from './holder.ts';

/** Somebody who may still write the flag for an operation that has lost; in words. */
export type Rival = string;

interface Writer {
  id: string;
  kind: string;
  holder: string;
  driver: string;
  startedAt: number | null;
}

/**
 * The operations other than `id` that were at their flag when they lost the lease, and whose process is not known
 * to be gone; of one that is gone, the request that it may have left under way.
 * @param lastHolderOf the operation that held the lease right before: only of that one does an unknown process count,
 *   as an older one was seen to be gone by whoever took the lease from it
 * @param requests now (Unix ms), and how long a request to the flag's server may take at most (ms)
 */
export function rivalOperations(
  db: Db,
  id: string,
  lastHolderOf: string | null,
  requests: { now: number; timeoutMs: number },
): Rival[] {
  const writers = db
    .prepare(
      `SELECT o.id, o.kind, o.holder, s.driver, s.started_at AS startedAt
         FROM operations o JOIN steps s ON s.operation_id = o.id AND s.kind = 'flag'
        WHERE o.id <> ? AND o.holder IS NOT NULL
          AND (s.outcome = 'running' OR (s.outcome = 'failed' AND coalesce(o.outcome, 'undone') IN ('undone', 'superseded')))
        ORDER BY o.seq`,
    )
    .all(id) as Writer[];
  return writers.flatMap((writer) => {
    const holder = JSON.parse(writer.holder) as Holder;
    const state = holderState(holder);
    const name = `the ${writer.kind} ${writer.id}`;
    if (state === 'gone') return mayArrive(writer, requests) ? [`a request that ${name} left under way`] : [];
    if (state === 'unknown' && writer.id !== lastHolderOf) return [];
    return [`${name} (process ${holder.pid} on ${holder.host})`];
  });
}

/** A server may still carry out what a process asked for before it died. */
function mayArrive(
  { driver, startedAt }: Writer,
  { now, timeoutMs }: { now: number; timeoutMs: number },
): boolean {
  const age = now - (startedAt ?? 0);
  return driver === 'webhook' && age >= 0 && age < timeoutMs;
}

/**
 * Commands that set this flag for another operation than `id` and still run on this machine, also after the process
 * that started them was killed: they carry the change in their environment.
 */
export function rivalCommands(flag: FlagDriver, id: string): Rival[] {
  const marks = Object.entries(flag.commandMarks ?? {});
  if (marks.length === 0) return [];
  return processIds().flatMap((pid) => {
    const variables = environmentOf(pid);
    const operation = variables.get('CUTOVER_OPERATION_ID');
    if (operation === undefined || operation === id || !variables.has('CUTOVER_FLAG_RATIO')) return [];
    if (marks.some(([name, value]) => variables.get(name) !== value)) return [];
    return [`a command of ${operation} (process ${pid})`];
  });
}

function processIds(): string[] {
  try {
    return readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  } catch {
    // A system without /proc: only the operations' own processes can be looked at.
    return [];
  }
}

function environmentOf(pid: string): Map<string, string> {
  try {
    const text = readFileSync(`/proc/${pid}/environ`, 'utf8');
    return new Map(
      text.split('\0').map((line): [string, string] => {
        const at = line.indexOf('=');
        return [line.slice(0, at), line.slice(at + 1)];
      }),
    );
  } catch {
    // It has ended, or is another user's, who cannot run commands of ours.
    return new Map();
  }
}
