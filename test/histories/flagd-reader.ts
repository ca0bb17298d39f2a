import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const SCRIPT = fileURLToPath(new URL('./flagd-reader.mjs', import.meta.url));

/** Applications that follow flag files by the flagd provider, all in one process of one user. */
export interface FlagdReader {
  watch(id: string, file: { path: string; key: string }, targetingKey: string): void;
  /** Where the provider sends that request: 1 is target. */
  see(id: string): Promise<number>;
  drop(id: string): void;
  stop(): Promise<void>;
}

/** @param user uid of the process; 0: whoever runs the test */
export async function startFlagdReader(user: number): Promise<FlagdReader> {
  const child = spawn(process.execPath, [SCRIPT, String(user)], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  await once(child, 'message');
  const waiting = new Map<number, (share: number) => void>();
  let asked = 0;
  child.on('message', ({ ask, share }: { ask: number; share: number }) => {
    waiting.get(ask)?.(share);
    waiting.delete(ask);
  });
  return {
    watch: (id, { path, key }, targetingKey) => child.send({ id, watch: path, key, targetingKey }),
    see: (id) =>
      new Promise((resolve) => {
        const ask = ++asked;
        waiting.set(ask, resolve);
        child.send({ id, ask });
      }),
    drop: (id) => child.send({ id, drop: true }),
    async stop() {
      const ended = once(child, 'exit');
      child.disconnect();
      await ended;
    },
  };
}
