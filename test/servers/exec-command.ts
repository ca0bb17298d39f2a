import { chmodSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { NotifyBench } from './notify-bench.ts';
import { temporaryFolder } from './process.ts';

const SECRET = 'planted-environment-token';

/** A command of the user's own that keeps its variables and its input, a folder for each call. */
export async function startExec(): Promise<NotifyBench> {
  const { dir, remove } = temporaryFolder();
  const script = (name: string, text: string) => {
    writeFileSync(join(dir, name), `#!/bin/sh\n${text}\n`);
    chmodSync(join(dir, name), 0o755);
  };
  const log = join(dir, 'told');
  let mode = '';
  const accept = `env | grep '^CUTOVER_' | sort >> told; cat >> told; printf '\\n=====\\n' >> told; env`;
  const become = (text: string) => {
    mode = text;
    script('tell', mode);
  };
  become(accept);
  const calls = () => (existsSync(log) ? readFileSync(log, 'utf8').split('\n=====\n').slice(0, -1) : []);
  return {
    dir,
    env: { PATH: process.env.PATH, CHAT_TOKEN: SECRET },
    secrets: [SECRET],
    entry: (more = {}) => ({ driver: 'exec', command: ['./tell'], ...more }),
    unreachable: async () => ({ command: ['./no-such-command'] }),
    refuse: () => become('env >&2; cat >&2; exit 3'),
    hang: () => become('sleep 60'),
    messages: async () => calls(),
    keys: async () => calls().map((call) => /^CUTOVER_IDEMPOTENCY_KEY=(.*)$/m.exec(call)?.[1] ?? ''),
    async reset() {
      rmSync(log, { force: true });
      become(accept);
    },
    async stop() {
      remove();
    },
  };
}
