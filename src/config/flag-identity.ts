import type { FlagConfig } from './schema.ts';

/** Two configs with the same identity mean the same flag, whatever their timeouts are. */
export function flagIdentity(flag: FlagConfig): string {
  switch (flag.driver) {
    case 'file':
      return JSON.stringify([flag.driver, flag.path, flag.key]);
    case 'exec':
      return JSON.stringify([flag.driver, ...flag.command]);
    case 'webhook':
      return JSON.stringify([flag.driver, flag.url]);
  }
}
