import { readFileSync } from 'node:fs';

/** A moment by the one clock of a machine that nobody can set. */
export interface Uptime {
  /** Which boot of which machine. */
  boot: string;
  /** Since that boot, in milliseconds. */
  ms: number;
}

/** Now; null where the system does not tell. Read from the kernel, so that no process has its own. */
export function uptime(): Uptime | null {
  const boot = bootId();
  const seconds = Number.parseFloat(readOrNull(() => readFileSync('/proc/uptime', 'latin1')) ?? '');
  return boot === null || Number.isNaN(seconds) ? null : { boot, ms: Math.round(seconds * 1000) };
}

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
