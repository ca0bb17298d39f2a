import type { HooksConfig } from '../config/hooks-schema.ts';
import type { Hooks } from './create.ts';
import type { HookHost } from './host.ts';

/** The hooks of a config, in its order. Their drivers are not loaded where there is none. */
export async function loadHooks(config: HooksConfig, host: HookHost): Promise<Hooks> {
  if (config.dns.length + config.notify.length === 0) return { dns: [], notify: [] };
  const { createHooks } = await import('./create.ts');
  return createHooks(config, host);
}
