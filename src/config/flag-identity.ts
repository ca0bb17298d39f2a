import { resolve } from 'node:path';
import type { PlacedFlag } from './snapshot.ts';

/** Two configs with the same identity mean the same flag, whatever their timeouts are. */
export function flagIdentity({ flag, dir }: PlacedFlag): string {
  switch (flag.driver) {
    case 'file':
      return JSON.stringify([flag.driver, resolve(dir, flag.path), flag.key]);
    case 'exec':
      // Everybody's checkout has a copy of the same command.
      return JSON.stringify([flag.driver, ...flag.command]);
    case 'webhook':
      return JSON.stringify([flag.driver, flag.url]);
  }
}
