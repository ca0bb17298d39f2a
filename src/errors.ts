/** Exit codes, the same for every command (README, "Exit codes"). */
export const EXIT = {
  ok: 0,
  fault: 1,
  fail: 2,
  inconclusive: 3,
  hookFailed: 4,
  usage: 64,
  input: 65,
  unreachable: 69,
  notNow: 75,
  config: 78,
  interrupted: 130,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/**
 * An error that a user can act on: what happened (`message`), a stable `code` for scripts, the
 * process exit code, how to mend it (`hint`) and what caused it.
 */
export class CutoverError extends Error {
  override readonly name = 'CutoverError';
  readonly code: string;
  readonly exitCode: ExitCode;
  readonly hint: string | undefined;

  constructor(
    code: string,
    exitCode: ExitCode,
    message: string,
    options: { hint?: string | undefined; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.exitCode = exitCode;
    this.hint = options.hint;
  }
}

/** The message of anything that was thrown, on one line. */
export function messageOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.replace(/\s*\n\s*/g, ' ').trim();
}

/** The `code` of a system error such as ENOENT, or undefined. */
export function systemCode(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}
