import { chmodSync, chownSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { addProvider, type Backstage, type StandIn } from './backstage.ts';
import type { FlagdReader } from './flagd-reader.ts';
import type { History } from './history.ts';
import { type Host, startHost, thisHost } from './hosts.ts';
import type { Installation } from './installation.ts';
import { type Means, NOBODY } from './means.ts';
import { openStore, type Store } from './stores.ts';

/** What all histories of a run share. */
export interface Scene {
  installation: Installation;
  means: Means;
  backstage: Backstage;
  reader: FlagdReader;
}

/** The folder, hosts, flag store and providers of one history. */
export interface World {
  dir: string;
  hosts: [Host, Host];
  store: Store;
  /** The providers behind the gateway. */
  legacy: StandIn;
  target: StandIn;
  env(user: 'root' | 'nobody'): Record<string, string>;
  /** What makes a command on that host see its time of day. */
  clock(host: 0 | 1): Record<string, string>;
  /** Ends what still runs on the hosts and removes everything. */
  remove(): Promise<void>;
}

let worlds = 0;

export async function makeWorld(history: History, { installation, means, backstage }: Scene): Promise<World> {
  const dir = join(installation.dir, `world-${++worlds}`);
  const make = (name: string, mode = 0o777) => {
    mkdirSync(join(dir, name), { recursive: true });
    chmodSync(join(dir, name), mode);
  };
  make('');
  make('tmp', 0o1777);
  make('home-root', 0o700);
  make('home-nobody', 0o700);
  if (means.users) chownSync(join(dir, 'home-nobody'), NOBODY, NOBODY);
  if (history.openState) make('.cutover');
  const store = openStore(history.store, dir, backstage, { ofNobody: history.flagOfNobody && means.users });
  const paths = ['legacy', 'target', 'gateway-legacy', 'gateway-target'].map((name) => `${dir}/${name}/`);
  const [probedLegacy, probedTarget, legacy, target] = paths.map((path) => addProvider(backstage, path)) as [
    StandIn,
    StandIn,
    StandIn,
    StandIn,
  ];
  writeFileSync(join(dir, 'cutover.yaml'), stringify(config(store, probedLegacy, probedTarget)));
  writeFileSync(join(dir, 'gateway.yaml'), stringify(config(store, legacy, target)));
  writeFileSync(join(dir, 'tell.sh'), `cat > /dev/null; sleep ${history.hookMs / 1000}\n`);
  const hosts: [Host, Host] = means.hosts
    ? [await startHost('alpha'), await startHost(history.sameName ? 'alpha' : 'beta')]
    : [thisHost, thisHost];
  return {
    dir,
    hosts,
    store,
    legacy,
    target,
    env: (user) => ({
      PATH: process.env.PATH ?? '',
      HOME: join(dir, `home-${user}`),
      USER: user,
      TMPDIR: join(dir, 'tmp'),
      CUTOVER_TEST_WORLD: dir,
    }),
    clock: (host) =>
      host === 1 && history.skew !== 0 && means.clock ? skewed(means.clock, history.skew) : {},
    async remove() {
      for (const host of hosts) await host.end();
      for (const path of [...paths, `${dir}/flag`]) backstage.remove(path);
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

function config(store: Store, legacy: StandIn, target: StandIn): object {
  const timeouts = { connect: '1s', firstByte: '1s', total: '3s' };
  return {
    migration: 'chat-prod',
    providers: {
      legacy: { name: 'old', baseUrl: legacy.url, timeouts },
      target: { name: 'new', baseUrl: target.url, timeouts },
    },
    models: { small: 'small-2' },
    flag: store.config,
    stage: { bake: '0s' },
    hooks: { notify: [{ driver: 'exec', command: ['sh', 'tell.sh'], timeout: '10s', retries: 0 }] },
    gateway: { listen: '127.0.0.1:0', retry: { firstDelay: '100ms' } },
  };
}

/** Another time of day, as on a host whose clock is wrong; only that: timers and the times of files stay. */
const skewed = (library: string, seconds: number): Record<string, string> => ({
  LD_PRELOAD: library,
  FAKETIME: `${seconds >= 0 ? '+' : ''}${seconds}s`,
  FAKETIME_DISABLE_SHM: '1',
  DONT_FAKE_MONOTONIC: '1',
  NO_FAKE_STAT: '1',
});
