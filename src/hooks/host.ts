import type { Secrets } from '../config/secrets.ts';

/** What hooks need of their surroundings. */
export interface HookHost {
  /** Folder of the config: commands run there, relative paths start there. */
  dir: string;
  env: Readonly<Record<string, string | undefined>>;
  secrets: Secrets;
  /** Unix milliseconds; the system's clock when it is left out. */
  now?(): number;
}
