import { setTimeout as sleep } from 'node:timers/promises';
import { type Running, start } from './hosts.ts';
import { firstKey } from './stores.ts';
import type { Scene, World } from './world.ts';

/** The built gateway of one world, with an application that keeps asking it. */
export interface Gateway {
  running: Running;
  /** The ratio that it says is in force; null when it does not say. */
  ratio(): Promise<number | null>;
  stop(): Promise<void>;
}

const BETWEEN_REQUESTS_MS = 100;
/** A request that hangs is not followed by ever more of them. */
const MOST_AT_ONCE = 12;

export async function startGateway(world: World, scene: Scene, user: 'root' | 'nobody'): Promise<Gateway> {
  const running = start({
    command: [process.execPath, scene.installation.bin, 'gateway', '-c', 'gateway.yaml', '--json'],
    host: world.hosts[0],
    user: scene.means.users ? user : null,
    umask: '022',
    cwd: world.dir,
    env: world.env(user),
    own: {},
  });
  const url = await new Promise<string>((resolve, reject) => {
    running.onStdout(() => {
      const { stdout } = running.soFar();
      if (stdout.includes('\n')) resolve((JSON.parse(stdout) as { listen: string }).listen);
    });
    running.ended.then(({ stderr }) => reject(new Error(`the gateway ended: ${stderr}`)), reject);
  });
  const over = new AbortController();
  const traffic = keepAsking(url, firstKey(world.store.file?.key ?? ''), over.signal);
  return {
    running,
    async ratio() {
      try {
        const response = await fetch(`${url}/health`, { signal: AbortSignal.timeout(2000) });
        return ((await response.json()) as { ratio: number }).ratio;
      } catch (error) {
        // It is busy, or stopping.
        void error;
        return null;
      }
    },
    async stop() {
      over.abort();
      running.signal('SIGKILL');
      await Promise.all([traffic, running.ended]);
    },
  };
}

/** Asks with a key that any share sends to target, and now and then with others. */
async function keepAsking(url: string, key: string, over: AbortSignal): Promise<void> {
  const open = new Set<Promise<void>>();
  for (let n = 0; !over.aborted; n++) {
    if (open.size < MOST_AT_ONCE) {
      const one: Promise<void> = ask(url, n % 3 === 2 ? `other${n}` : key, over).finally(() =>
        open.delete(one),
      );
      open.add(one);
    }
    await sleep(BETWEEN_REQUESTS_MS);
  }
  await Promise.all(open);
}

async function ask(url: string, key: string, over: AbortSignal): Promise<void> {
  try {
    const response = await fetch(`${url}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-cutover-key': key },
      body: JSON.stringify({ model: 'small', messages: [{ role: 'user', content: 'ping' }] }),
      signal: AbortSignal.any([over, AbortSignal.timeout(20_000)]),
    });
    await response.arrayBuffer();
  } catch (error) {
    // Where a request goes is what counts here, not how it ends.
    void error;
  }
}
