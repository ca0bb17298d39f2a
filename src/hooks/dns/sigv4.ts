import { createHash, createHmac } from 'node:crypto';

/**
 * AWS Signature Version 4 in headers, as documented in "Signature Version 4 signing process" of the AWS General
 * Reference. Left out, as Route 53 needs none of it: signing in the query, chunked bodies, a second encoding of the
 * path (the paths here hold nothing that it would change).
 */
export interface SigV4Request {
  method: string;
  /** The path is signed as it stands here. */
  url: URL;
  /** Names in lower case; all of them are signed, and `host` and `x-amz-date` besides. */
  headers: Readonly<Record<string, string>>;
  body: string;
}

export interface SigV4Scope {
  accessKeyId: string;
  secretAccessKey: string;
  /** Of temporary credentials. */
  sessionToken?: string | undefined;
  region: string;
  service: string;
  /** Unix milliseconds. */
  now: number;
}

/** The headers of the request with its signature. Pure. */
export function signV4(request: SigV4Request, scope: SigV4Scope): Record<string, string> {
  const time = new Date(scope.now).toISOString().replace(/[-:]|\.\d+/g, '');
  const headers: Record<string, string> = {
    ...request.headers,
    'x-amz-date': time,
    ...(scope.sessionToken === undefined ? {} : { 'x-amz-security-token': scope.sessionToken }),
  };
  const signed = Object.entries({ ...headers, host: request.url.host }).sort(([a], [b]) => (a < b ? -1 : 1));
  const names = signed.map(([name]) => name).join(';');
  const canonical = [
    request.method,
    request.url.pathname,
    canonicalQuery(request.url),
    ...signed.map(([name, value]) => `${name}:${value.trim().replace(/ +/g, ' ')}`),
    '',
    names,
    sha256(request.body),
  ].join('\n');
  const place = `${time.slice(0, 8)}/${scope.region}/${scope.service}/aws4_request`;
  const toSign = ['AWS4-HMAC-SHA256', time, place, sha256(canonical)].join('\n');
  const key = place.split('/').reduce(hmac, Buffer.from(`AWS4${scope.secretAccessKey}`));
  const signature = hmac(key, toSign).toString('hex');
  const credential = `${scope.accessKeyId}/${place}`;
  return {
    ...headers,
    authorization: `AWS4-HMAC-SHA256 Credential=${credential}, SignedHeaders=${names}, Signature=${signature}`,
  };
}

function canonicalQuery({ searchParams }: URL): string {
  return [...searchParams]
    .map(([name, value]) => [encodeStrictly(name), encodeStrictly(value)] as const)
    .sort(([a, x], [b, y]) => (a < b || (a === b && x < y) ? -1 : 1))
    .map((pair) => pair.join('='))
    .join('&');
}

/** RFC 3986: everything but letters, digits and `-._~`. */
export function encodeStrictly(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');

const hmac = (key: Buffer, text: string) => createHmac('sha256', key).update(text).digest();
