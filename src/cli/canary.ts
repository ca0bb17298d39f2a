import type { Database } from 'better-sqlite3';
import type { Command } from 'commander';
import type { CanaryInput } from '../canary/check.ts';
import type { CanaryDocument, Stage } from '../canary/document.ts';
import type { Config } from '../config/schema.ts';
import type { Secrets } from '../config/secrets.ts';
import { registerStart } from './canary-start.ts';
import type { Context, GlobalOptions } from './context.ts';
import { DRY_RUN, type DryRunOptions } from './dry-run.ts';

/** What a canary works with; made from the config and the state. */
export interface CanarySession {
  readonly config: Config;
  /** Folder of the config file. */
  readonly dir: string;
  readonly secrets: Secrets;
  readonly db: Database;
  /** Who runs this, for the history. */
  readonly actor: string;
  /** @throws CutoverError when the situation does not let this command be done now. */
  ask(asking: 'canary check' | 'canary run' | 'canary status'): Promise<void>;
  /** The document of the FAIL that nobody has answered yet. */
  unanswered(): Promise<CanaryDocument | null>;
  /** The stage of the moment, read anew; null when no canary is running. */
  stage(): Stage | null;
  /** Rolls back because of `reason`, and asks nothing. */
  rollback(reason: string): Promise<CanaryRollback>;
  /** Keeps for those who ask for it that the canary has failed, and that nothing was rolled back. */
  tellFail?(document: CanaryDocument): void;
  /** Sends what waits to be told. */
  sendLeft?(): Promise<void>;
  close(): void;
}

/** What came of an automatic rollback. */
export interface CanaryRollback {
  readonly outcome: 'done' | 'partial' | 'failed';
  /** For people. */
  readonly text: string;
  /** For the JSON document. */
  readonly operation: unknown;
}

export type OpenCanarySession = (ctx: Context, options: GlobalOptions) => Promise<CanarySession>;
/** What `canary status` looks at. */
export type CanaryReading = Omit<CanarySession, 'rollback' | 'tellFail'>;
export type OpenCanaryReading = (ctx: Context, options: GlobalOptions) => Promise<CanaryReading>;

/** Flags of `canary check` and `canary run`. */
export interface CheckOptions extends DryRunOptions {
  pairs?: string;
  runId?: string;
  autoRollback?: boolean;
}

interface RunOptions extends CheckOptions {
  duration: string;
  interval: string;
}

export function register(program: Command, ctx: Context): void {
  const open: OpenCanarySession = async (...args) =>
    (await import('./canary-session.ts')).openCanarySession(...args);
  const read: OpenCanaryReading = async (...args) =>
    (await import('./canary-session.ts')).openCanaryReading(...args);
  registerStart(registerCanary(program, ctx, open, read), ctx);
}

/** Registers `canary check`, `canary run` and `canary status`, and returns `canary` for further subcommands. */
export function registerCanary(
  program: Command,
  ctx: Context,
  open: OpenCanarySession,
  read: OpenCanaryReading,
): Command {
  const canary = program
    .command('canary')
    .description('compare target with legacy, and say when it is proven');
  const shared = (command: Command) =>
    command
      .option('--pairs <n>', "pairs a run (default: the config's canary.pairsPerRun)")
      .option('--run-id <id>', 'a run with an id that was recorded before is not counted again')
      .option('--auto-rollback', 'on FAIL, roll back at once')
      .option(...DRY_RUN);
  shared(canary.command('check'))
    .description('one run: probe both providers, then PASS, FAIL or INCONCLUSIVE; made for cron')
    .action((_options: unknown, command: Command) =>
      check(ctx, open, command.optsWithGlobals<CheckOptions>()),
    );
  shared(canary.command('run'))
    .description('runs until PASS, FAIL or the end of the time')
    .option('--duration <time>', 'how long at most', '10m')
    .option('--interval <time>', 'from one run to the next', '5s')
    .action((_options: unknown, command: Command) => run(ctx, open, command.optsWithGlobals<RunOptions>()));
  canary
    .command('status')
    .description('the latest verdict and its evidence; probes nothing')
    .action((_options: unknown, command: Command) =>
      status(ctx, read, command.optsWithGlobals<GlobalOptions>()),
    );
  return canary;
}

