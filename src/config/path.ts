import { resolve } from 'node:path';

/** A config is written by hand: a file that is longer is none. */
export const MAX_CONFIG_BYTES = 4_000_000;

const DEFAULT_NAME = 'cutover.yaml';

/** Which config file is meant: the flag, then CUTOVER_CONFIG, then ./cutover.yaml. */
export function configPath(
  cwd: string,
  flag: string | undefined,
  env: Readonly<Record<string, string | undefined>>,
): { path: string; asked: boolean } {
  const asked = flag ?? env.CUTOVER_CONFIG;
  return { path: resolve(cwd, asked ?? DEFAULT_NAME), asked: asked !== undefined };
}
