import { jsonText, safeLines } from '../clean.ts';
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
  stdout(text: string): void;
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
      const text = jsonText(value, indent, redactor.redact);
      write(stdout, actions ? text.replaceAll('##[', '##\\u005b') : text);
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
