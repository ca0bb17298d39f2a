import { fstatSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import type { Tally } from './assess/tally.ts';
import type { Context } from './cli/context.ts';
import { narrowItem, unknownTopic } from './cli/help.ts';
import { createInterrupt, type Interrupt } from './cli/interrupt.ts';
import { type EmergencyRequest, emergencyRequest } from './cli/is-emergency.ts';
import { GLOBAL_OPTIONS } from './cli/rollback-options.ts';
import { noteWidth, pageWidth } from './cli/style.ts';
import { meant, operands } from './cli/words.ts';
import { didYouMean } from './config/suggest.ts';
import { CutoverError, EXIT, messageOf, systemCode } from './errors.ts';
import { createDoor } from './output/door.ts';
import { createOutlet, type Outlet } from './output/outlet.ts';
import { packageRoot } from './package-root.ts';
import { wrap } from './report/text.ts';

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
  dns: { load: () => import('./cli/dns.ts') },
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
  const interrupt = createInterrupt();
  const stop = () => {
    if (interrupt.signal.aborted) process.exit(EXIT.interrupted);
    const saying = interrupt.fire();
    if (saying !== undefined) ctx.note(`\n${saying}; press Ctrl-C again to stop at once.`);
  };
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
  const stdout = createOutlet(1, () => process.stdout);
  const stderr = createOutlet(2, () => process.stderr);
  process.on('exit', () => tellLost(stdout, stderr));

  let code: number = EXIT.ok;
  // A command that waits for what never comes ends without being done.
  process.exitCode = EXIT.fault;
  const ctx = realContext(interrupt, { stdout, stderr }, (chosen) => {
    code = chosen;
  });
  // What nobody waited for must not be told by Node.js, which knows no secrets.
  process.on('uncaughtException', (error) => process.exit(reportError(error, argv, ctx)));
  try {
    await Promise.race([run(argv, ctx), interrupt.leave]);
  } catch (error) {
    code = reportError(error, argv, ctx);
    // What it was waiting for would keep the process.
    if (error === interrupt.signal.reason) process.exit(code);
  }
  process.exitCode = code;
}

async function run(argv: string[], ctx: Context): Promise<void> {
  const emergency = emergencyRequest(argv);
  if (emergency) {
    return ctx
      .toItsEnd(() => runEmergency(emergency, ctx))
      .catch((error: unknown) => {
        throw error instanceof CutoverError ? withoutFlag(error) : emergencyFault(error);
      });
  }
  const program = await buildProgram(argv, ctx);
  const words = operands(argv);
  const unknown = unknownTopic(program, words);
  if (unknown)
    throw unknownCommand(
      unknown.word,
      words.filter((word) => word !== 'help'),
      unknown.known,
    );
  await program.parseAsync(argv, { from: 'user' });
}

async function runEmergency(request: EmergencyRequest, ctx: Context): Promise<void> {
  const { runEmergencyCommand } = await import('./cli/emergency.ts');
  return runEmergencyCommand(request, ctx);
}

/** Without a config there was no flag to set. */
function withoutFlag(error: CutoverError): CutoverError {
  const { code, exitCode, message, hint } = error;
  if (!code.startsWith('CONFIG_') && code !== 'USAGE') return error;
  return new CutoverError(code, exitCode, `NOT SAFE: nothing was changed: ${message}`, {
    hint,
    cause: error,
  });
}

/** Whatever else goes wrong in an emergency, a damaged installation say: the first thing to know is that it is not safe. */
function emergencyFault(cause: unknown): CutoverError {
  return new CutoverError(
    'EMERGENCY_FAULT',
    EXIT.fault,
    `NOT SAFE: what the flag says is not known: ${messageOf(cause)}`,
    { hint: 'look at the flag, and set it by hand; then install cutover again', cause },
  );
}

async function buildProgram(argv: string[], ctx: Context): Promise<Command> {
  const [name = ''] = operands(argv);
  const named = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  const wanted = named ? [named] : Object.values(COMMANDS);
  const loading = Promise.all(wanted.map((entry) => entry.load(named ? argv : [], ctx)));
  const [loaded, { Command, Help }] = await Promise.all([loading, import('commander')]);
  const program = new Command('cutover')
    .description('Move production LLM traffic from one provider to another, and back, safely.')
    .version(packageVersion())
    .configureHelp({
      showGlobalOptions: true,
      minWidthToWrap: 20,
      formatItem: (...item) => narrowItem(item[3], Help.prototype.formatItem, ...item),
    })
    .showHelpAfterError(false)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => ctx.print(text.replace(/\n$/, '')),
      writeErr: (text) => ctx.note(text.replace(/\n$/, '')),
      outputError: () => {},
      getOutHelpWidth: () => pageWidth(ctx),
      getErrHelpWidth: () => pageWidth(ctx),
    });

  for (const [flags, description] of GLOBAL_OPTIONS) program.option(flags, description);
  for (const module of loaded) module.register(program, ctx);
  program.on('command:*', (words: string[]) => {
    throw unknownCommand(String(words[0]), words, Object.keys(COMMANDS));
  });
  return program;
}

