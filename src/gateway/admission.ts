import type { IncomingMessage } from 'node:http';
import { isLoopback } from './listen.ts';

/** Who may ask: a web page must not spend the operator's keys, under its own name or under one of ours. */
export interface Callers {
  /** Names of the gateway in `Host`, lower case: with a port only that one, without any. */
  hosts: readonly string[];
  /** Web pages' origins. */
  origins: readonly string[];
}

const HOST = /^(?:\[([0-9a-f:.]+)\]|([^:@/\\?#\s[\]]+))(?::\d{1,5})?$/;

/** Why a request is refused, or undefined when it is not. */
export function refusalOf({ headers, socket }: IncomingMessage, callers: Callers): string | undefined {
  const host = headers.host?.toLowerCase();
  // Only HTTP/1.0 has none, which no browser speaks, and some load balancers' health checks do.
  if (host !== undefined && !isOwnHost(host, socket.localAddress, callers.hosts)) {
    return `${JSON.stringify(host)} is no name of this gateway; gateway.hosts may list it`;
  }
  const { origin } = headers;
  if (origin !== undefined) {
    const own = origin === `http://${host}`;
    if (own || callers.origins.includes(origin)) return undefined;
    return `pages of ${JSON.stringify(origin)} may not ask this gateway; gateway.origins may list it`;
  }
  const site = headers['sec-fetch-site'];
  if (site === 'cross-site' || site === 'same-site')
    return 'a page of another origin may not ask this gateway';
  return undefined;
}

/** The listed origin of a request's page. */
export function originOf({ headers }: IncomingMessage, callers: Callers): string | undefined {
  const { origin } = headers;
  return origin !== undefined && callers.origins.includes(origin) ? origin : undefined;
}

/** @param localAddress where the connection came in: an address in `Host` can be no other. */
function isOwnHost(host: string, localAddress: string | undefined, listed: readonly string[]): boolean {
  const match = HOST.exec(host);
  const name = match?.[1] ?? match?.[2];
  if (name === undefined) return false;
  if (isLoopback(name) || name === localAddress?.replace(/^::ffff:/, '')) return true;
  return listed.includes(host) || listed.includes(match?.[1] === undefined ? name : `[${name}]`);
}
