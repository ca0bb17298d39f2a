import { jsonPieces, jsonText, safeLines } from '../clean.ts';
import { createRedactor, type Redactor } from './redact.ts';
import { type Mark, markedCodes, newMark } from './style.ts';

/**
 * The one way out: what a command says passes here, and leaves without secrets, without anything a terminal would
 * obey but our own colours, and without lines that a CI runner would take for its commands.
 */
export interface Door {
  /** The result, on stdout. A newline is added. */
  print(text: string): void;
  /** A JSON document on stdout, on one line unless `indent` is given. It keeps its meaning. */
  document(value: unknown, indent?: number): void;
  /** The same, in lines, for one that is too long for one text; what no longer fits down the pipe is waited for. */
  longDocument(value: Readonly<Record<string, unknown>>): Promise<void>;
  /** Whether there was one: a command prints no second. */
  documented(): boolean;
  /** Progress, warnings and advice, on stderr. A newline is added. */
  note(text: string): void;
  /** One line in a terminal's stderr that the next one is written over; null takes it away. Nothing elsewhere. */
  live(line: string | null): void;
  /** A report as it may be written to a file. */
  written(text: string): string;
  readonly redactor: Redactor;
  readonly mark: Mark;
}

export interface Outside {
  env: Readonly<Record<string, string | undefined>>;
  /** @param done called when it is written, with an error when nobody reads on. */
  stdout(text: string, done?: (error?: Error | null) => void): void;
  stderr(text: string): void;
  /** Whether stderr is a terminal that can write over a line. */
  live: boolean;
}

const CLEAR_LINE = '\r\u001b[K';

export function createDoor({ env, stdout, stderr, live }: Outside): Door {
  const redactor = createRedactor();
  const mark = newMark();
  const codes = markedCodes(mark);
  const actions = env.GITHUB_ACTIONS === 'true';
  let shown = false;
  let documents = 0;
  const clearLive = () => {
    if (shown) stderr(CLEAR_LINE);
    shown = false;
  };
  const harmless = (text: string) => {
    // Split by a pattern with one group: text, parameters of a code of ours, text, …
    const parts = redactor.redact(text).split(codes);
    const clean = parts.map((part, i) => (i % 2 === 0 ? safeLines(part) : `\u001b[${part}m`)).join('');
    return actions ? withoutCommands(clean) : clean;
  };
  const uncommanded = (json: string) => (actions ? json.replaceAll('##[', '##\\u005b') : json);
  /** Whether somebody reads on (no `| head`). */
  const pour = (text: string) => new Promise<boolean>((then) => stdout(text, (error) => then(!error)));
  const write = (to: (text: string) => void, text: string) => {
    clearLive();
    to(`${text}\n`);
  };
  return {
    print: (text) => write(stdout, harmless(text)),
    note: (text) => write(stderr, harmless(text)),
    documented: () => documents > 0,
    document(value, indent = 0) {
      documents += 1;
      write(stdout, uncommanded(jsonText(value, indent, redactor.redact)));
    },
    async longDocument(value) {
      documents += 1;
      clearLive();
      // No string is in two pieces: what is a secret, or a command, is whole in one.
      for (const piece of jsonPieces(value, redactor.redact)) {
        if (!(await pour(uncommanded(piece)))) return;
      }
      await pour('\n');
    },
    live(line) {
      if (!live) return;
      if (line === null) return clearLive();
      stderr(`${CLEAR_LINE}${harmless(line)}`);
      shown = true;
    },
    written: (text) => redactor.redact(text),
    redactor,
    mark,
  };
}

/**
 * The same text without lines that the runner of GitHub Actions obeys: `::command` at the beginning of a line (white
 * space before it is passed over), `##[command]` anywhere.
 */
function withoutCommands(text: string): string {
  return text.replace(LINE_COMMAND, '$1\\x3a:').replaceAll('##[', '##\\x5b');
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: a colour may begin the line
const LINE_COMMAND = /^((?:\u001b\[[\d;]*m|[^\S\n])*)::/gm;
