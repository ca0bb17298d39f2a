import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { NotifyBench } from './notify-bench.ts';
import { freePort, startDaemon, temporaryFolder } from './process.ts';

export const ALERTMANAGER = { name: 'Alertmanager', commands: ['prometheus-alertmanager'] };

export interface Alert {
  labels: Record<string, string>;
  annotations: Record<string, string>;
  startsAt: string;
  endsAt: string;
  fingerprint: string;
}

export interface AlertmanagerBench extends NotifyBench {
  /** The alerts that stand now. */
  alerts(): Promise<Alert[]>;
}

/** Alertmanager on a free loopback port, with a receiver that does nothing. */
export async function startAlertmanager(): Promise<AlertmanagerBench> {
  const token = 'planted-alertmanager-token';
  let server = await launch();
  const alerts = async () => {
    const response = await fetch(`${server.url}/api/v2/alerts`);
    return (await response.json()) as Alert[];
  };
  const nobody = `http://127.0.0.1:${await freePort()}`;
  return {
    dir: server.dir,
    env: { TOKEN: token },
    secrets: [token],
    entry: (more = {}) => ({
      driver: 'alertmanager',
      url: server.url,
      headers: { authorization: 'Bearer ${env:TOKEN}' },
      ...more,
    }),
    unreachable: async () => ({ url: nobody }),
    alerts,
    messages: async () =>
      (await alerts()).map(({ annotations }) => `${annotations.summary}\n${annotations.description}`),
    keys: async () => (await alerts()).map(({ fingerprint }) => fingerprint),
    async reset() {
      await server.stop();
      server = await launch();
    },
    stop: () => server.stop(),
  };
}

async function launch(): Promise<{ dir: string; url: string; stop(): Promise<void> }> {
  const { dir, remove } = temporaryFolder();
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  writeFileSync(join(dir, 'alertmanager.yml'), 'route: { receiver: none }\nreceivers: [{ name: none }]\n');
  const daemon = await startDaemon(
    'prometheus-alertmanager',
    [
      `--config.file=${dir}/alertmanager.yml`,
      `--storage.path=${dir}/data`,
      `--web.listen-address=127.0.0.1:${port}`,
      '--cluster.listen-address=',
    ],
    {
      cwd: dir,
      ready: () =>
        fetch(`${url}/-/ready`).then(
          (response) => response.ok,
          () => false,
        ),
    },
  );
  return {
    dir,
    url,
    stop: async () => {
      await daemon.stop();
      remove();
    },
  };
}
