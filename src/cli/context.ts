export type { Style } from '../report/style.ts';

/** The outside world as a command sees it. main.ts makes the real one; tests may make another. */
export interface Context {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stdin: NodeJS.ReadStream;
  /** Fires at the first Ctrl-C: finish or undo what is running, then stop. */
  readonly signal: AbortSignal;
  now(): Date;
  /** Writes the result, and only the result. A newline is added. */
  print(text: string): void;
  /** The same for a result that is too long for one text; what no longer fits down the pipe is waited for. */
  printAll(pieces: Iterable<string>): Promise<void>;
  /** Writes progress, warnings and advice to stderr. A newline is added. */
  note(text: string): void;
  /** Whether stdout or stderr is a terminal, and its width in columns. */
  readonly terminal: { stdout: boolean; stderr: boolean; stdin: boolean; columns: number };
  /** Sets the exit code of a command that has done its work (2 for FAIL, 3 for no data, …). */
  exit(code: number): void;
}

/** Flags that every command takes. */
export interface GlobalOptions {
  /** Path of cutover.yaml; the file must exist when it is given. */
  config?: string;
  json?: boolean;
  /** false after --no-color. */
  color: boolean;
  /** false after --no-input. */
  input: boolean;
}
