import { nameOf, serverOf } from './server-address.ts';

/**
 * Which server and zone a DNS hook speaks to: the same text however the config spells it, as far as that can be known
 * without a look-up. The journal knows records by it.
 */

type Entry =
  | { driver: 'rfc2136'; server: string; zone: string }
  | { driver: 'powerdns'; url: string; serverId: string; zone: string }
  | { driver: 'cloudflare'; zoneId: string }
  | { driver: 'route53'; hostedZoneId: string };

/** @returns e.g. `rfc2136 ns1.example.test:53 example.test.`; without secrets */
export function serverIdentity(entry: Entry): string {
  switch (entry.driver) {
    case 'rfc2136': {
      const { host, port } = serverOf(entry.server);
      return `rfc2136 ${nameOf({ host: hostIdentity(host), port })} ${entry.zone}`;
    }
    case 'powerdns':
      return `powerdns ${urlIdentity(entry.url)} ${entry.serverId} ${entry.zone}`;
    case 'cloudflare':
      return `cloudflare ${entry.zoneId.toLowerCase()}`;
    case 'route53':
      return `route53 ${entry.hostedZoneId}`;
  }
}

const MAPPED_IPV4 = /^\[::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})\]$/;

/** A host in one form: addresses as they are written shortest, names in lower case without a trailing dot. */
function hostIdentity(host: string): string {
  const plain = host.replace(/\.$/, '').toLowerCase();
  if (plain === 'localhost') return '127.0.0.1';
  const text = `http://${plain.includes(':') ? `[${plain}]` : plain}`;
  if (!URL.canParse(text)) return plain;
  const { hostname } = new URL(text);
  const mapped = MAPPED_IPV4.exec(hostname);
  if (mapped) return mapped.slice(1).flatMap(bytesOf).join('.');
  return hostname.replace(/^\[(.*)\]$/, '$1');
}

function bytesOf(group: string): number[] {
  const value = Number.parseInt(group, 16);
  return [value >> 8, value & 0xff];
}

/** An address as the config writes it: a password, a query and a port that goes without saying go; references stay. */
function urlIdentity(text: string): string {
  const bare = text
    .replace(/^(https?:\/\/)[^/@]*@/, '$1')
    .replace(/\?.*$/, '')
    .replace(/\/+$/, '');
  if (bare.includes('${') || !URL.canParse(bare)) return bare;
  const { protocol, hostname, port, pathname } = new URL(bare);
  const host = hostIdentity(hostname.replace(/^\[(.*)\]$/, '$1'));
  const place = host.includes(':') ? `[${host}]` : host;
  return `${protocol}//${place}${port === '' ? '' : `:${port}`}${pathname.replace(/\/+$/, '')}`;
}
