import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';
import { systemCode } from '../errors.ts';
import { bootId, readOrNull } from './uptime.ts';

/** A process that holds the lease, or has begun an emergency. What the system does not tell is null. */
export interface Holder {
  actor: string;
  host: string;
  pid: number;
  /** Start time of the process: a reused pid is not the same process. */
  process: string | null;
  /** Which boot of which machine. */
  boot: string | null;
  /** The PID namespace in which `pid` counts. */
  namespace: string | null;
  /** Whose processes it starts: user and namespace of users. Absent in what an older cutover has kept. */
  user?: string | null;
  /** Of one that has lost the lease: its last heartbeat, Unix milliseconds by its own clock. */
  heartbeatAt?: number;
  /** A person has said that it is gone. */
  givenUp?: true;
}

/** How far the clocks of two hosts, or of one before and after it was set, may be apart. */
export const CLOCKS_MS = 5 * 60_000;

export type HolderState = 'running' | 'gone' | 'unknown';

/** This process as a holder of the lease. */
export function thisHolder(actor: string): Holder {
  return {
    actor,
    host: hostname(),
    pid: process.pid,
    process: startTime(procStat('self')),
    boot: bootId(),
    namespace: pidNamespace(),
    user: thisUser(),
  };
}

/**
 * Whether a holder still runs, as far as it can be known from here. `gone` is said only of a process of this boot and
 * this PID namespace; whoever cannot be seen is `unknown`, and then only its heartbeat tells.
 */
export function holderState(holder: Holder): HolderState {
  const { host, pid, boot, namespace } = holder;
  if (!boot || boot !== bootId() || host !== hostname()) return 'unknown';
  if (!namespace || namespace !== pidNamespace()) return 'unknown';
  if (!Number.isInteger(pid) || pid < 1) return 'unknown';
  if (!pidExists(pid)) return 'gone';
  const stat = seesOwnProcesses() ? procStat(String(pid)) : null;
  // Somebody has this pid, but who cannot be seen (another user's, hidden).
  if (stat === null || !holder.process) return 'unknown';
  const ended = stat[0] === 'Z' || stat[0] === 'X';
  return ended || startTime(stat) !== holder.process ? 'gone' : 'running';
}

/** Root sees what all users run, unless it is root in a namespace of users of its own alone; others see their own. */
export function seesCommandsOf({ user }: Pick<Holder, 'user'>): boolean {
  if (!seesOwnProcesses()) return false;
  const all =
    process.geteuid?.() === 0 && readOrNull(() => readFileSync('/proc/1/environ', 'latin1')) !== null;
  return all || (typeof user === 'string' && user === thisUser());
}

function thisUser(): string | null {
  const namespace = readOrNull(() => readlinkSync('/proc/self/ns/user'));
  return namespace === null ? null : `${process.geteuid?.()} ${namespace}`;
}

function pidNamespace(): string | null {
  return readOrNull(() => readlinkSync('/proc/self/ns/pid'));
}

/** /proc may be that of another PID namespace, where the same pid is another process. */
function seesOwnProcesses(): boolean {
  return readOrNull(() => readlinkSync('/proc/self')) === String(process.pid);
}

function pidExists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return systemCode(error) !== 'ESRCH';
  }
}

/** The fields of /proc/PID/stat after the command's name, which may hold spaces; null where there is none. */
function procStat(pid: string): string[] | null {
  const stat = readOrNull(() => readFileSync(`/proc/${pid}/stat`, 'latin1'));
  return stat === null ? null : stat.slice(stat.lastIndexOf(')') + 2).split(' ');
}

/** Field 22 of /proc/PID/stat: clock ticks from boot to the start of the process. */
function startTime(stat: string[] | null): string | null {
  return stat?.[19] ?? null;
}
