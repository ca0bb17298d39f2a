import type { IncomingHttpHeaders } from 'node:http';

type Headers = Record<string, string | string[]>;

/** Headers that belong to one connection and never travel further (RFC 9110, 7.6.1). */
const HOP_BY_HOP = [
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
];

/** The client's credentials, and what is bound to them: the side's own key goes in their place. */
const CREDENTIALS = [
  'authorization',
  'api-key',
  'x-api-key',
  'x-goog-api-key',
  'cookie',
  'openai-organization',
  'openai-project',
];

/** Set anew for each side. Encodings are not offered upstream, as token counts are read from the answer. */
const REPLACED = ['host', 'content-length', 'content-encoding', 'accept-encoding', 'expect'];

/** The headers that one side is sent: the client's, without what is its own, and with the side's key. */
export function upstreamHeaders(client: IncomingHttpHeaders, apiKey: string | undefined): Headers {
  const headers = without(client, [...HOP_BY_HOP, ...CREDENTIALS, ...REPLACED]);
  for (const name of Object.keys(headers)) if (name.startsWith('x-cutover-')) delete headers[name];
  headers['accept-encoding'] = 'identity';
  if (apiKey !== undefined) headers.authorization = `Bearer ${apiKey}`;
  return headers;
}

/** The headers that the client is given: the side's, without its cookies, as those are bound to the side. */
export function clientHeaders(upstream: IncomingHttpHeaders): Headers {
  return without(upstream, [...HOP_BY_HOP, 'set-cookie']);
}

function without(headers: IncomingHttpHeaders, dropped: readonly string[]): Headers {
  const named = String(headers.connection ?? '')
    .split(',')
    .map((name) => name.trim().toLowerCase());
  const drop = new Set([...dropped, ...named]);
  const kept: Headers = {};
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined && !drop.has(name)) kept[name] = value;
  }
  return kept;
}
