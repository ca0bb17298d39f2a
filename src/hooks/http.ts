import type { Secrets } from '../config/secrets.ts';
import { CutoverError, EXIT, messageOf, systemCode } from '../errors.ts';

/** How much of an answer is read at most, in bytes. */
const MAX_ANSWER = 1_000_000;
/** How much of what a server said goes into a message, in characters. */
const KEPT_ANSWER = 300;
/** A shorter part of an address is an ordinary word like `api`, in bytes. */
const MIN_SECRET_PART = 8;
const MIN_SECRET_SEGMENT = 16;

export interface HttpCall {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  url: string;
  headers?: Record<string, string>;
  body?: string;
  signal: AbortSignal;
  /** Longest answer that is accepted, in bytes; 1 MB without it. */
  maxAnswer?: number;
  /** Keeps secrets that the server echoes out of errors; the answer itself comes as it is. */
  secrets?: Secrets;
}

export interface HttpAnswer {
  status: number;
  text: string;
  /** The header Retry-After as it came. */
  retryAfter?: string | undefined;
}

/** An answer that is no success. */
export class Refused extends CutoverError {
  readonly status: number;
  /** The header Retry-After as it came: when the receiver wants to be asked again. */
  readonly retryAfter: string | undefined;

  constructor(call: HttpCall, answer: HttpAnswer) {
    super('HOOK_FAILED', EXIT.unreachable, refusal(call, answer));
    this.status = answer.status;
    this.retryAfter = answer.retryAfter;
  }
}

/** A call that was sent, or may have been, and that nobody has answered. */
export class Unanswered extends CutoverError {
  constructor(message: string, cause: unknown) {
    super('HOOK_FAILED', EXIT.unreachable, message, { cause });
  }
}

/** What a proxy answers for a server that has not answered it. */
const FOR_ANOTHER: readonly number[] = [502, 504];
/** Codes of what goes wrong before anything is sent: no address, no connection, no TLS. */
const NOT_SENT =
  /^(ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|UND_ERR_CONNECT_TIMEOUT|CERT_|DEPTH_ZERO_|ERR_SSL_|ERR_TLS_|SELF_SIGNED_|UNABLE_TO_)/;

/** Whether what a call asked for may be done, or be done yet, although the call has failed. */
export function mayBeDone(error: unknown): boolean {
  return error instanceof Unanswered || (error instanceof Refused && FOR_ANOTHER.includes(error.status));
}

/**
 * One HTTP call that has to succeed.
 * @throws Refused when the answer is no 2xx, Unanswered and CutoverError HOOK_FAILED (69) when there is none; see sendHttp for what
 *   the message holds.
 */
export async function callHttp(call: HttpCall): Promise<HttpAnswer> {
  const answer = await sendHttp(call);
  if (answer.status >= 200 && answer.status <= 299) return answer;
  throw new Refused(call, answer);
}

/**
 * One HTTP call, whatever its status. Redirects are not followed: a hook's address is what the config says, and a
 * body with the migration's data goes nowhere else.
 * @throws Unanswered when it may have been sent, CutoverError HOOK_FAILED (69) when not; the message holds the origin only.
 */
export async function sendHttp(call: HttpCall): Promise<HttpAnswer> {
  const url = parseUrl(call.url);
  const fail = (what: string, cause?: unknown) =>
    new CutoverError('HOOK_FAILED', EXIT.unreachable, `${url.origin}: ${what}`, { cause });
  // The default export: named ones of a CommonJS package do not survive bundling behind a dynamic import.
  const { default: undici } = await import('undici');
  try {
    const response = await undici.request(call.url, {
      method: call.method,
      headers: { 'user-agent': 'cutover', ...call.headers },
      body: call.body ?? null,
      signal: call.signal,
    });
    const limit = call.maxAnswer ?? MAX_ANSWER;
    const text = await readAnswer(response.body, limit);
    if (text === undefined) throw fail(`the answer is longer than ${limit} bytes`);
    const retryAfter = response.headers['retry-after'];
    return { status: response.statusCode, text, retryAfter: [retryAfter].flat()[0] };
  } catch (error) {
    if (error instanceof CutoverError && error.code === 'HOOK_FAILED') throw error;
    const fault = redactFor(call, connectionFault(error));
    if (NOT_SENT.test(systemCode(error) ?? '')) throw fail(fault, error);
    throw new Unanswered(`${url.origin}: ${fault}`, error);
  }
}

/** `https://host: HTTP 403: what it said`, on one line, redacted before it is cut: half a secret is not known any more. */
export function refusal(call: HttpCall, answer: HttpAnswer, said = answer.text): string {
  const text = redactFor(call, said).trim().replace(/\s+/g, ' ').slice(0, KEPT_ANSWER);
  return `${parseUrl(call.url).origin}: HTTP ${answer.status}${text ? `: ${text}` : ''}`;
}

const redactFor = ({ secrets }: HttpCall, text: string) => secrets?.redact(text) ?? text;

/**
 * An address of the config with its secrets. Its path and query count as secrets, as they are those of a chat's
 * webhook: a server that echoes them must not spread them.
 */
export function resolveUrl(text: string, where: string, secrets: Secrets): string {
  const address = secrets.resolve(text, where);
  const url = parseUrl(address);
  const parts = [url.password, url.pathname + url.search, url.pathname, ...url.searchParams.values()];
  for (const part of parts) if (part.length >= MIN_SECRET_PART) secrets.remember(part);
  for (const part of url.pathname.split('/')) if (part.length >= MIN_SECRET_SEGMENT) secrets.remember(part);
  return address;
}

/** Headers of the config with their secrets. */
export function resolveHeaders(
  headers: Readonly<Record<string, string>>,
  where: string,
  secrets: Secrets,
): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, secrets.resolve(value, `${where}.${name}`)]),
  );
}

/** A base address with a path below it, whether the base ends in a slash or not. */
export function below(base: string, path: string): string {
  return `${base.replace(/\/+$/, '')}${path}`;
}

function parseUrl(url: string): URL {
  try {
    return new URL(url);
  } catch {
    // The parser's own error holds the whole address, and with it the secret.
    throw new CutoverError('HOOK_FAILED', EXIT.config, 'the address of a hook is not a URL');
  }
}

async function readAnswer(body: AsyncIterable<Buffer>, limit: number): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.length;
    if (size > limit) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** undici wraps the socket's own error, sometimes one for each address tried. */
function connectionFault(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const text = messageOf(error);
  return text === '' ? code || 'no connection' : text;
}
