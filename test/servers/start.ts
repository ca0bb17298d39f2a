import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

export interface ServerStats {
  requests: number;
  byPath: Record<string, number>;
  byStatus: Record<string, number>;
  byModel: Record<string, number>;
  aborted: number;
  active: number;
  last: { path: string; headers: Record<string, string>; body: string } | null;
}

export interface OpenAiServer {
  url: string;
  control(settings: Record<string, unknown>): Promise<void>;
  stats(): Promise<ServerStats>;
  /** Sets every behaviour back and the counts to zero. */
  reset(): Promise<void>;
  stop(): Promise<void>;
}

const script = fileURLToPath(new URL('./openai-server.mjs', import.meta.url));

/** Starts test/servers/openai-server.mjs as a process; `url` has no path. */
export async function startOpenAiServer(name: string, flags: string[] = []): Promise<OpenAiServer> {
  const child = spawn(process.execPath, [script, '--name', name, ...flags], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const line = await firstLine(child);
  const url = `http://127.0.0.1:${(JSON.parse(line) as { port: number }).port}`;
  const control = async (settings: Record<string, unknown>) => {
    const response = await fetch(`${url}/__control`, { method: 'POST', body: JSON.stringify(settings) });
    if (!response.ok) throw new Error(await response.text());
  };
  return {
    url,
    control,
    stats: async () => (await fetch(`${url}/__stats`)).json() as Promise<ServerStats>,
    reset: async () => {
      await control({
        latencyMs: 0,
        jitterMs: 0,
        errorRate: 0,
        invalid: 0,
        status: null,
        retryAfter: null,
        fault: null,
        times: null,
        words: 8,
        cached: 0,
      });
      await fetch(`${url}/__stats`, { method: 'DELETE' });
    },
    stop: () => stopProcess(child),
  };
}

/** The first line that a process prints on stdout. */
export async function firstLine(child: ChildProcess): Promise<string> {
  if (!child.stdout) throw new Error('the process has no stdout');
  const lines = createInterface({ input: child.stdout });
  return new Promise((resolve, reject) => {
    lines.once('line', resolve);
    child.once('exit', (code) => reject(new Error(`the process ended with ${code} before it was ready`)));
  });
}

/** Ends a process that this test started and waits for it. */
export async function stopProcess(child: ChildProcess, signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  child.kill(signal);
  await ended;
}
