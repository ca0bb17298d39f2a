import { isIP } from 'node:net';
import { resolve } from 'node:path';
import type { Config } from '../config/schema.ts';
import { REFERENCE, type Secrets } from '../config/secrets.ts';
import { formatRatio } from '../config/units.ts';
import { CutoverError, EXIT } from '../errors.ts';
import { createRouter } from '../router/router.ts';
import type { SideOptions } from '../router/side-client.ts';
import { createUsageLog } from '../router/usage-log.ts';
import type { Side } from '../world.ts';
import { connectionsWithin, descriptorLimit } from './connections.ts';
import { healthPage } from './health.ts';
import { isLoopback, type ListenAddress } from './listen.ts';
import { createMetrics } from './metrics.ts';
import { type FlagState, watchFlagFile } from './ratio-source.ts';
import { type HttpServer, startServer } from './server.ts';

/** Where neither the config nor the limit of open files says less. */
const MOST_CONNECTIONS = 10_000;

export interface GatewayOptions {
  config: Config;
  /** Folder of the config: the flag's path starts there. */
  dir: string;
  secrets: Secrets;
  listen: ListenAddress;
  /** Absolute. */
  usageLog: string;
  now(): number;
  /** Progress and warnings, for stderr; secrets are taken out here. */
  note(text: string): void;
}

export interface Gateway {
  url: string;
  flag(): FlagState;
  /** Finishes running requests and writes what is left of the usage log. Resolves to the lines that were lost. */
  stop(): Promise<number>;
}

/**
 * Starts the gateway: the router behind an HTTP port, following the flag file.
 * @throws CutoverError FLAG_DRIVER, BASE_URL, LISTEN_FAILED, SECRET_MISSING (78).
 */
export async function startGateway(options: GatewayOptions): Promise<Gateway> {
  const { config, dir, secrets, now } = options;
  const note = (text: string) => options.note(secrets.redact(text));
  if (config.flag.driver !== 'file') {
    throw new CutoverError(
      'FLAG_DRIVER',
      EXIT.config,
      `flag.driver is ${config.flag.driver}, and the gateway reads its ratio from a flag file`,
      { hint: 'set flag: { driver: file, path: flags.json }' },
    );
  }
  const sides = { legacy: sideOptions('legacy', options), target: sideOptions('target', options) };
  const { gateway } = config;
  const maxConnections = allowedConnections(gateway.maxConnections, note);
  const metrics = createMetrics();
  const log = createUsageLog({ path: options.usageLog, onNote: note });
  const flag = await watchFlagFile({
    path: resolve(dir, config.flag.path),
    key: config.flag.key,
    now,
    onRatio: (from, to) => note(`ratio ${formatRatio(from)} → ${formatRatio(to)}`),
    onNote: note,
  });
  const router = createRouter({
    sides,
    models: config.models,
    flagKey: config.flag.key,
    flag,
    stickyBy: gateway.stickyBy,
    fallback: gateway.fallback,
    retry: gateway.retry,
    breaker: gateway.breaker,
    forward: { headers: gateway.forwardHeaders, query: gateway.forwardQuery },
    secrets: [...secretsOf('legacy', options), ...secretsOf('target', options)],
    connections: maxConnections,
    now,
    onBreaker: (side, state) => note(`${sides[side].name} (${side}): its circuit is now ${state}`),
    onCut: (requests) =>
      note(
        `cut ${requests} ${requests === 1 ? 'request' : 'requests'} that waited for target; legacy answers`,
      ),
    onUsage(line) {
      metrics.add(line);
      // A list of models is no use of one.
      if (line.endpoint !== 'models') log.write(line);
    },
  });
  const startedAt = now();
  const closeAll = async () => {
    flag.close();
    await router.close();
    return log.close();
  };
  const server: HttpServer = await startServer(options.listen, {
    router,
    callers: { hosts: [...gateway.hosts, ...ownName(options.listen)], origins: gateway.origins },
    maxConnections,
    maxBody: gateway.maxBodyMiB * 2 ** 20,
    bodyWithin: gateway.bodyWithin,
    stopWithin: gateway.stopWithin,
    onRefused: metrics.refuse,
    onNote: note,
    page(path) {
      if (path === '/health') {
        const { status, body } = healthPage({
          sides,
          breakers: router.breakers(),
          flag: flag.state(),
          connections: { open: server.connections(), most: maxConnections },
          startedAt,
          now: now(),
        });
        return { status, type: 'application/json', body: secrets.redact(`${JSON.stringify(body)}\n`) };
      }
      if (path !== '/metrics') return undefined;
      const { ratio, checkedAt } = flag.state();
      const flagAgeSeconds = checkedAt === null ? undefined : (now() - checkedAt) / 1000;
      const gauges = {
        ratio,
        flagAgeSeconds,
        inFlight: server.inFlight(),
        connections: server.connections(),
        breakers: router.breakers(),
      };
      return { status: 200, type: 'text/plain; version=0.0.4; charset=utf-8', body: metrics.render(gauges) };
    },
  }).catch(async (error: unknown) => {
    await closeAll();
    throw error;
  });
  if (!isLoopback(options.listen.host)) {
    note(`${options.listen.host} can be reached from elsewhere, and the gateway asks its clients for no key`);
  }

  return {
    url: server.url,
    flag: flag.state,
    async stop() {
      await server.stop();
      return closeAll();
    },
  };
}

function sideOptions(side: Side, { config, secrets }: GatewayOptions): SideOptions {
  const { name, baseUrl, apiKey, timeouts, prices } = config.providers[side];
  const where = `providers.${side}`;
  const url = secrets.resolve(baseUrl, `${where}.baseUrl`);
  if (!URL.canParse(url)) {
    throw new CutoverError('BASE_URL', EXIT.config, `${where}.baseUrl is not a URL`, {
      hint: 'write it like https://api.example.com/v1',
    });
  }
  const key = apiKey === undefined ? undefined : secrets.resolve(apiKey, `${where}.apiKey`);
  return { name, baseUrl: url, apiKey: key, timeouts, prices };
}

/** What no client may be told of a side: its key, and what its address holds by reference. */
function secretsOf(side: Side, { config, secrets }: GatewayOptions): string[] {
  const { baseUrl, apiKey = '' } = config.providers[side];
  const references = (baseUrl + apiKey).match(REFERENCE) ?? [];
  return references.map((reference) => secrets.resolve(reference, `providers.${side}`));
}

/** The name that the gateway listens under; an address is known by itself, and those of every address are none. */
function ownName({ host }: ListenAddress): string[] {
  return isIP(host) === 0 ? [host.toLowerCase()] : [];
}

/** As many connections as the config asks for, where the system has the descriptors for them. */
function allowedConnections(asked: number | undefined, note: (text: string) => void): number {
  const limit = descriptorLimit();
  const possible = connectionsWithin(limit);
  if (asked !== undefined && asked > possible) {
    note(`gateway.maxConnections is ${asked}, but ${limit} open files allow ${possible}; raise ulimit -n`);
  }
  return Math.min(asked ?? MOST_CONNECTIONS, possible);
}
