import type { LoadedConfig } from '../config/load.ts';
import { createSecrets, type Secrets } from '../config/secrets.ts';
import type { Context } from './context.ts';

/** The secrets of a config, kept out of all output from now on, whether they are ever used or not. */
export function secretsOf(ctx: Context, { dir, text }: Pick<LoadedConfig, 'dir' | 'text'>): Secrets {
  const secrets = createSecrets(ctx.env, dir, ctx.redactor);
  secrets.expect(() => text);
  return secrets;
}
