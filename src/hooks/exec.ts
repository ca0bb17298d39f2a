import { spawn } from 'node:child_process';
import { safe } from '../clean.ts';
import { CutoverError, EXIT, messageOf } from '../errors.ts';
import type { HookEvent } from './hook.ts';

/** How much of a command's output is kept for messages, in characters. */
const KEPT_OUTPUT = 2000;
/** How much of it is held, of each stream: more than any secret, so that one is whole where the end of it is kept. */
const HELD_OUTPUT = 1_000_000;
const STARTS = "a command's path starts at the config's folder, and the file must be executable";
/** Between the polite end of a command that took too long and the hard one. */
const GRACE_MS = 500;
/** How long what a command has said is still read when it has ended, and what it has left behind holds its output open. */
const HEAR_MS = 200;

export interface CommandOptions {
  cwd: string;
  env: Record<string, string | undefined>;
  input: string;
  signal: AbortSignal;
}

/** How a command ended. `stderr` is the end of what it said. */
export interface CommandEnd {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

/**
 * Runs a command without a shell, `input` on its stdin, in its own process group so that a timeout ends its
 * children too. Resolves however it ends by itself, when it does: what it leaves behind is not waited for.
 * @throws CutoverError HOOK_FAILED (69): it cannot be started (the system's error is the cause), or aborted, and then
 *   its group has ended.
 */
export function endOfCommand(command: readonly string[], options: CommandOptions): Promise<CommandEnd> {
  const [file = '', ...args] = command;
  return new Promise((resolve, reject) => {
    const fail = (what: string, cause?: unknown, hint?: string) =>
      reject(new CutoverError('HOOK_FAILED', EXIT.unreachable, `${file}: ${what}`, { cause, hint }));
    if (options.signal.aborted) return fail(messageOf(options.signal.reason));
    const child = spawn(file, args, {
      cwd: options.cwd,
      env: options.env,
      stdio: ['pipe', 'pipe', 'pipe'],
      detached: true,
    });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      if (stdout.length < HELD_OUTPUT) stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
      if (stderr.length > 2 * HELD_OUTPUT) stderr = stderr.slice(-HELD_OUTPUT);
    });
    // A command that does not read its input closes the pipe; that is its right.
    child.stdin.on('error', () => {});
    child.stdin.end(options.input);
    let hard: NodeJS.Timeout | undefined;
    const letGo = () => {
      clearTimeout(hard);
      options.signal.removeEventListener('abort', stop);
      // What it has left behind may hold the other ends for ever: that keeps nobody here.
      for (const stream of child.stdio) stream?.destroy();
    };
    const stopped = () => {
      letGo();
      fail(messageOf(options.signal.reason));
    };
    const stop = () => {
      endGroup(child.pid, 'SIGTERM');
      hard = setTimeout(() => {
        endGroup(child.pid, 'SIGKILL');
        child.unref();
        stopped();
      }, GRACE_MS);
    };
    options.signal.addEventListener('abort', stop, { once: true });
    child.on('error', (error) => {
      letGo();
      fail(`cannot be started: ${messageOf(error)}`, error, STARTS);
    });
    child.on('exit', (code, signal) => {
      options.signal.removeEventListener('abort', stop);
      if (hard) {
        if (!groupLives(child.pid)) stopped();
        return;
      }
      const ended = () => {
        clearTimeout(hearing);
        letGo();
        resolve({ code, signal, stdout, stderr });
      };
      // Read once more after the time: it may be over because we were busy.
      const hearing = setTimeout(() => setImmediate(ended), HEAR_MS);
      child.once('close', ended);
    });
  });
}

/**
 * Runs a command that has to succeed, and returns its stdout.
 * @throws CutoverError HOOK_FAILED (69): not found, non-zero exit, signal, or aborted.
 */
export async function runCommand(
  command: readonly string[],
  options: CommandOptions & { redact(text: string): string },
): Promise<string> {
  const { code, signal, stdout, stderr } = await endOfCommand(command, options);
  if (code === 0) return stdout;
  // Redacted before it is cut: half a secret is not recognised any more.
  const said = tailOf(
    options.redact(stderr.trim() || (stdout.length < HELD_OUTPUT ? stdout.trim() : '')),
  ).replace(/\s*\n\s*/g, ' ');
  const ended = signal ? `ended by ${signal}` : `exit ${code}`;
  throw new CutoverError(
    'HOOK_FAILED',
    EXIT.unreachable,
    `${command[0]}: ${ended}${said ? `: ${said}` : ''}`,
  );
}

/** The end of a text, from the beginning of a word on: a secret that is cut in half is not recognised any more. */
function tailOf(text: string): string {
  return text.length <= KEPT_OUTPUT ? text : text.slice(-KEPT_OUTPUT).replace(/^\S*(?:\s|$)/, '');
}

function endGroup(pid: number | undefined, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch (error) {
    // The group has ended by itself in the meantime.
    void error;
  }
}

function groupLives(pid: number | undefined): boolean {
  if (pid === undefined) return false;
  try {
    process.kill(-pid, 0);
    return true;
  } catch {
    // Whose it is that we may not signal it, it is not what we have started.
    return false;
  }
}

/** The variables an exec hook gets beside its stdin. A script prints them: control characters are escaped. */
export function hookVariables(event: HookEvent): Record<string, string> {
  const variables = {
    CUTOVER_MIGRATION: event.migration,
    CUTOVER_STEP: event.step,
    CUTOVER_OPERATION_ID: event.operation.id,
    CUTOVER_OPERATION_KIND: event.operation.kind,
    CUTOVER_IDEMPOTENCY_KEY: event.idempotencyKey,
    CUTOVER_FROM_RATIO: String(event.from.ratio),
    CUTOVER_TO_RATIO: String(event.to.ratio),
    CUTOVER_FROM_STATUS: event.from.status,
    CUTOVER_STATUS: event.to.status,
    CUTOVER_PROVIDER: event.provider,
    CUTOVER_REASON: event.reason,
    CUTOVER_ACTOR: event.actor,
    ...(event.test ? { CUTOVER_TEST: '1' } : {}),
  };
  return Object.fromEntries(Object.entries(variables).map(([name, value]) => [name, safe(value)]));
}
