import { type ChildProcess, spawn } from 'node:child_process';
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

/** A loopback port that is free for TCP and UDP; for servers that cannot choose one themselves. */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < 20; tries++) {
    const server = createServer();
    await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
    const { port } = server.address() as { port: number };
    const udp = await new Promise<boolean>((tell) => {
      const socket = createSocket('udp4');
      socket.once('error', () => tell(false));
      socket.bind(port, '127.0.0.1', () => socket.close(() => tell(true)));
    });
    await new Promise<void>((closed) => server.close(() => closed()));
    if (udp) return port;
  }
  throw new Error('no port is free');
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
