import type { Redactor } from '../output/redact.ts';
import type { Mark } from '../output/style.ts';

export type { Style } from '../report/style.ts';

/** The outside world as a command sees it. main.ts makes the real one; tests may make another. */
export interface Context {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stdin: NodeJS.ReadStream;
  /** Fires at the first Ctrl-C or SIGTERM: finish or undo what is running, then stop. */
  readonly signal: AbortSignal;
  /**
   * Runs what is brought to its end, or ends by itself, after an interrupt; everything else is left where it stands.
   * @param saying what an interrupt is answered with meanwhile; without it, that the running step is finished
   * @throws what the signal fired with, when it has fired before.
   */
  toItsEnd<T>(work: () => Promise<T>, saying?: string): Promise<T>;
  now(): Date;
  /** Writes the result, and only the result. A newline is added. */
  print(text: string): void;
  /** Writes the result as one JSON document; `indent` breaks it into lines. */
  document(value: unknown, indent?: number): void;
  /** The same, in lines, for one that is too long for one text; what no longer fits down the pipe is waited for. */
  longDocument(value: Readonly<Record<string, unknown>>): Promise<void>;
  /** Whether one was written: there is never a second. */
  documented(): boolean;
  /** Writes progress, warnings and advice to stderr. A newline is added. */
  note(text: string): void;
  /** Shows a line on stderr that the next one is written over; null takes it away. Off a terminal it does nothing. */
  live(line: string | null): void;
  /** A report as it may be written to a file. */
  written(text: string): string;
  /** What all output passes: a secret that it knows is in none. */
  readonly redactor: Redactor;
  /** Tells styles of ours from others. */
  readonly mark: Mark;
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
