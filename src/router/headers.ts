import type { IncomingHttpHeaders } from 'node:http';
import { OWN_HEADERS } from '../config/gateway-schema.ts';

type Headers = Record<string, string | string[]>;

/**
 * What goes upstream of what a client sends. Nothing else does: gateways, proxies and browsers put credentials and
 * addresses under ever new names. A `*` stands for any ending.
 */
const UPSTREAM = [
  'content-type',
  'accept',
  'user-agent',
  'openai-beta',
  'x-stainless-arch',
  'x-stainless-async',
  'x-stainless-custom-poll-interval',
  'x-stainless-helper-method',
  'x-stainless-lang',
  'x-stainless-os',
  'x-stainless-package-version',
  'x-stainless-poll-helper',
  'x-stainless-raw-response',
  'x-stainless-read-timeout',
  'x-stainless-retry-count',
  'x-stainless-runtime',
  'x-stainless-runtime-version',
  'x-stainless-stream-helper',
  'x-stainless-timeout',
  'traceparent',
  'tracestate',
  'idempotency-key',
];

/** Versions of an API and the pages of a list. */
const UPSTREAM_QUERY = ['api-version', 'limit', 'after', 'before', 'order', 'include', 'include[]'];

/** What goes back of what a provider says: nothing about the operator's account, and nothing of one connection. */
const DOWNSTREAM = [
  'content-type',
  'cache-control',
  'retry-after',
  'retry-after-ms',
  'x-should-retry',
  'x-ratelimit-*',
  'x-request-id',
  'openai-processing-ms',
  'openai-version',
  'openai-model',
];

/** What the config lets through besides. */
export interface Forward {
  headers: readonly string[];
  query: readonly string[];
}

/** Makes of a client's request what one side is sent. */
export interface Upstream {
  /** The listed headers, with the side's own key. */
  headers(client: IncomingHttpHeaders, apiKey: string | undefined): Headers;
  /** The listed parameters, as they were written. @param query with its question mark, or empty. */
  query(query: string): string;
}

export function createUpstream(forward: Forward): Upstream {
  const named = matcher([...UPSTREAM, ...forward.headers]);
  const own = new Set(OWN_HEADERS);
  const listed = new Set([...UPSTREAM_QUERY, ...forward.query]);
  return {
    headers(client, apiKey) {
      const headers = pick(client, (name) => named(name) && !own.has(name));
      // Encodings are not offered, as token counts are read from the answer.
      headers['accept-encoding'] = 'identity';
      if (apiKey !== undefined) headers.authorization = `Bearer ${apiKey}`;
      return headers;
    },
    query(query) {
      const kept = query
        .slice(1)
        .split('&')
        .filter((pair) => listed.has(parameterName(pair)));
      return kept.length > 0 ? `?${kept.join('&')}` : '';
    },
  };
}

const downstream = matcher(DOWNSTREAM);

/** The headers that a client is given of a provider's. */
export function clientHeaders(upstream: IncomingHttpHeaders): Headers {
  return pick(upstream, downstream);
}

function matcher(patterns: readonly string[]): (name: string) => boolean {
  const names = new Set(patterns);
  const starts = patterns.filter((each) => each.endsWith('*')).map((each) => each.slice(0, -1));
  return (name) => names.has(name) || starts.some((start) => name.startsWith(start));
}

function pick(headers: IncomingHttpHeaders, keeps: (name: string) => boolean): Headers {
  const kept: Headers = {};
  for (const name in headers) {
    const value = headers[name];
    if (value !== undefined && keeps(name)) kept[name] = value;
  }
  return kept;
}

function parameterName(pair: string): string {
  const name = pair.split('=', 1)[0] as string;
  try {
    return decodeURIComponent(name);
  } catch {
    // No list holds what cannot be decoded.
    return '';
  }
}
