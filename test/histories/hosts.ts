import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { firstLine } from '../servers/start.ts';
import { NOBODY } from './means.ts';

export type User = 'root' | 'nobody';

/** A machine as far as cutover can tell: a host name and process ids of its own, on a disk that others see too. */
export interface Host {
  readonly name: string;
  /** Puts what makes a command run there before it. */
  enter(command: readonly string[]): string[];
  /** Ends it with every process on it. */
  end(): Promise<void>;
}

/** Starts a host in namespaces of its own. */
export async function startHost(name: string): Promise<Host> {
  // libfaketime keeps a semaphore for each process id there, and ids are the same on both hosts.
  const play = 'hostname "$0" && mount -t tmpfs -o mode=1777 tmpfs /dev/shm && echo ready && exec cat';
  const child = spawn(
    'unshare',
    ['--uts', '--pid', '--fork', '--mount-proc', '--kill-child', 'sh', '-c', play, name],
    { stdio: ['pipe', 'pipe', 'ignore'] },
  );
  await firstLine(child);
  const first = readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8').trim();
  return {
    name,
    enter: (command) => ['nsenter', '-t', first, '-m', '-u', '-p', '--', ...command],
    async end() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const ended = once(child, 'exit');
      // The first process of a PID namespace takes all others with it.
      process.kill(Number(first), 'SIGKILL');
      await ended;
    },
  };
}

/** This machine, where no other can be made. */
export const thisHost: Host = { name: 'here', enter: (command) => [...command], end: async () => {} };

export interface Order {
  command: readonly string[];
  host: Host;
  /** null: whoever runs the test. */
  user: User | null;
  umask: string;
  cwd: string;
  env: Record<string, string>;
  /** Variables for the command alone, and not for what leads to it. */
  own: Record<string, string>;
}

export interface Ended {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

/** A command that runs on a host. */
export interface Running {
  readonly ended: Promise<Ended>;
  readonly pid: number;
  isOver(): boolean;
  /** What it has written to stdout and stderr so far. */
  soFar(): { stdout: string; stderr: string };
  onStdout(listener: () => void): void;
  isStopped(): boolean;
  signal(signal: 'SIGSTOP' | 'SIGKILL'): void;
  /** Lets a stopped process go on. */
  goOn(): Promise<void>;
}

/** Starts a command in a process group of its own: a signal reaches it and what leads into its host. */
export function start({ command, host, user, umask, cwd, env, own }: Order): Running {
  const variables = Object.entries(own).map(([name, value]) => `${name}=${value}`);
  const play = 'cd "$0" && umask "$1" && shift && exec "$@"';
  const shell = [
    'sh',
    '-c',
    play,
    cwd,
    umask,
    ...(variables.length > 0 ? ['env', ...variables] : []),
    ...command,
  ];
  const id = String(NOBODY);
  const as =
    user === 'nobody' ? ['setpriv', '--reuid', id, '--regid', id, '--clear-groups', ...shell] : shell;
  const [file = '', ...args] = host.enter(as);
  const child = spawn(file, args, { env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  const texts = { stdout: '', stderr: '' };
  const listeners: (() => void)[] = [];
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    texts.stdout += text;
    for (const listener of listeners) listener();
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    texts.stderr += text;
  });
  const ended = new Promise<Ended>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => resolve({ code, signal, ...texts }));
  });
  return {
    ended,
    pid: child.pid ?? 0,
    isOver: () => isOver(child),
    soFar: () => ({ ...texts }),
    onStdout: (listener) => listeners.push(listener),
    isStopped: () => stateOf(child.pid) === 'T',
    signal: (signal) => signalGroup(child, signal),
    async goOn() {
      // What leads into the host stops itself once more when it learns late that the command had stopped.
      for (let quiet = 0; quiet < 3 && !isOver(child); quiet = stateOf(child.pid) === 'T' ? 0 : quiet + 1) {
        signalGroup(child, 'SIGCONT');
        await sleep(10);
      }
    },
  };
}

const isOver = (child: ChildProcess) => child.exitCode !== null || child.signalCode !== null;

function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined || isOver(child)) return;
  try {
    process.kill(-child.pid, signal);
  } catch (error) {
    // It has ended by itself in the meantime.
    void error;
  }
}

function stateOf(pid: number | undefined): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return stat.slice(stat.lastIndexOf(')') + 2)[0];
  } catch (error) {
    // It has ended.
    void error;
    return undefined;
  }
}
