import type { Dispatcher } from 'undici';
import type { ProviderConfig } from '../config/schema.ts';
import { classifyStatus } from './error-class.ts';
import {
  type Failure,
  type Fault,
  faultBeforeAnswer,
  faultInAnswer,
  GaveUp,
  printable,
  retryAfterMs,
} from './failure.ts';

/** An answer longer than this is no answer to any prompt. */
const MAX_BODY_BYTES = 16 * 1024 * 1024;
/** How much of an error's body is read: enough for its message. */
const MAX_ERROR_BYTES = 64 * 1024;
/** How long to wait for bytes that are welcome and not needed. */
const LINGER_MS = 1000;

export interface Call {
  readonly method: 'GET' | 'POST';
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}

export interface Wire {
  readonly dispatcher: Dispatcher;
  readonly timeouts: ProviderConfig['timeouts'];
  /** Takes secrets out of a message. */
  redact(text: string): string;
}

export interface Answer {
  readonly ok: true;
  readonly status: number;
  readonly contentType: string;
  readonly requestId?: string;
  /** From the call to the last byte that the reader wanted, milliseconds. */
  readonly latencyMs: number;
}

/** Takes the body as it comes. Returning `done` says that the rest does not matter. */
export type Reader = (text: string, sinceStartMs: number) => 'more' | 'done';

/**
 * One HTTP exchange: no retries, no redirects, and every failure a value.
 * The timers are our own, as the ones of the HTTP client tick in whole seconds.
 * @param openReader is called with the content type of a good answer and gives what reads its body.
 */
export async function exchange(
  wire: Wire,
  call: Call,
  signal: AbortSignal | undefined,
  openReader: (contentType: string) => Reader,
): Promise<Answer | Failure> {
  const url = new URL(call.url);
  const start = performance.now();
  const elapsed = () => performance.now() - start;
  const stop = new AbortController();
  const giveUp = (errorClass: 'timeout' | 'cancelled', message: string) =>
    stop.abort(new GaveUp(errorClass, message));
  const cancel = () => giveUp('cancelled', 'cancelled');
  const { firstByte, total } = wire.timeouts;
  const timers = {
    firstByte: setTimeout(() => giveUp('timeout', `no answer within ${firstByte} ms`), firstByte),
    total: setTimeout(() => giveUp('timeout', `answer not complete within ${total} ms`), total),
  };
  const fail = (fault: Fault, more: Partial<Failure> = {}): Failure => ({
    ok: false,
    ...fault,
    ...more,
    message: printable(wire.redact(fault.message)),
    latencyMs: elapsed(),
  });

  if (signal?.aborted) cancel();
  signal?.addEventListener('abort', cancel, { once: true });
  try {
    let response: Dispatcher.ResponseData;
    try {
      stop.signal.throwIfAborted();
      response = await wire.dispatcher.request({
        origin: url.origin,
        path: url.pathname + url.search,
        method: call.method,
        headers: { ...call.headers },
        body: call.body ?? null,
        signal: stop.signal,
      });
    } catch (error) {
      return fail(faultBeforeAnswer(stop.signal.aborted ? stop.signal.reason : error));
    }
    clearTimeout(timers.firstByte);
    const header = (name: string) => [response.headers[name]].flat()[0];
    const requestId = header('x-request-id') ?? header('request-id');
    const status = response.statusCode;
    const known = { status, ...(requestId === undefined ? {} : { requestId: printable(requestId) }) };

    if (status < 200 || status > 299) {
      const detail = await readErrorBody(response);
      const wait = retryAfterMs(header('retry-after'), Date.now());
      return fail(
        {
          errorClass: classifyStatus(status) ?? 'protocol',
          message: `HTTP ${status}${detail ? `: ${detail}` : ''}`,
        },
        { ...known, ...(wait === undefined ? {} : { retryAfterMs: wait }) },
      );
    }

    const contentType = header('content-type') ?? '';
    const read = openReader(contentType);
    const decoder = new TextDecoder();
    let bytes = 0;
    let doneMs: number | undefined;
    try {
      for await (const chunk of response.body) {
        bytes += (chunk as Buffer).length;
        if (bytes > MAX_BODY_BYTES) throw new Error(`longer than ${MAX_BODY_BYTES / 1024 / 1024} MiB`);
        // What comes after the end is only waited for so that the connection can be used again.
        if (
          doneMs === undefined &&
          read(decoder.decode(chunk as Buffer, { stream: true }), elapsed()) === 'done'
        ) {
          doneMs = elapsed();
          clearTimeout(timers.total);
          timers.total = setTimeout(() => giveUp('cancelled', 'done'), LINGER_MS);
        }
      }
    } catch (error) {
      if (doneMs === undefined) {
        return fail(faultInAnswer(stop.signal.aborted ? stop.signal.reason : error), known);
      }
    }
    return { ok: true, contentType, latencyMs: doneMs ?? elapsed(), ...known };
  } finally {
    clearTimeout(timers.firstByte);
    clearTimeout(timers.total);
    signal?.removeEventListener('abort', cancel);
  }
}

/** The message in the body of an error; what cannot be read in time is left out, the status says enough. */
async function readErrorBody(response: Dispatcher.ResponseData): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  const timer = setTimeout(() => response.body.destroy(), LINGER_MS);
  try {
    for await (const chunk of response.body) {
      chunks.push(chunk as Buffer);
      bytes += (chunk as Buffer).length;
      if (bytes >= MAX_ERROR_BYTES) break;
    }
  } catch (error) {
    if (chunks.length === 0) return `its body cannot be read (${String(error)})`;
  } finally {
    clearTimeout(timer);
  }
  const text = Buffer.concat(chunks).toString('utf8');
  return messageIn(text) ?? text.slice(0, 200);
}

/** `{"error": {"message": …}}`, `{"error": "…"}` or `{"message": …}`. */
function messageIn(text: string): string | undefined {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    return undefined;
  }
  for (const key of ['error', 'message', 'detail']) {
    if (typeof body !== 'object' || body === null) return undefined;
    const value = (body as Record<string, unknown>)[key];
    if (typeof value === 'string') return value;
    if (typeof value === 'object' && value !== null) {
      const message = (value as Record<string, unknown>).message;
      if (typeof message === 'string') return message;
    }
  }
  return undefined;
}
