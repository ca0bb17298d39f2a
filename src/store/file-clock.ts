import { closeSync, openSync, rmSync, statSync } from 'node:fs';

/**
 * The time that a file written now beside `path` would get, in Unix milliseconds: the clock of the file system, which
 * all who use the state share, however wrong the clocks of their hosts are.
 */
export function fileSystemNow(path: string): number {
  const probe = `${path}.${process.pid}.now`;
  // One that was killed here may have left it, and its number may be this one's by now.
  rmSync(probe, { force: true });
  closeSync(openSync(probe, 'wx', 0o600));
  try {
    return statSync(probe).mtimeMs;
  } finally {
    rmSync(probe, { force: true });
  }
}
