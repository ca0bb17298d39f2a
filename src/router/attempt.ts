import type { IncomingHttpHeaders } from 'node:http';
import type { Readable } from 'node:stream';
import type { Dispatcher } from 'undici';
import { systemCode } from '../errors.ts';
import { classifyStatus, type ErrorClass } from '../provider/error-class.ts';
import { decoded } from './decode.ts';
import { retryAfter } from './retry.ts';
import { isObject } from './usage.ts';
import { CUT } from './waiting.ts';

/** One HTTP request to one side, up to its first byte (a stream) or its end (anything else). */
export interface Call {
  method: 'GET' | 'POST';
  /** Path and query on the side's origin. */
  path: string;
  headers: Record<string, string | string[]>;
  body: Buffer | null;
  /** Fires when the client is gone, or with CUT as its reason when nothing may go to the side any more. */
  signal: AbortSignal;
}

/** Milliseconds: to connect, until the first byte of the answer, and for the whole of it. */
export interface Timeouts {
  connect: number;
  firstByte: number;
  total: number;
}

export interface Reply {
  status: number;
  headers: IncomingHttpHeaders;
  body: Buffer;
}

/** The side answers, and its answer can go to the client. */
export interface Answered {
  kind: 'answered';
  status: number;
  headers: IncomingHttpHeaders;
  /** What has been read so far: the first event of a stream, else the whole answer. */
  head: Buffer;
  /** What is still to come; null when `head` is everything. */
  rest: AsyncIterator<Buffer> | null;
  /** The whole answer, parsed; undefined for a stream, and for an answer that is no JSON. */
  json: unknown;
  /** Whether the answer is a stream of server-sent events. */
  streams: boolean;
  /** Lets go of the connection and the timers; to be called when the answer has been used. */
  close(): void;
  /** The class of an error that `rest` threw. */
  classify(error: unknown): ErrorClass;
}

/** The side failed before anything reached the client. */
export interface Failed {
  kind: 'failed';
  error: ErrorClass;
  /** HTTP status, when there was one. */
  status?: number;
  /** For people: what happened, without the side's name. */
  message: string;
  /** Trying the same side again may help. */
  retry: boolean;
  retryAfterMs?: number;
  /** The side's own words, for the client if the other side fails too. */
  reply?: Reply;
}

export type Attempt = Answered | Failed;

/** Answers that are not streams are read whole up to this size, so that one cut short can be tried again. */
const MAX_WHOLE = 32 * 1024 * 1024;
const MAX_ERROR_BODY = 256 * 1024;
/** A first event of a stream that is longer is passed on before its end. */
const MAX_FIRST_EVENT = 256 * 1024;

type Stopped = 'client' | 'cut' | 'first-byte' | 'total';

/** Makes one try. Never throws: whatever goes wrong is a Failed. */
export async function attempt(
  pool: Dispatcher,
  call: Call,
  timeouts: Timeouts,
  now: () => number,
): Promise<Attempt> {
  const stop = new AbortController();
  let stopped: Stopped | undefined;
  const stopFor = (why: Stopped) => () => {
    stopped ??= why;
    stop.abort();
  };
  const onSignal = () => stopFor(call.signal.reason === CUT ? 'cut' : 'client')();
  const firstByte = setTimeout(stopFor('first-byte'), timeouts.firstByte);
  const total = setTimeout(stopFor('total'), timeouts.total);
  let body: Readable | undefined;
  const close = () => {
    clearTimeout(firstByte);
    clearTimeout(total);
    call.signal.removeEventListener('abort', onSignal);
    // Ending a body that is not read to its end is an error to undici; here it is meant.
    body?.on('error', () => {}).destroy();
  };
  const classify = (error: unknown): ErrorClass => (stopped ? STOPPED[stopped] : classifyFault(error));

  call.signal.addEventListener('abort', onSignal);
  if (call.signal.aborted) onSignal();
  try {
    const { signal: _client, ...request } = call;
    const response = await pool.request({ ...request, signal: stop.signal });
    const { statusCode: status, headers } = response;
    body = decoded(response.body, headers['content-encoding']);
    if (!body) {
      body = response.body;
      close();
      const message = `an answer encoded as ${headers['content-encoding']}, which nobody asked for`;
      return { kind: 'failed', error: 'protocol', status, message, retry: false };
    }
    const rest: AsyncIterator<Buffer> = body[Symbol.asyncIterator]();
    const streams = /^text\/event-stream/i.test(String(headers['content-type'] ?? ''));
    const failure = faultOfStatus(status);
    const limit = failure ? MAX_ERROR_BODY : streams ? MAX_FIRST_EVENT : MAX_WHOLE;
    const { head, ended } = await readHead(rest, limit, streams && !failure, () => clearTimeout(firstByte));
    if (failure) {
      close();
      const wait = retryAfter(headers, now());
      return {
        kind: 'failed',
        ...failure,
        status,
        message: `status ${status}`,
        ...(wait === undefined ? {} : { retryAfterMs: wait }),
        reply: { status, headers, body: head },
      };
    }
    const json = ended && !streams ? parse(head) : undefined;
    const broken = status < 300 && ended && (streams ? head.length === 0 : !isObject(json));
    if (broken) {
      close();
      const message = streams ? 'a stream without a single event' : 'an answer that is no JSON object';
      return { kind: 'failed', error: 'protocol', message, retry: false };
    }
    return {
      kind: 'answered',
      status,
      headers,
      head,
      rest: ended ? null : rest,
      json,
      streams,
      close,
      classify,
    };
  } catch (error) {
    close();
    const errorClass = classify(error);
    return {
      kind: 'failed',
      error: errorClass,
      message: stopped ? stoppedMessage(stopped, timeouts) : faultMessage(error),
      retry: errorClass === 'timeout' || errorClass === 'connection',
    };
  }
}

