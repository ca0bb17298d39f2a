import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stringify } from 'yaml';
import { flagSet } from '../../src/flag/flagd.ts';
import type { UsageLine } from '../../src/router/record.ts';
import { firstLine, stopProcess } from '../servers/start.ts';

const bin = fileURLToPath(new URL('../../bin/cutover.js', import.meta.url));

export interface Health {
  status: string;
  ratio: number;
  flag: { state: string; problem: string | null };
  sides: { legacy: { circuit: string }; target: { circuit: string } };
}

export interface RunningGateway {
  url: string;
  dir: string;
  /** The first line on stdout. */
  started: string;
  stderr(): string;
  setRatio(ratio: number, kind?: string): void;
  /** Replaces the flag file by any text. */
  setFlag(text: string): void;
  health(): Promise<Health>;
  /** Sends the signal, waits, and gives the exit code. */
  stop(signal?: NodeJS.Signals): Promise<number | null>;
  usage(): UsageLine[];
  child: ChildProcess;
}

export interface GatewayTestOptions {
  ratio?: number;
  gateway?: object;
  flagPath?: string;
  timeouts?: object;
  /** The most files and sockets that the gateway may have open. */
  descriptors?: number;
}

/** The keys of the two sides, as the gateway finds them in its environment. */
export const KEYS = { OLD_KEY: 'old-secret', NEW_KEY: 'new-secret' };

/** Starts the built `cutover gateway` on a free port in a folder of its own. */
export async function startGateway(
  legacy: { url: string },
  target: { url: string },
  options: GatewayTestOptions = {},
): Promise<RunningGateway> {
  const dir = mkdtempSync(join(tmpdir(), 'cutover-gateway-'));
  const provider = (name: string, server: { url: string }, key: string) => ({
    name,
    baseUrl: `${server.url}/v1`,
    apiKey: `\${env:${key}}`,
    timeouts: { connect: '1s', firstByte: '2s', total: '10s', ...options.timeouts },
    prices: { '*': 1 },
  });
  const config = {
    migration: 'test',
    providers: { legacy: provider('old', legacy, 'OLD_KEY'), target: provider('new', target, 'NEW_KEY') },
    models: { small: 'small-2' },
    flag: { driver: 'file', path: options.flagPath ?? 'flags.json' },
    gateway: { listen: '127.0.0.1:0', retry: { firstDelay: '5ms' }, ...options.gateway },
  };
  writeFileSync(join(dir, 'cutover.yaml'), stringify(config));
  const setFlag = (text: string) => {
    const path = join(dir, options.flagPath ?? 'flags.json');
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(`${path}.tmp`, text);
    renameSync(`${path}.tmp`, path);
  };
  const setRatio = (ratio: number, kind = 'shift') =>
    setFlag(JSON.stringify(flagSet('llm-provider', ratio, { token: 1, operation: 'op', kind })));
  if (options.ratio !== undefined) setRatio(options.ratio);
  const limit = options.descriptors === undefined ? '' : `ulimit -n ${options.descriptors}; `;
  const child = spawn('sh', ['-c', `${limit}exec "$0" "$@"`, process.execPath, bin, 'gateway', '--json'], {
    cwd: dir,
    env: { ...process.env, ...KEYS, CUTOVER_CONFIG: undefined },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stderr = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    stderr += String(chunk);
  });
  const started = await firstLine(child).catch((error: Error) => {
    throw new Error(`${error.message}: ${stderr}`);
  });
  const { listen: url } = JSON.parse(started) as { listen: string };
  return {
    url,
    dir,
    started,
    child,
    setRatio,
    setFlag,
    stderr: () => stderr,
    health: async () => (await fetch(`${url}/health`)).json() as never,
    async stop(signal = 'SIGTERM') {
      await stopProcess(child, signal);
      return child.exitCode;
    },
    usage() {
      const path = join(dir, 'usage.jsonl');
      const text = existsSync(path) ? readFileSync(path, 'utf8') : '';
      return text
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line) as UsageLine);
    },
  };
}

/** Stops a gateway and removes its folder. */
export async function discard(gateway: RunningGateway | undefined): Promise<void> {
  if (!gateway) return;
  await gateway.stop('SIGKILL');
  rmSync(gateway.dir, { recursive: true, force: true });
}
