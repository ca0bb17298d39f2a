import { type ChildProcess, spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathOf } from './require.ts';

/** A folder of its own for a server's files, and how to remove it. */
export function temporaryFolder(): { dir: string; remove(): void } {
  const dir = mkdtempSync(join(tmpdir(), 'cutover-test-'));
  return { dir, remove: () => rmSync(dir, { recursive: true, force: true }) };
}

/** Below those that a system gives to connections of its own (from 32768 on Linux): none takes it before the server does. */
const PORTS = { first: 15_000, count: 17_000 };

/** A loopback port that is free for TCP and UDP; for servers that cannot choose one themselves. */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < 20; tries++) {
    const port = PORTS.first + randomInt(PORTS.count);
    if ((await isFree(port, 'tcp')) && (await isFree(port, 'udp'))) return port;
  }
  throw new Error('no port is free');
}

function isFree(port: number, protocol: 'tcp' | 'udp'): Promise<boolean> {
  return new Promise((tell) => {
    const free = () => tell(true);
    if (protocol === 'tcp') {
      const server = createServer();
      server.once('error', () => tell(false));
      server.listen(port, '127.0.0.1', () => server.close(free));
    } else {
      const socket = createSocket('udp4');
      socket.once('error', () => tell(false));
      socket.bind(port, '127.0.0.1', () => socket.close(free));
    }
  });
}

export interface Daemon {
  /** What it wrote so far, stdout and stderr. */
  log(): string;
  stop(): Promise<void>;
}

/** Starts a server as a child and waits until `ready` says so, 10 s at most. */
export async function startDaemon(
  command: string,
  args: readonly string[],
  options: { cwd: string; ready(log: string): boolean | Promise<boolean> },
): Promise<Daemon> {
  const child = spawn(pathOf(command) ?? command, args, {
    cwd: options.cwd,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let log = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      log += text;
    });
  }
  let fault: Error | undefined;
  child.once('error', (error) => {
    fault = error;
  });
  const daemon = { log: () => log, stop: () => stop(child) };
  for (let tries = 0; tries < 200; tries++) {
    if (fault || child.exitCode !== null) break;
    if (await options.ready(log)) return daemon;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  await daemon.stop();
  throw new Error(`${command} did not start: ${fault?.message ?? log}`);
}

function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.pid === undefined) return Promise.resolve();
  return new Promise((stopped) => {
    child.once('exit', () => stopped());
    child.kill('SIGKILL');
  });
}
