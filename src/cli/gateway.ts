import { resolve } from 'node:path';
import type { Command } from 'commander';
import { configPath } from '../config/path.ts';
import type { Context, GlobalOptions } from './context.ts';

interface GatewayFlags extends GlobalOptions {
  listen?: string;
  usageLog?: string;
}

export function register(program: Command, ctx: Context): void {
  program
    .command('gateway')
    .description('carry OpenAI-compatible requests to legacy and target, by the ratio in the flag file')
    .option(
      '--listen <address>',
      'HOST:PORT (default: gateway.listen, 127.0.0.1:8080); port 0 lets the system choose',
    )
    .option('--usage-log <path>', 'JSONL file that gets a line for each request (default: gateway.usageLog)')
    .action(async (_flags: object, command: Command) => run(ctx, command.optsWithGlobals<GatewayFlags>()));
}

async function run(ctx: Context, flags: GatewayFlags): Promise<void> {
  const [{ loadConfig }, { secretsOf }, { formatDuration, formatRatio }, { parseListen }, { startGateway }] =
    await Promise.all([
      import('../config/load.ts'),
      import('./secrets.ts'),
      import('../config/units.ts'),
      import('../gateway/listen.ts'),
      import('../gateway/gateway.ts'),
    ]);
  const loaded = loadConfig(configPath(ctx.cwd, flags.config, ctx.env).path);
  const { config, dir } = loaded;
  const usageLog =
    flags.usageLog === undefined ? resolve(dir, config.gateway.usageLog) : resolve(ctx.cwd, flags.usageLog);
  const gateway = await startGateway({
    config,
    dir,
    secrets: secretsOf(ctx, loaded),
    listen: parseListen(flags.listen ?? config.gateway.listen),
    usageLog,
    now: () => ctx.now().getTime(),
    note: ctx.note,
  });
  const { ratio } = gateway.flag();
  if (flags.json)
    ctx.document({ schemaVersion: 1, command: 'gateway', listen: gateway.url, ratio, usageLog });
  else ctx.print(`listening on ${gateway.url}, ratio ${formatRatio(ratio)}, usage log ${usageLog}`);
  const lost = await ctx.toItsEnd(
    async () => {
      await aborted(ctx.signal);
      return gateway.stop();
    },
    `Stopping when the running requests have ended, after ${formatDuration(config.gateway.stopWithin)} at most`,
  );
  if (lost > 0) {
    const { CutoverError, EXIT } = await import('../errors.ts');
    throw new CutoverError(
      'USAGE_LOST',
      EXIT.fault,
      `${lost} lines of the usage log could not be written to ${usageLog}`,
      {
        hint: 'make room or mend the permissions before the next start',
      },
    );
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolveWait) => signal.addEventListener('abort', () => resolveWait(), { once: true }));
}
