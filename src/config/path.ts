import { resolve } from 'node:path';
import { CutoverError, EXIT } from '../errors.ts';

/** A config is written by hand: a file that is longer is none. */
export const MAX_CONFIG_BYTES = 4_000_000;

const DEFAULT_NAME = 'cutover.yaml';

/**
 * Which config file is meant: the flag, then CUTOVER_CONFIG, then ./cutover.yaml.
 * @throws CutoverError USAGE (64) for one that is named and empty, as an unset variable leaves it
 */
export function configPath(
  cwd: string,
  flag: string | undefined,
  env: Readonly<Record<string, string | undefined>>,
): { path: string; asked: boolean } {
  const asked = flag ?? env.CUTOVER_CONFIG;
  if (asked === '') {
    const what = flag === undefined ? 'CUTOVER_CONFIG is empty: it' : '-c';
    throw new CutoverError('USAGE', EXIT.usage, `${what} needs a path`, {
      hint: 'leave it away for ./cutover.yaml',
    });
  }
  return { path: resolve(cwd, asked ?? DEFAULT_NAME), asked: asked !== undefined };
}
