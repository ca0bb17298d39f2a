import type { Config, HookConfig } from '../config/schema.ts';
import type { Secrets } from '../config/secrets.ts';
import { hookVariables, runCommand } from './exec.ts';
import type { Hook, HookEvent } from './hook.ts';
import { callHttp } from './http.ts';

/** What hooks need of their surroundings. */
export interface HookHost {
  /** Folder of the config: commands run there. */
  dir: string;
  env: Readonly<Record<string, string | undefined>>;
  secrets: Secrets;
}

export interface Hooks {
  dns: Hook[];
  notify: Hook[];
}

/** The hooks of a config, in its order. Nothing is resolved or contacted before a hook runs. */
export function createHooks(config: Config['hooks'], host: HookHost): Hooks {
  return {
    dns: config.dns.map((entry, index) => createHook(entry, `dns[${index}]`, host)),
    notify: config.notify.map((entry, index) => createHook(entry, `notify[${index}]`, host)),
  };
}

function createHook(entry: HookConfig, key: string, host: HookHost): Hook {
  const shared = { driver: entry.driver, timeoutMs: entry.timeout, retries: entry.retries };
  switch (entry.driver) {
    case 'exec':
      return {
        ...shared,
        label: `${key} exec ${entry.command[0]}`,
        run: async (event, signal) => ({ after: await runExec(entry.command, event, host, signal) }),
      };
    case 'webhook':
      return {
        ...shared,
        label: `${key} webhook`,
        run: async (event, signal) => ({
          after: await runWebhook(entry, `hooks.${key}`, event, host, signal),
        }),
      };
  }
}

async function runExec(
  command: string[],
  event: HookEvent,
  host: HookHost,
  signal: AbortSignal,
): Promise<string> {
  const env = { ...host.env, ...hookVariables(event) };
  const said = await runCommand(command, { cwd: host.dir, env, input: JSON.stringify(event), signal });
  return host.secrets.redact(said.trim()).slice(0, 500);
}

async function runWebhook(
  entry: Extract<HookConfig, { driver: 'webhook' }>,
  where: string,
  event: HookEvent,
  host: HookHost,
  signal: AbortSignal,
): Promise<string> {
  const headers = Object.entries(entry.headers).map(([name, value]) => [
    name,
    host.secrets.resolve(value, `${where}.headers.${name}`),
  ]);
  const { status } = await callHttp({
    method: 'POST',
    url: host.secrets.resolve(entry.url, `${where}.url`),
    headers: {
      'content-type': 'application/json',
      'idempotency-key': event.idempotencyKey,
      ...Object.fromEntries(headers),
    },
    body: JSON.stringify(event),
    signal,
  });
  return `HTTP ${status}`;
}
