import { readdirSync, readFileSync } from 'node:fs';

/** The processes that were started in a world, by the mark in their environment: pid and command line. */
export function processesOf(dir: string): { pid: number; command: string }[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        const environment = readFileSync(`/proc/${name}/environ`, 'latin1').split('\0');
        if (!environment.includes(`CUTOVER_TEST_WORLD=${dir}`)) return [];
        const command = readFileSync(`/proc/${name}/cmdline`, 'latin1').replaceAll('\0', ' ').trim();
        return [{ pid: Number(name), command }];
      } catch (error) {
        // It has ended, or it belongs to somebody else.
        void error;
        return [];
      }
    });
}
