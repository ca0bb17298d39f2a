import { readFileSync, readlinkSync, statSync } from 'node:fs';

/** A moment by the one clock of a machine that nobody can set. */
export interface Uptime {
  /** Which boot of which machine, as its time is seen by the process. */
  boot: string;
  /** Since that boot, in milliseconds. */
  ms: number;
}

/**
 * Now; null where the system does not tell. Read from the kernel, so that no process has its own, nor a container: what
 * lxcfs puts over the file is when the container began, and a time namespace has its own offset.
 */
export function uptime(): Uptime | null {
  const boot = bootId();
  const said = readOrNull(() => (isOfProc('/proc/uptime') ? readFileSync('/proc/uptime', 'latin1') : ''));
  const seconds = Number.parseFloat(said ?? '');
  if (boot === null || Number.isNaN(seconds)) return null;
  const namespace = readOrNull(() => readlinkSync('/proc/self/ns/time'));
  return { boot: namespace === null ? boot : `${boot} ${namespace}`, ms: Math.round(seconds * 1000) };
}

/** Whether a file of /proc is the kernel's, and nothing was put in its place. */
const isOfProc = (path: string): boolean => statSync(path).dev === statSync('/proc').dev;

/** Milliseconds from one moment to another; null when they are not of the same boot, or one is not known. Pure. */
export function msBetween(then: Uptime | null, now: Uptime | null): number | null {
  return then !== null && now !== null && then.boot === now.boot ? now.ms - then.ms : null;
}

/** Which boot of which machine this is. */
export function bootId(): string | null {
  return readOrNull(() => readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim());
}

/** What the system tells; null where it does not have it, or it is not ours to see. */
export function readOrNull(work: () => string): string | null {
  try {
    return work();
  } catch (error) {
    // Unknown, and told as that.
    void error;
    return null;
  }
}
