import type { HookConfigOf } from '../config/hooks-schema.ts';
import { hookVariables, runCommand } from './exec.ts';
import type { Hook, HookEvent } from './hook.ts';
import type { HookHost } from './host.ts';
import { messageFor } from './notify/message.ts';

/** How much of a command's output the journal keeps, in characters. */
const KEPT_RESULT = 500;

/** A command of the user's own, for DNS and for notifying: the event as JSON on stdin and as CUTOVER_*. */
export function execHook(entry: HookConfigOf<'exec'>, label: string, host: HookHost): Hook {
  return {
    driver: 'exec',
    label: `${label} ${entry.command[0]}`,
    timeoutMs: entry.timeout,
    retries: entry.retries,
    run: async (event, signal) => ({ after: await runExec(entry.command, event, host, signal) }),
  };
}

async function runExec(
  command: string[],
  event: HookEvent,
  host: HookHost,
  signal: AbortSignal,
): Promise<string> {
  // The mark of a test comes from this event or not at all: not from a test that this command was itself run by.
  const unmarked = { ...host.env, CUTOVER_TEST: undefined };
  const env = { ...unmarked, ...hookVariables(event), ...messageVariables(event) };
  const { redactSaid: redact } = host.secrets;
  const said = await runCommand(command, {
    cwd: host.dir,
    env,
    input: JSON.stringify(event),
    signal,
    redact,
  });
  // Redacted before it is cut: half a secret is not recognised any more.
  return redact(said.trim()).slice(0, KEPT_RESULT);
}

/** What a notifying command needs to tell people without reading the JSON. */
function messageVariables(event: HookEvent): Record<string, string> {
  if (event.step !== 'notify') return {};
  const { title, level } = messageFor(event);
  return {
    CUTOVER_MESSAGE: title,
    CUTOVER_LEVEL: level,
    CUTOVER_UNDO: event.undo,
  };
}