/** Reads until the end, until there are `limit` bytes, or, with `oneEvent`, until there is a whole event. */
async function readHead(
  body: AsyncIterator<Buffer>,
  limit: number,
  oneEvent: boolean,
  onFirstByte: () => void,
): Promise<{ head: Buffer; ended: boolean }> {
  const chunks: Buffer[] = [];
  let size = 0;
  let end = '';
  while (size < limit) {
    const { value, done } = await body.next();
    onFirstByte();
    if (done) return { head: join(chunks), ended: true };
    chunks.push(value);
    size += value.length;
    if (!oneEvent) continue;
    const text = end + value.toString('latin1');
    if (BLANK_LINE.test(text)) break;
    end = text.slice(-3);
  }
  return { head: join(chunks), ended: false };
}

const BLANK_LINE = /\n\n|\r\r|\r\n\r\n/;

function join(chunks: Buffer[]): Buffer {
  return chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks);
}

/** A status that sends the request to the other side. Other 4xx are the client's own mistake and its answer. */
function faultOfStatus(status: number): Pick<Failed, 'error' | 'retry'> | undefined {
  const error = classifyStatus(status);
  if (error === undefined || error === 'invalid_request' || error === 'cancelled') return undefined;
  // The side does not know our key or the model's name: no retry helps, the other side may.
  return { error, retry: error !== 'auth' && error !== 'not_found' };
}

function parse(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch {
    return undefined;
  }
}

const STOPPED: Record<Stopped, ErrorClass> = {
  client: 'cancelled',
  cut: 'cancelled',
  'first-byte': 'timeout',
  total: 'timeout',
};

function stoppedMessage(stopped: Stopped, timeouts: Timeouts): string {
  if (stopped === 'client') return 'the client is gone';
  if (stopped === 'cut') return 'cut off, as the flag sends nothing there any more';
  return stopped === 'first-byte'
    ? `no answer within ${timeouts.firstByte} ms`
    : `no whole answer within ${timeouts.total} ms`;
}

const TIMEOUT_CODES = new Set([
  'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_HEADERS_TIMEOUT',
  'UND_ERR_BODY_TIMEOUT',
  'ETIMEDOUT',
]);

/** The class of an error that undici or the system threw. */
function classifyFault(error: unknown): ErrorClass {
  const code = systemCode(error) ?? '';
  if (TIMEOUT_CODES.has(code)) return 'timeout';
  if (/^(?:HPE|Z)_/.test(code) || code === 'UND_ERR_HEADERS_OVERFLOW') return 'protocol';
  return 'connection';
}

function faultMessage(error: unknown): string {
  const code = systemCode(error);
  const text = error instanceof Error ? error.message : String(error);
  return code && !text.includes(code) ? `${text} (${code})` : text;
}