function unknownCommand(word: string, words: readonly string[], known: readonly string[]): CutoverError {
  return new CutoverError('UNKNOWN_COMMAND', EXIT.usage, `unknown command ${word}`, {
    hint: meant(words) ?? didYouMean(word, [...known]),
  });
}

/** The folder may have been deleted under the shell that stands in it; absolute paths still work. */
function workingFolder(): string {
  try {
    return process.cwd();
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw error;
    return process.env.PWD ?? '/';
  }
}

function packageVersion(): string {
  const { version } = JSON.parse(readFileSync(join(packageRoot(), 'package.json'), 'utf8')) as {
    version: string;
  };
  return version;
}

/** What was to be done is done; whoever reads a file that is cut off must not take it for the whole. */
function tellLost(stdout: Outlet, stderr: Outlet): void {
  const lost = stdout.lost();
  if (lost === null) return;
  stderr.write(`cutover: stdout cannot be written (${lost}): what was to be said there is lost\n`);
  if (process.exitCode === EXIT.ok) process.exitCode = EXIT.unreachable;
}

/** Asked without node:tty where it is none: most starts can do without loading it. */
function isTerminal(fd: number): boolean {
  return fstatSync(fd).isCharacterDevice() && process.getBuiltinModule('node:tty').isatty(fd);
}

function realContext(
  { signal, toItsEnd }: Interrupt,
  { stdout, stderr }: { stdout: Outlet; stderr: Outlet },
  exit: Context['exit'],
): Context {
  const { env } = process;
  const terminals = { stdout: isTerminal(1), stderr: isTerminal(2) };
  const door = createDoor({
    env,
    stdout: stdout.write,
    stderr: stderr.write,
    live: terminals.stderr && env.TERM !== 'dumb',
  });
  return {
    ...door,
    cwd: workingFolder(),
    env,
    // Opened when it is read: most commands do not.
    get stdin() {
      return process.stdin;
    },
    signal,
    toItsEnd,
    now: () => new Date(),
    terminal: {
      ...terminals,
      get stdin() {
        return isTerminal(0);
      },
      get columns() {
        const known = terminals.stdout || terminals.stderr;
        // A terminal that does not know its size says 0.
        return (known && (process.stdout.columns || process.stderr.columns)) || Number(env.COLUMNS) || 80;
      },
    },
    exit,
  };
}

const HELP_SHOWN = 'commander.help';

/** Tells what went wrong, on stderr and with `--json` on stdout; returns the exit code. */
function reportError(error: unknown, argv: readonly string[], ctx: Context): number {
  if (isCommanderError(error) && error.exitCode === 0) return EXIT.ok;
  // Whoever asks for help by name has got what was asked for.
  if (isCommanderError(error) && error.code === HELP_SHOWN && operands(argv).includes('help')) return EXIT.ok;
  const fault = faultOf(error, operands(argv));
  if (argv.includes('--json') && !ctx.documented()) ctx.document(errorDocument(fault));
  // A command without its subcommand has printed its help, which says it all.
  if (isCommanderError(error) && error.code === HELP_SHOWN) return fault.exitCode;
  // Redacted before it is folded: a secret with a line break in it would not be recognised.
  const tell = (text: string) => ctx.note(wrap(ctx.redactor.redact(text), noteWidth(ctx), '  ').join('\n'));
  for (const line of fault.message.split('\n')) tell(`cutover: ${line}`);
  if (fault.hint) tell(`  ${fault.hint}`);
  if (fault !== error && !isCommanderError(error) && error instanceof Error && error.stack)
    ctx.note(error.stack);
  return fault.exitCode;
}

/** Whatever was thrown, as an error of ours. */
function faultOf(error: unknown, words: readonly string[]): CutoverError {
  if (error instanceof CutoverError) return error;
  if (isCommanderError(error)) {
    const message =
      error.code === HELP_SHOWN ? 'a command is missing' : error.message.replace(/^error: /, '');
    return new CutoverError('USAGE', EXIT.usage, message, { hint: meant(words) });
  }
  return new CutoverError('FAULT', EXIT.fault, messageOf(error));
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
