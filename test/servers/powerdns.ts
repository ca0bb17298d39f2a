import { execFileSync } from 'node:child_process';
import { Resolver } from 'node:dns/promises';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { DnsBench } from './dns-bench.ts';
import { startHttpProxy } from './http-proxy.ts';
import { decimalByte, lookWith } from './look.ts';
import { freePort, startDaemon, temporaryFolder } from './process.ts';

export const POWERDNS = { name: 'PowerDNS', commands: ['pdns_server', 'sqlite3'] };

const API_KEY = 'planted-powerdns-key';

export interface PowerDnsBench extends DnsBench {
  /** A call of the interface below the zones, that has to succeed. */
  api(method: string, path: string, body?: unknown): Promise<Response>;
  url: string;
}

/** PowerDNS with a SQLite backend, holding example.test, on free loopback ports. */
export async function startPowerDns(): Promise<PowerDnsBench> {
  const { dir, remove } = temporaryFolder();
  const [port, apiPort] = [await freePort(), await freePort()];
  const database = join(dir, 'pdns.db');
  const schema = readFileSync('/usr/share/doc/pdns-backend-sqlite3/schema.sqlite3.sql', 'utf8');
  execFileSync('sqlite3', [database], { input: schema });
  writeFileSync(
    join(dir, 'pdns.conf'),
    `launch=gsqlite3
gsqlite3-database=${database}
local-address=127.0.0.1
local-port=${port}
socket-dir=${dir}
api=yes
api-key=${API_KEY}
webserver=yes
webserver-address=127.0.0.1
webserver-port=${apiPort}
cache-ttl=0
query-cache-ttl=0
negquery-cache-ttl=0
zone-cache-refresh-interval=0
`,
  );
  const url = `http://127.0.0.1:${apiPort}`;
  const api = async (method: string, path: string, body?: unknown) => {
    const response = await fetch(`${url}/api/v1/servers/localhost/zones${path}`, {
      method,
      headers: { 'x-api-key': API_KEY, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    if (!response.ok) throw new Error(`${response.status} ${await response.text()}`);
    return response;
  };
  const daemon = await startDaemon('pdns_server', [`--config-dir=${dir}`], {
    cwd: dir,
    ready: () =>
      api('GET', '').then(
        () => true,
        () => false,
      ),
  });
  await api('POST', '', { name: 'example.test.', kind: 'Native', nameservers: ['ns.example.test.'] });
  const resolver = new Resolver({ timeout: 2000, tries: 2 });
  resolver.setServers([`127.0.0.1:${port}`]);
  const bench: PowerDnsBench = {
    dir,
    env: { PDNS_KEY: API_KEY, WRONG_KEY: 'planted-wrong-key' },
    secrets: [API_KEY, 'planted-wrong-key'],
    entry: (records, more = {}) => ({
      driver: 'powerdns',
      url,
      apiKey: '${env:PDNS_KEY}',
      zone: 'example.test',
      records,
      ...more,
    }),
    wrongSecret: { change: { apiKey: '${env:WRONG_KEY}' }, code: 'DNS_KEY_REJECTED' },
    unreachable: async () => ({ url: `http://127.0.0.1:${await freePort()}` }),
    look: lookWith(resolver),
    async exact(name) {
      const bare = name.replace(/\.$/, '');
      const kept = [
        `select type, content, ttl, disabled from records where name = '${bare}'`,
        `select type, comment, account, modified_at from comments where name = '${bare}'`,
      ];
      return kept
        .flatMap((query) => execFileSync('sqlite3', [database, query], { encoding: 'utf8' }).split('\n'))
        .filter(Boolean)
        .sort();
    },
    byte: decimalByte,
    api,
    url,
    async put(name, type, ttl, values) {
      const records = values.map((content) => ({ content, disabled: false }));
      const rrsets = [{ name, type, ttl, changetype: 'REPLACE', records }];
      await api('PATCH', '/example.test.', { rrsets });
    },
    async withWriterBetween(...put) {
      const proxy = await startHttpProxy(url, { afterRead: () => bench.put(...put), reads: /zones/ });
      return { change: { url: proxy.url }, env: bench.env, stop: proxy.stop };
    },
    async stop() {
      await daemon.stop();
      remove();
    },
  };
  return bench;
}
