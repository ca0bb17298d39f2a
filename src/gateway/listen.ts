import { isIPv4 } from 'node:net';
import { CutoverError, EXIT } from '../errors.ts';

export interface ListenAddress {
  host: string;
  port: number;
}

/**
 * `127.0.0.1:8080`, `[::1]:8080`, `localhost:0`, `:8080` or `8080`; without a host it is 127.0.0.1, and port 0 lets
 * the system choose.
 * @throws CutoverError LISTEN_INVALID (64).
 */
export function parseListen(text: string): ListenAddress {
  const match = /^(?:(?:\[([0-9a-fA-F:.]+)\]|([^:[\]\s]*)):)?(\d{1,5})$/.exec(text.trim());
  const port = Number(match?.[3] ?? Number.NaN);
  if (!match || !(port <= 65_535)) {
    throw new CutoverError(
      'LISTEN_INVALID',
      EXIT.usage,
      `not an address to listen on: ${JSON.stringify(text)}`,
      {
        hint: 'write it like 127.0.0.1:8080 or [::1]:8080; port 0 lets the system choose',
      },
    );
  }
  return { host: match[1] || match[2] || '127.0.0.1', port };
}

/** Whether a name or an address, without brackets or a port, is one that only this machine has. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIPv4(host) && host.startsWith('127.'));
}

/** The address as the start of a URL. */
export function httpUrl({ host, port }: ListenAddress): string {
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
}
