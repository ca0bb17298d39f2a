import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { delimiter, join } from 'node:path';

/** A real server that some tests drive. */
export interface Required {
  /** For the line on stderr, e.g. `BIND`. */
  name: string;
  /** Programs that must be there. */
  commands?: readonly string[];
  /** npm packages that must be there. */
  packages?: readonly string[];
}

/** Where daemons are kept, which the PATH of a user often leaves out. */
const DAEMON_FOLDERS = ['/usr/sbin', '/usr/local/sbin', '/sbin'];
const resolver = createRequire(import.meta.url);

/**
 * Whether a server is installed; use it as `describe.skipIf(!installed(…))`. A missing one is said loudly, as tests
 * that did not run look like tests that passed.
 * @throws when it is missing and CUTOVER_REQUIRE_SERVERS=1, as in CI
 */
export function installed({ name, commands = [], packages = [] }: Required): boolean {
  const missing = [
    ...commands.filter((each) => !pathOf(each)),
    ...packages.filter((each) => !hasPackage(each)),
  ];
  if (missing.length === 0) return true;
  const what = `${name} is not installed (${missing.join(', ')})`;
  if (process.env.CUTOVER_REQUIRE_SERVERS === '1') {
    throw new Error(`${what}, and CUTOVER_REQUIRE_SERVERS=1: run .ci/install-servers`);
  }
  process.stderr.write(
    `\n*** SKIPPED: ${what}; its tests did not run. Install it with .ci/install-servers ***\n\n`,
  );
  return false;
}

/** Absolute path of a program, or undefined. */
export function pathOf(command: string): string | undefined {
  const folders = [...(process.env.PATH ?? '').split(delimiter), ...DAEMON_FOLDERS];
  return folders.map((folder) => join(folder, command)).find((path) => existsSync(path));
}

function hasPackage(name: string): boolean {
  try {
    resolver.resolve(name);
    return true;
  } catch (error) {
    // Not installed: that is the answer.
    void error;
    return false;
  }
}
