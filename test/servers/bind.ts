import { execFile } from 'node:child_process';
import { Resolver } from 'node:dns/promises';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { DnsBench } from './dns-bench.ts';
import { decimalByte, digAll, lookWith } from './look.ts';
import { type Daemon, freePort, startDaemon, temporaryFolder } from './process.ts';
import { pathOf } from './require.ts';

const run = promisify(execFile);

export const BIND = { name: 'BIND', commands: ['named', 'nsupdate', 'tsig-keygen', 'dig'] };

/** Keys in the bench's folder beside the right one, each wrong in its own way. */
export const KEYS = {
  right: 'tsig.key',
  otherSecret: 'bad.key',
  unknown: 'unknown.key',
  powerless: 'reader.key',
};

export interface BindBench extends DnsBench {
  port: number;
  /** The zone's serial number: it counts changes. */
  serial(): Promise<string>;
  /** Address of the secondary, where there is one. */
  secondary: string;
  /** Starts the secondary anew: it fetches the zone. */
  refreshSecondary(): Promise<void>;
}

export interface BindOptions {
  /** The zone is signed by the server as it goes (inline-signing). */
  signed?: boolean;
  /** A server that is told of each change and fetches it; `late`: nobody tells it. */
  secondary?: boolean | 'late';
  /** A question for all of a name is answered with a part of it over UDP. */
  minimalAny?: boolean;
}

/** BIND's `named`, primary of example.test, on a free loopback port. */
export async function startBind({ signed, secondary, minimalAny }: BindOptions = {}): Promise<BindBench> {
  const { dir, remove } = temporaryFolder();
  const port = await freePort();
  const secondaryPort = secondary ? await freePort() : null;
  const key = async (file: string, name: string) => {
    const { stdout } = await run(pathOf('tsig-keygen') ?? '', ['-a', 'hmac-sha256', name]);
    writeFileSync(join(dir, file), stdout, { mode: 0o600 });
    return /secret "([^"]+)"/.exec(stdout)?.[1] ?? '';
  };
  const secrets = [
    await key(KEYS.right, 'cutover'),
    await key(KEYS.otherSecret, 'cutover'),
    await key(KEYS.unknown, 'stranger'),
    await key(KEYS.powerless, 'reader'),
  ];
  writeFileSync(
    join(dir, 'zone'),
    `$TTL 300
@ IN SOA ns.example.test. root.example.test. 1 3600 600 86400 60
@ IN NS ns
ns IN A 127.0.0.1
`,
  );
  writeFileSync(
    join(dir, 'named.conf'),
    `include "${dir}/${KEYS.right}"; include "${dir}/${KEYS.powerless}";
options {
  directory "${dir}"; pid-file "${dir}/pid"; session-keyfile "${dir}/session.key";
  listen-on port ${port} { 127.0.0.1; }; listen-on-v6 { none; };
  recursion no; dnssec-validation no; notify ${secondary === true ? 'explicit' : 'no'};
  allow-transfer { any; };${minimalAny ? ' minimal-any yes;' : ''}
};
controls {};
zone "example.test" {
  type primary; file "${dir}/zone"; update-policy { grant cutover zonesub ANY; };
  ${secondary === true ? `also-notify { 127.0.0.1 port ${secondaryPort}; }; notify-delay 0;` : ''}
  ${signed ? `dnssec-policy default; inline-signing yes; key-directory "${dir}";` : ''}
};
`,
  );
  const daemon = await startDaemon('named', ['-g', '-c', join(dir, 'named.conf'), '-n', '1'], {
    cwd: dir,
    ready: (log) => log.includes('running'),
  });
  // A zone that is being signed is not answered yet.
  while ((await digAll(port, 'ns.example.test.')).length === 0) await new Promise((go) => setTimeout(go, 50));
  let follower = secondaryPort === null ? null : await startSecondary(dir, secondaryPort, port);
  const resolver = new Resolver({ timeout: 2000, tries: 2 });
  resolver.setServers([`127.0.0.1:${port}`]);
  const entry = (records: unknown[], more: object = {}) => ({
    driver: 'rfc2136',
    server: `127.0.0.1:${port}`,
    keyFile: KEYS.right,
    zone: 'example.test',
    records,
    ...more,
  });
  return {
    dir,
    env: process.env,
    port,
    secrets,
    entry,
    wrongSecret: { change: { keyFile: KEYS.otherSecret }, code: 'DNS_BADSIG' },
    unreachable: async () => ({ server: `127.0.0.1:${await freePort()}` }),
    look: lookWith(resolver),
    exact: (name) => digAll(port, name),
    byte: decimalByte,
    async put(name, type, ttl, values) {
      const child = run(pathOf('nsupdate') ?? '', ['-k', join(dir, KEYS.right)]);
      const adds = values.map((value) => `update add ${name} ${ttl} ${type} ${value}`);
      const lines = [
        `server 127.0.0.1 ${port}`,
        'zone example.test',
        `update delete ${name} ${type}`,
        ...adds,
      ];
      child.child.stdin?.end(`${lines.join('\n')}\nsend\n`);
      await child;
    },
    async withWriterBetween(name, type, ttl, values) {
      const bin = temporaryFolder();
      const lines = [
        `server 127.0.0.1 ${port}`,
        'zone example.test',
        `update delete ${name} ${type}`,
        ...values.map((value) => `update add ${name} ${ttl} ${type} ${value}`),
        'send',
      ];
      const script = `#!/bin/sh
if [ ! -e ${bin.dir}/done ]; then
  touch ${bin.dir}/done
  printf '%s\\n' ${lines.map((line) => `'${line}'`).join(' ')} | ${pathOf('nsupdate')} -k ${join(dir, KEYS.right)}
fi
exec ${pathOf('nsupdate')} "$@"
`;
      writeFileSync(join(bin.dir, 'nsupdate'), script, { mode: 0o755 });
      const env = { ...process.env, PATH: `${bin.dir}:${process.env.PATH}` };
      return { change: {}, env, stop: async () => bin.remove() };
    },
    serial: async () => String((await resolver.resolveSoa('example.test')).serial),
    secondary: secondaryPort === null ? '' : `127.0.0.1:${secondaryPort}`,
    refreshSecondary: async () => {
      await follower?.stop();
      if (secondaryPort !== null) follower = await startSecondary(dir, secondaryPort, port);
    },
    async stop() {
      await follower?.stop();
      await daemon.stop();
      remove();
    },
  };
}

async function startSecondary(parent: string, port: number, primaryPort: number): Promise<Daemon> {
  const dir = join(parent, 'secondary');
  rmSync(dir, { recursive: true, force: true });
  mkdirSync(dir);
  writeFileSync(
    join(dir, 'named.conf'),
    `options {
  directory "${dir}"; pid-file "${dir}/pid"; session-keyfile "${dir}/session.key";
  listen-on port ${port} { 127.0.0.1; }; listen-on-v6 { none; };
  recursion no; dnssec-validation no; notify no;
};
controls {};
zone "example.test" { type secondary; primaries { 127.0.0.1 port ${primaryPort}; }; file "${dir}/zone"; };
`,
  );
  return startDaemon('named', ['-g', '-c', join(dir, 'named.conf'), '-n', '1'], {
    cwd: dir,
    ready: (log) => /Transfer status: success/.test(log),
  });
}
