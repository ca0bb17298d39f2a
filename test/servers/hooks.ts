import { configSchema } from '../../src/config/schema.ts';
import { createSecrets } from '../../src/config/secrets.ts';
import { createHooks, type Hooks } from '../../src/hooks/create.ts';
import type { HookEvent } from '../../src/hooks/hook.ts';

/** The hooks of a config that has these entries. */
export function hooksOf(
  entries: { dns?: unknown[]; notify?: unknown[] },
  host: { dir: string; env?: Readonly<Record<string, string | undefined>>; now?(): number },
): Hooks {
  const provider = { name: 'x', baseUrl: 'http://127.0.0.1:1/v1' };
  const { hooks } = configSchema.parse({
    migration: 'chat-prod',
    providers: { legacy: provider, target: provider },
    hooks: entries,
  });
  const env = host.env ?? {};
  return createHooks(hooks, { ...host, env, secrets: createSecrets(env, host.dir) });
}

/** A shift from 50 % to 100 % that went well, with whatever a test needs to be different. */
export function hookEvent(change: Partial<HookEvent> = {}): HookEvent {
  return {
    schemaVersion: 1,
    migration: 'chat-prod',
    step: 'notify',
    operation: { id: 'op-1', kind: 'shift' },
    idempotencyKey: 'op-1:2',
    from: { status: 'rolling', ratio: 0.5, activeProvider: 'legacy' },
    to: { status: 'complete', ratio: 1, activeProvider: 'target' },
    provider: 'target',
    reason: 'all guardrails hold',
    actor: 'ann@laptop',
    steps: [{ kind: 'flag', driver: 'file', label: 'file flags.json', outcome: 'done', error: null }],
    undo: 'cutover rollback --to 7',
    ...change,
  };
}

/** A rollback from 25 % to 0 % whose DNS step failed. */
export function rollbackEvent(change: Partial<HookEvent> = {}): HookEvent {
  return hookEvent({
    operation: { id: 'op-2', kind: 'rollback' },
    idempotencyKey: 'op-2:2',
    from: { status: 'rolling', ratio: 0.25, activeProvider: 'legacy' },
    to: { status: 'rollback', ratio: 0, activeProvider: 'legacy' },
    provider: 'legacy',
    reason: 'latency is up',
    steps: [
      { kind: 'flag', driver: 'file', label: 'file flags.json', outcome: 'done', error: null },
      {
        kind: 'dns',
        driver: 'exec',
        label: 'dns[0] exec ./dns',
        outcome: 'failed',
        error: 'exit 1: no route',
      },
    ],
    undo: 'cutover rollback --to 9 --force --reason "…"',
    ...change,
  });
}

/** What `work` throws; fails when it does not throw. */
export async function faultOf(
  work: Promise<unknown>,
): Promise<{ code: string; message: string; hint?: string }> {
  try {
    await work;
  } catch (error) {
    return error as { code: string; message: string; hint?: string };
  }
  throw new Error('it did not fail');
}

/** A signal that ends a hook after 10 s. */
export const soon = () => AbortSignal.timeout(10_000);
