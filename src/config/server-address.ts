/** Where a DNS server listens. */
export interface ServerAddress {
  host: string;
  port: number;
}

const DNS_PORT = 53;

/** `host`, `host:port` or `[ipv6]:port`. */
export function serverOf(text: string): ServerAddress {
  const match = /^(?:\[([^\]]+)\]|([^:]+))(?::(\d+))?$/.exec(text);
  return { host: match?.[1] ?? match?.[2] ?? text, port: Number(match?.[3] ?? DNS_PORT) };
}

export const nameOf = ({ host, port }: ServerAddress) => `${host.includes(':') ? `[${host}]` : host}:${port}`;
