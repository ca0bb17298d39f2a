import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isatty } from 'node:tty';
import type { Command } from 'commander';
import type { Tally } from './assess/tally.ts';
import type { Context } from './cli/context.ts';
import { isEmergency } from './cli/is-emergency.ts';
import { didYouMean } from './config/suggest.ts';
import { CutoverError, EXIT, messageOf } from './errors.ts';
import { packageRoot } from './package-root.ts';
import { wrapText } from './report/text.ts';

/** A command's file is loaded when the command is run, or when help needs its flags. */
interface CommandEntry {
  load(argv: readonly string[], ctx: Context): Promise<{ register(program: Command, ctx: Context): void }>;
}

const COMMANDS: Record<string, CommandEntry> = {
  assess: { load: loadAssess },
  canary: { load: () => import('./cli/canary.ts') },
  shift: { load: () => import('./cli/shift.ts') },
  checkpoint: { load: () => import('./cli/checkpoint.ts') },
  rollback: { load: () => import('./cli/rollback.ts') },
  resume: { load: () => import('./cli/resume.ts') },
  freeze: { load: () => import('./cli/freeze.ts') },
  unfreeze: { load: async () => ({ register: (await import('./cli/freeze.ts')).registerUnfreeze }) },
  lease: { load: () => import('./cli/lease.ts') },
  status: { load: () => import('./cli/status.ts') },
  history: { load: () => import('./cli/history.ts') },
  hooks: { load: () => import('./cli/hooks.ts') },
  gateway: { load: () => import('./cli/gateway.ts') },
};

/** Large logs are read by several threads: these start while this one loads the command. */
async function loadAssess(argv: readonly string[], { cwd }: Context) {
  const { crewAhead } = await import('./cli/assess-crew.ts');
  const crew = crewAhead<Tally>(argv, cwd);
  const { register } = await import('./cli/assess.ts');
  return { register: (program: Command, ctx: Context) => register(program, ctx, crew) };
}

async function main(argv: string[]): Promise<void> {
  const interrupt = new AbortController();
  process.on('SIGINT', () => {
    if (interrupt.signal.aborted) process.exit(130);
    process.stderr.write('\nStopping after the running step; press Ctrl-C again to stop at once.\n');
    interrupt.abort(new CutoverError('INTERRUPTED', EXIT.fault, 'interrupted'));
  });
  process.on('SIGTERM', () => interrupt.abort(new CutoverError('INTERRUPTED', EXIT.fault, 'terminated')));
  // A reader that has seen enough (`| head`) is no fault.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });

  let code: number = EXIT.ok;
  // A command that waits for what never comes ends without being done.
  process.exitCode = EXIT.fault;
  const ctx = realContext(interrupt.signal, (chosen) => {
    code = chosen;
  });
  try {
    if (isEmergency(argv)) {
      const { runEmergencyCommand } = await import('./cli/emergency.ts');
      await runEmergencyCommand(argv, ctx);
    } else {
      const program = await buildProgram(argv, ctx);
      await program.parseAsync(argv, { from: 'user' });
    }
  } catch (error) {
    code = reportError(error, argv, ctx);
  }
  process.exitCode = code;
}

async function buildProgram(argv: string[], ctx: Context): Promise<Command> {
  const named = argv.find((word) => !word.startsWith('-') && word in COMMANDS);
  const wanted = named ? { [named]: COMMANDS[named] as CommandEntry } : COMMANDS;
  const loading = Promise.all(Object.values(wanted).map((entry) => entry.load(named ? argv : [], ctx)));
  const [loaded, { Command }] = await Promise.all([loading, import('commander')]);
  const program = new Command('cutover')
    .description('Move production LLM traffic from one provider to another, and back, safely.')
    .option('-c, --config <path>', 'the config (default: $CUTOVER_CONFIG, then ./cutover.yaml)')
    .option('--json', 'one JSON document on stdout')
    .option('--no-color', 'plain text')
    .option('--no-input', 'never ask; a missing answer is an error')
    .version(packageVersion())
    .configureHelp({ showGlobalOptions: true })
    .showHelpAfterError(false)
    .exitOverride()
    .configureOutput({ outputError: () => {} });

  for (const module of loaded) module.register(program, ctx);
  program.on('command:*', (words: string[]) => {
    const word = String(words[0]);
    throw new CutoverError('UNKNOWN_COMMAND', EXIT.usage, `unknown command ${word}`, {
      hint: didYouMean(word, Object.keys(COMMANDS)),
    });
  });
  return program;
}

function packageVersion(): string {
  const { version } = JSON.parse(readFileSync(join(packageRoot(), 'package.json'), 'utf8')) as {
    version: string;
  };
  return version;
}

function realContext(signal: AbortSignal, exit: Context['exit']): Context {
  return {
    cwd: process.cwd(),
    env: process.env,
    // Opened when it is read: most commands do not.
    get stdin() {
      return process.stdin;
    },
    signal,
    now: () => new Date(),
    print: (text) => void process.stdout.write(`${harmless(text)}\n`),
    async printAll(pieces) {
      for (const piece of pieces) {
        // Nobody reads on (`| head`): the error event has it.
        if (process.stdout.destroyed) return;
        await new Promise((written) => process.stdout.write(harmless(piece), written));
      }
      process.stdout.write('\n');
    },
    note: (text) => void process.stderr.write(`${harmless(text)}\n`),
    terminal: {
      stdout: process.stdout.isTTY === true,
      stderr: isatty(2),
      stdin: isatty(0),
      columns: process.stdout.columns ?? 80,
    },
    exit,
  };
}

/**
 * The last line of defence: JSON and what a server said may still hold C1 controls, which some terminals obey.
 * Escaped they mean the same to a JSON parser. (Colours begin with ESC, which is none of them.)
 */
function harmless(text: string): string {
  return text.replace(/[\u007f-\u009f]/g, (char) => `\\u00${char.charCodeAt(0).toString(16)}`);
}

function reportError(error: unknown, argv: readonly string[], ctx: Context): number {
  if (argv.includes('--json') && error instanceof CutoverError)
    ctx.print(JSON.stringify(errorDocument(error)));
  const fold = (text: string) => (ctx.terminal.stderr ? wrapText(text, process.stderr.columns ?? 80) : text);
  if (error instanceof CutoverError) {
    for (const line of error.message.split('\n')) ctx.note(fold(`cutover: ${line}`));
    if (error.hint) ctx.note(fold(`  ${error.hint}`));
    return error.exitCode;
  }
  if (isCommanderError(error)) {
    if (error.exitCode === 0) return EXIT.ok;
    // A command without its subcommand has printed its help, which says it all.
    if (error.code !== 'commander.help') ctx.note(`cutover: ${error.message.replace(/^error: /, '')}`);
    return EXIT.usage;
  }
  ctx.note(`cutover: ${messageOf(error)}`);
  if (error instanceof Error && error.stack) ctx.note(error.stack);
  return EXIT.fault;
}

/** The JSON document of a command that failed. */
function errorDocument({ code, exitCode, message, hint }: CutoverError): Record<string, unknown> {
  return { schemaVersion: 1, error: { code, exitCode, message, hint: hint ?? null } };
}

function isCommanderError(error: unknown): error is Error & { exitCode: number; code: string } {
  return (
    error instanceof Error &&
    'exitCode' in error &&
    'code' in error &&
    String(error.code).startsWith('commander.')
  );
}

void main(process.argv.slice(2));
