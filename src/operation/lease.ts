import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { CutoverError, EXIT, systemCode } from '../errors.ts';
import type { Db } from '../store/open.ts';

/** The lease as it stands: who may change the world now. */
export interface Lease {
  token: number;
  operationId: string;
  actor: string;
  host: string;
  pid: number;
  /** Start time of the process, where the system tells: a reused pid is not the same process. */
  process: string | null;
  /** Unix milliseconds. */
  acquiredAt: number;
  heartbeatAt: number;
}

export interface Holder {
  actor: string;
  host: string;
  pid: number;
  process: string | null;
}

export const HEARTBEAT_MS = 1000;
/** A holder on another machine, whose process cannot be looked at, is taken for dead after this silence. */
export const STALE_AFTER_MS = 30_000;

interface LeaseRow {
  token: number;
  operation_id: string | null;
  actor: string | null;
  host: string | null;
  pid: number | null;
  process: string | null;
  acquired_at: number | null;
  heartbeat_at: number | null;
}

/** This process as a holder of the lease. */
export function thisHolder(actor: string): Holder {
  return { actor, host: hostname(), pid: process.pid, process: startTimeOf(process.pid) };
}

export function readLease(db: Db): { token: number; held: Lease | null } {
  const row = db.prepare('SELECT * FROM lease').get() as LeaseRow;
  if (row.operation_id === null) return { token: row.token, held: null };
  return {
    token: row.token,
    held: {
      token: row.token,
      operationId: row.operation_id,
      actor: row.actor ?? '?',
      host: row.host ?? '?',
      pid: row.pid ?? 0,
      process: row.process,
      acquiredAt: row.acquired_at ?? 0,
      heartbeatAt: row.heartbeat_at ?? 0,
    },
  };
}

/** Whether the holder is gone: its process has ended (same machine), or it has been silent too long. */
export function isStale(lease: Lease, now: number): boolean {
  if (lease.host === hostname()) {
    return !processRuns(lease.pid) || (lease.process !== null && startTimeOf(lease.pid) !== lease.process);
  }
  return now - lease.heartbeatAt > STALE_AFTER_MS;
}

/**
 * Takes the lease inside the caller's transaction and returns the new fencing token.
 * @param atLeast a token that must be exceeded besides the lease's own (an emergency knows the flag's)
 * @param force takes it from a live holder too: an emergency
 * @throws CutoverError LEASE_HELD (75) with who holds it and since when.
 */
export function takeLease(
  db: Db,
  holder: Holder,
  operationId: string,
  options: { now: number; atLeast?: number; force?: boolean },
): number {
  const { token, held } = readLease(db);
  if (held && !options.force && !isStale(held, options.now)) throw leaseHeld(held, options.now);
  const next = Math.max(token + 1, options.atLeast ?? 0);
  db.prepare(
    `UPDATE lease SET token = ?, operation_id = ?, actor = ?, host = ?, pid = ?, process = ?,
       acquired_at = ?, heartbeat_at = ?`,
  ).run(next, operationId, holder.actor, holder.host, holder.pid, holder.process, options.now, options.now);
  return next;
}

/** @throws CutoverError FENCED (75) when another operation has taken the lease. */
export function assertHeld(db: Db, token: number): void {
  const row = db.prepare('SELECT token, actor FROM lease').get() as { token: number; actor: string | null };
  if (row.token === token) return;
  throw new CutoverError(
    'FENCED',
    EXIT.notNow,
    `${row.actor ?? 'another operation'} has taken over; stopped here`,
    {
      hint: 'see `cutover status`',
    },
  );
}

export function beat(db: Db, token: number, now: number): void {
  db.prepare('UPDATE lease SET heartbeat_at = ? WHERE token = ?').run(now, token);
}

/** Gives the lease back; nothing happens when another operation has it by now. */
export function releaseLease(db: Db, token: number): void {
  db.prepare('UPDATE lease SET operation_id = NULL WHERE token = ?').run(token);
}

export function leaseHeld(lease: Lease, now: number): CutoverError {
  const age = Math.max(0, Math.round((now - lease.acquiredAt) / 1000));
  return new CutoverError(
    'LEASE_HELD',
    EXIT.notNow,
    `${lease.actor} is running operation ${lease.operationId} (process ${lease.pid} on ${lease.host}, for ${age} s)`,
    { hint: 'wait for it (--wait 30s); in an emergency: `cutover rollback --emergency`' },
  );
}

function processRuns(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return !isZombie(pid);
  } catch (error) {
    return systemCode(error) === 'EPERM';
  }
}

function procStat(pid: number): string[] | null {
  try {
    // The second field, the command's name, may hold spaces; the fields after its ')' do not.
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  } catch {
    // No /proc on this system, or no such process: the caller goes by the pid alone.
    return null;
  }
}

const isZombie = (pid: number): boolean => procStat(pid)?.[0] === 'Z';

/** Field 22 of /proc/PID/stat: clock ticks from boot to the start of the process. */
function startTimeOf(pid: number): string | null {
  return procStat(pid)?.[19] ?? null;
}