async function check(ctx: Context, open: OpenCanarySession, options: CheckOptions): Promise<void> {
  const { runCheck } = await import('../canary/check.ts');
  const { finish } = await import('./canary-show.ts');
  const pairs = await pairsOption(options);
  await within(ctx, open, options, async (session) => {
    await session.ask('canary check');
    const input = await canaryInput(ctx, session, 'canary check', pairs);
    if (await wasDryRun(ctx, options, input, session.stage())) return;
    const document = await runCheck({ ...input, stage: session.stage(), runId: await runIdOf(options) });
    await finish(ctx, session, options, document);
  });
}

async function run(ctx: Context, open: OpenCanarySession, options: RunOptions): Promise<void> {
  const { openCanary } = await import('../canary/check.ts');
  const { watch } = await import('../canary/watch.ts');
  const { setTimeout: sleep } = await import('node:timers/promises');
  const { finish, progressLine } = await import('./canary-show.ts');
  const pairs = await pairsOption(options);
  const durationMs = await durationOption('--duration', options.duration);
  const intervalMs = await durationOption('--interval', options.interval);
  await within(ctx, open, options, async (session) => {
    await session.ask('canary run');
    const input = await canaryInput(ctx, session, 'canary run', pairs);
    if (await wasDryRun(ctx, options, input, session.stage())) return;
    const canary = openCanary(input);
    const progress = progressLine(ctx, options);
    try {
      const document = await watch({
        canary,
        stage: session.stage,
        runId: await runIdOf(options),
        durationMs,
        intervalMs,
        now: input.now,
        sleep: (ms) =>
          sleep(ms, undefined, { signal: ctx.signal }).catch(() => {
            throw ctx.signal.reason;
          }),
        onRun: progress,
      });
      await finish(ctx, session, options, document);
    } finally {
      await canary.close();
    }
  });
}

async function status(ctx: Context, read: OpenCanaryReading, options: GlobalOptions): Promise<void> {
  const { lastDocument } = await import('../canary/check.ts');
  const { show } = await import('./canary-show.ts');
  await within(ctx, read, options, async (session) => {
    await session.ask('canary status');
    const fail = await session.unanswered();
    const input = await canaryInput(ctx, session, 'canary status', undefined);
    await show(ctx, options, lastDocument(input, session.stage(), fail));
  });
}

async function wasDryRun(
  ctx: Context,
  options: CheckOptions,
  input: CanaryInput,
  stage: Stage | null,
): Promise<boolean> {
  if (!options.dryRun) return false;
  const { sayCanary } = await import('./canary-dry-run.ts');
  sayCanary(ctx, options, input, stage);
  return true;
}

async function within<S extends CanaryReading>(
  ctx: Context,
  open: (ctx: Context, options: GlobalOptions) => Promise<S>,
  options: GlobalOptions,
  work: (session: S) => Promise<void>,
): Promise<void> {
  const session = await open(ctx, options);
  try {
    await work(session);
  } catch (error) {
    const { explainFault } = await import('../store/open.ts');
    throw explainFault(session.db.name, error);
  } finally {
    await session.sendLeft?.();
    session.close();
  }
}

async function canaryInput(
  ctx: Context,
  { config, dir, secrets, db, actor }: CanaryReading,
  command: string,
  pairs: number | undefined,
): Promise<CanaryInput> {
  const { loadProbes } = await import('../canary/probe-file.ts');
  return {
    config,
    secrets,
    db,
    actor,
    probes: loadProbes(config.canary.probes, dir),
    now: () => ctx.now().getTime(),
    random: Math.random,
    signal: ctx.signal,
    pairs,
    command,
  };
}

async function pairsOption({ pairs }: CheckOptions): Promise<number | undefined> {
  if (pairs === undefined) return undefined;
  const { CutoverError, EXIT } = await import('../errors.ts');
  const n = Number(pairs);
  if (Number.isInteger(n) && n >= 1 && n <= 10_000) return n;
  throw new CutoverError('USAGE', EXIT.usage, `--pairs ${pairs}: not a whole number from 1 to 10,000`);
}

async function durationOption(flag: string, text: string): Promise<number> {
  const { parseDuration } = await import('../config/units.ts');
  const { CutoverError, EXIT } = await import('../errors.ts');
  const ms = parseDuration(text);
  if (ms !== undefined) return ms;
  throw new CutoverError('USAGE', EXIT.usage, `${flag} ${text}: not a duration; write it like 10s or 5m`);
}

async function runIdOf({ runId }: CheckOptions): Promise<string> {
  const { randomUUID } = await import('node:crypto');
  return runId ?? randomUUID();
}
