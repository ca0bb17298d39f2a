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
  /** `skipped`: a DNS hook of the user's own, which must not be run beside an operation that is not finished. */
  outcome: 'ok' | 'failed' | 'skipped';
  attempts: number;
  /** Milliseconds. */
  ms: number;
  /** What came back, for people. */
  detail: string;
  /** What a DNS server says now. */
  records?: DnsRecordSet[];
  /** What would keep its records from going to the other provider. */
  notes?: string[];
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
  /** The operation that runs or is not finished: where traffic goes is not known then. Null when there is none. */
  busy: string | null;
  clock: { now(): number; random(): number };
  redact(text: string): string;
}

/** All tries of all hooks together. */
const DEADLINE_MS = 60_000;

/**
 * Reads every DNS hook that can be read, and runs every other hook with an event that says it is a test, side by side.
 * Never throws.
 */
export function tryHooks(hooks: Hooks, context: TrialContext): Promise<HookTrial[]> {
  return Promise.all([
    ...hooks.dns.map((hook, position) =>
      hook.read ? tryRead(hook, hook.read, context) : tryOwnDns(hook, position, context),
    ),
    ...hooks.notify.map((hook, i) => tryRun('notify', hook, hooks.dns.length + i, context)),
  ]);
}

/** One that does not look at the mark moves nothing either: it is told what is so already. */
async function tryOwnDns(hook: Hook, position: number, context: TrialContext): Promise<HookTrial> {
  if (context.busy === null) return tryRun('dns', hook, position, context);
  const { driver, label } = hook;
  const detail = `not run: ${context.busy}`;
  return { kind: 'dns', driver, label, outcome: 'skipped', attempts: 0, ms: 0, detail };
}

function tryRun(
  kind: HookTrial['kind'],
  hook: Hook,
  position: number,
  context: TrialContext,
): Promise<HookTrial> {
  return trial(kind, hook, context, async (signal) => {
    const { after } = await hook.run(testEvent(context, kind, position), signal);
    return { detail: typeof after === 'string' ? after : JSON.stringify(after ?? '') };
  });
}

function tryRead(hook: Hook, read: NonNullable<Hook['read']>, context: TrialContext): Promise<HookTrial> {
  return trial('dns', hook, context, async (signal) => {
    const records = await read(signal);
    await hook.prove?.(records, signal);
    const active = context.world.activeProvider;
    const wanted = hook.expected?.(active === 'legacy' ? 'target' : 'legacy') ?? [];
    const notes = (await hook.obstacles?.(wanted, signal)) ?? [];
    return { records, ...(notes.length > 0 && { notes }), detail: compare(hook, records, active) };
  });
}

async function trial(
  kind: HookTrial['kind'],
  hook: Hook,
  { clock, redact }: TrialContext,
  work: (signal: AbortSignal) => Promise<Pick<HookTrial, 'detail' | 'records' | 'notes'>>,
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

function testEvent(
  { migration, world, actor, id }: TrialContext,
  step: HookEvent['step'],
  position: number,
): HookEvent {
  return {
    schemaVersion: 1,
    migration,
    step,
    operation: { id, kind: 'shift' },
    idempotencyKey: `${id}:${position}`,
    from: world,
    to: world,
    provider: world.activeProvider,
    reason: 'a test of the hooks: nothing has happened',
    actor,
    steps: [],
    undo: '',
    test: true,
  };
}
