import { execFileSync } from 'node:child_process';
import { getuid } from 'node:process';

/** What this machine can play: some dimensions of a history need root and Linux. */
export interface Means {
  /** Hosts of their own: UTS and PID namespaces. */
  hosts: boolean;
  /** Commands as root and as `nobody`. */
  users: boolean;
  /** What makes a process see another time of day: its LD_PRELOAD. */
  clock: string | null;
}

/** The user that is not root. */
export const NOBODY = 65_534;

/** Processes are looked at where Linux shows them. */
export const canPlay = process.platform === 'linux';

/**
 * Finds out by trying. What is missing is said loudly, as a test that did not run looks like one that passed.
 * @throws when something is missing and CUTOVER_REQUIRE_SERVERS=1, as in CI
 */
export function lookForMeans(): Means {
  const users = getuid?.() === 0 && runs('setpriv', ['--reuid', `${NOBODY}`, '--clear-groups', 'true']);
  const hosts =
    runs('unshare', ['--uts', '--pid', '--fork', '--mount-proc', 'hostname', 'a']) && runs('nsenter', ['-V']);
  // The library's own loader expands the path; -m is for programs with threads.
  const clock = said('faketime', ['-m', '-f', '+0s', 'printenv', 'LD_PRELOAD']);
  const missing = [
    users ? '' : 'a second user (root, setpriv)',
    hosts ? '' : 'a second host (root, unshare, nsenter)',
    clock ? '' : 'a clock that is wrong (faketime)',
  ].filter((each) => each !== '');
  if (missing.length > 0) {
    if (process.env.CUTOVER_REQUIRE_SERVERS === '1') {
      throw new Error(
        `histories need ${missing.join(', ')}, and CUTOVER_REQUIRE_SERVERS=1: run .ci/install-servers`,
      );
    }
    process.stderr.write(`\n*** SKIPPED: histories run without ${missing.join(', ')} ***\n\n`);
  }
  return { hosts, users, clock };
}

function said(command: string, args: string[]): string | null {
  try {
    return execFileSync(command, args, { stdio: ['ignore', 'pipe', 'ignore'], encoding: 'utf8' }).trim();
  } catch (error) {
    // Not there, or not allowed: that is the answer.
    void error;
    return null;
  }
}

const runs = (command: string, args: string[]) => said(command, args) !== null;
