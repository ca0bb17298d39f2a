import { CutoverError, messageOf } from '../errors.ts';
import type { Hooks } from '../hooks/create.ts';
import type { Hook, HookEvent } from '../hooks/hook.ts';
import type { DnsRecordSet, Side, World } from '../world.ts';
import { attempt } from './attempt.ts';

/** What trying one hook came to. */
export interface HookTrial {
  kind: 'dns' | 'notify';
  driver: string;
  label: string;
  /** `skipped`: a DNS hook of the user's own, which cannot be read and must not be run without an operation. */
  outcome: 'ok' | 'failed' | 'skipped';
  attempts: number;
  /** Milliseconds. */
  ms: number;
  /** What came back, for people. */
  detail: string;
  /** What a DNS server says now. */
  records?: DnsRecordSet[];
  error?: string;
  /** Of an error that has them: its stable code, and how to mend it. */
  code?: string;
  hint?: string;
}

export interface TrialContext {
  migration: string;
  world: World;
  actor: string;
  /** Marks this trial; receivers that know idempotency keys know it by this. */
  id: string;
  clock: { now(): number; random(): number };
  redact(text: string): string;
}

/** All tries of all hooks together. */
const DEADLINE_MS = 60_000;

/** Reads every DNS hook and sends every notify hook a message that says it is a test, side by side. Never throws. */
export function tryHooks(hooks: Hooks, context: TrialContext): Promise<HookTrial[]> {
  return Promise.all([
    ...hooks.dns.map((hook) => tryRead(hook, context)),
    ...hooks.notify.map((hook, position) =>
      trial('notify', hook, context, async (signal) => {
        const { after } = await hook.run(testEvent(context, position), signal);
        return { detail: typeof after === 'string' ? after : JSON.stringify(after ?? '') };
      }),
    ),
  ]);
}

async function tryRead(hook: Hook, context: TrialContext): Promise<HookTrial> {
  const { read } = hook;
  if (!read) {
    const { driver, label } = hook;
    const detail = 'cannot be read; it runs only in an operation';
    return { kind: 'dns', driver, label, outcome: 'skipped', attempts: 0, ms: 0, detail };
  }
  return trial('dns', hook, context, async (signal) => {
    const records = await read(signal);
    await hook.prove?.(records, signal);
    return { records, detail: compare(hook, records, context.world.activeProvider) };
  });
}

async function trial(
  kind: HookTrial['kind'],
  hook: Hook,
  { clock, redact }: TrialContext,
  work: (signal: AbortSignal) => Promise<Pick<HookTrial, 'detail' | 'records'>>,
): Promise<HookTrial> {
  const started = clock.now();
  const bounds = { timeoutMs: hook.timeoutMs, retries: hook.retries, deadline: started + DEADLINE_MS };
  const { value, error, attempts } = await attempt(work, bounds, clock);
  const known = error instanceof CutoverError ? error : undefined;
  return {
    kind,
    driver: hook.driver,
    label: hook.label,
    outcome: error === undefined ? 'ok' : 'failed',
    attempts,
    ms: clock.now() - started,
    detail: '',
    ...value,
    ...(error === undefined ? {} : { error: redact(messageOf(error)) }),
    ...(known && { code: known.code }),
    ...(known?.hint && { hint: redact(known.hint) }),
  };
}

/** Differing from the config is no failure of the hook: it could be read. `status` judges drift. */
function compare(hook: Hook, records: readonly DnsRecordSet[], active: Side): string {
  const said = records
    .map(({ name, type, values }) => `${name} ${type} ${values.join(', ') || 'nothing'}`)
    .join('; ');
  const wanted = hook.expected?.(active) ?? [];
  const same =
    JSON.stringify(records.map(({ values }) => values)) ===
    JSON.stringify(wanted.map(({ values }) => values));
  return same ? `${said}: what ${active} should have` : `${said}: not what the config has for ${active}`;
}

function testEvent({ migration, world, actor, id }: TrialContext, position: number): HookEvent {
  return {
    schemaVersion: 1,
    migration,
    step: 'notify',
    operation: { id, kind: 'shift' },
    idempotencyKey: `${id}:${position}`,
    from: world,
    to: world,
    provider: world.activeProvider,
    reason: 'a test of the notifications: nothing has happened',
    actor,
    steps: [],
    undo: '',
    test: true,
  };
}
