import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { formatDuration } from '../config/units.ts';
import { CutoverError, EXIT, messageOf, systemCode } from '../errors.ts';
import { StreamCut } from '../router/answer.ts';
import { ENDPOINTS } from '../router/request.ts';
import { errorAnswer, type Router, type RouterAnswer } from '../router/router.ts';
import { type Callers, originOf, refusalOf } from './admission.ts';
import { readBody } from './body.ts';
import { boundConnections, type Connections } from './connections.ts';
import { httpUrl, type ListenAddress } from './listen.ts';

/** How long the headers of a request may take, and how often connections are looked over for that. */
const HEADERS_MS = 15_000;
const LOOK_MS = 1000;
/** How long a client may go on sending what is too large. */
const DRAIN_MS = 5000;

export interface HttpServerOptions {
  router: Router;
  callers: Callers;
  /** The most connections of clients. */
  maxConnections: number;
  /** Bytes of a request's body; more is answered with 413. */
  maxBody: number;
  /** Milliseconds that the body of a request may take; then it is answered with 408. */
  bodyWithin: number;
  /** Milliseconds that a stop waits for running requests. */
  stopWithin: number;
  /** Answers of the gateway's own: /health and /metrics. Undefined for any other path. */
  page(path: string): { status: number; type: string; body: string } | undefined;
  /** Is told the status of a request that no side was asked about. */
  onRefused(status: number): void;
  onNote(text: string): void;
}

export interface HttpServer {
  url: string;
  inFlight(): number;
  connections(): number;
  /** Takes no more requests, waits for the running ones, and breaks those that take too long. */
  stop(): Promise<void>;
}

/** @throws CutoverError LISTEN_FAILED (78) when the address cannot be used. */
export async function startServer(address: ListenAddress, options: HttpServerOptions): Promise<HttpServer> {
  const running = new Map<Promise<void>, AbortController>();
  let stopping = false;

  const limits = {
    headersTimeout: HEADERS_MS,
    // Ours comes first; this one bounds the bodies that nobody reads, of requests that were refused.
    requestTimeout: HEADERS_MS + options.bodyWithin,
    connectionsCheckingInterval: LOOK_MS,
  };
  const server = createServer(limits, (request, response) => {
    if (stopping) response.setHeader('connection', 'close');
    const gone = new AbortController();
    response.on('close', () => {
      if (!response.writableFinished) gone.abort();
    });
    const work = respond(request, response, gone.signal, options, connections)
      .catch((error: unknown) => {
        // The client sees a broken answer. A cut stream is in the usage log; anything else is a fault of ours.
        response.destroy();
        const left = gone.signal.aborted || systemCode(error) === 'ECONNRESET';
        if (!left && !(error instanceof StreamCut)) options.onNote(`a request failed: ${messageOf(error)}`);
      })
      .finally(() => running.delete(work));
    running.set(work, gone);
  });
  const connections = boundConnections(server, options.maxConnections);
  // Longer than load balancers keep idle connections, so that none is closed while a request is on its way.
  server.keepAliveTimeout = 75_000;
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => reject(listenFailed(address, error)));
    server.listen(address.port, address.host, resolve);
  });
  const { port } = server.address() as AddressInfo;

  return {
    url: httpUrl({ host: address.host, port }),
    inFlight: () => running.size,
    connections: connections.count,
    async stop() {
      stopping = true;
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      const timer = setTimeout(() => {
        const requests = running.size === 1 ? 'request' : 'requests';
        options.onNote(
          `broke off ${running.size} ${requests} after waiting ${formatDuration(options.stopWithin)}`,
        );
        for (const gone of running.values()) gone.abort();
        server.closeAllConnections();
      }, options.stopWithin);
      while (running.size > 0) await Promise.allSettled(running.keys());
      clearTimeout(timer);
      server.closeAllConnections();
      await closed;
    },
  };
}

async function respond(
  request: IncomingMessage,
  response: ServerResponse,
  gone: AbortSignal,
  options: HttpServerOptions,
  connections: Connections,
): Promise<void> {
  const refuse = (status: number, message: string) => {
    options.onRefused(status);
    return send(response, errorAnswer(status, 'invalid_request_error', message));
  };
  const foreign = refusalOf(request, options.callers);
  if (foreign) return refuse(403, foreign);
  const origin = originOf(request, options.callers);
  if (origin !== undefined) {
    response.setHeader('access-control-allow-origin', origin).setHeader('vary', 'origin');
  }
  // Never normalised: what a proxy or a filter in front has seen is what is carried.
  const { path, query } = splitTarget(request.url ?? '/');
  const page = request.method === 'GET' ? options.page(path) : undefined;
  if (page) {
    response.writeHead(page.status, { 'content-type': page.type }).end(page.body);
    return;
  }
  const endpoint = ENDPOINTS.find((each) => path === `/v1${each.path}`);
  if (!endpoint) return refuse(404, `the gateway does not carry ${path}`);
  const method = endpoint.name === 'models' ? 'GET' : 'POST';
  if (request.method === 'OPTIONS' && origin !== undefined) return preflight(request, response, method);
  if (request.method !== method) {
    response.setHeader('allow', method);
    return refuse(405, `${path} takes ${method}`);
  }
  if (connections.isSurplus(request.socket)) {
    response.setHeader('connection', 'close').setHeader('retry-after', '1');
    return refuse(503, 'the gateway has as many clients as it can hold');
  }
  const type = request.headers['content-type'] ?? 'none';
  if (method === 'POST' && !/^application\/json\s*(?:;|$)/i.test(type)) {
    return refuse(415, `the content-type of the body must be application/json (${type})`);
  }
  const encoding = request.headers['content-encoding'] ?? 'identity';
  if (encoding !== 'identity') return refuse(415, `the body must not be encoded (${encoding})`);
  const body = method === 'GET' ? null : await readBody(request, options.maxBody, options.bodyWithin);
  if (body === 'too slow') {
    response.setHeader('connection', 'close');
    return refuse(408, `the body did not arrive within ${formatDuration(options.bodyWithin)}`);
  }
  if (body === 'too large') {
    response.setHeader('connection', 'close');
    // A connection closed on a client that is still sending is reset, and the client would never see why.
    await drained(request);
    return refuse(413, `the body is larger than ${options.maxBody / 2 ** 20} MiB`);
  }
  const answer = await options.router.handle({
    endpoint,
    query,
    headers: request.headers,
    body,
    signal: gone,
  });
  if (answer.source === null && answer.status < 500) options.onRefused(answer.status);
  return send(response, answer);
}

/** The parts of a request's target, as they were written; the query with its question mark, or empty. */
function splitTarget(target: string): { path: string; query: string } {
  const at = target.indexOf('?');
  return at === -1 ? { path: target, query: '' } : { path: target.slice(0, at), query: target.slice(at) };
}

/** What a browser asks before it lets a page of a listed origin send JSON. */
function preflight(request: IncomingMessage, response: ServerResponse, method: string): void {
  const asked = request.headers['access-control-request-headers'];
  response
    .writeHead(204, {
      'access-control-allow-methods': method,
      ...(asked === undefined ? {} : { 'access-control-allow-headers': asked }),
      'access-control-max-age': '600',
    })
    .end();
}

/** Writes an answer no faster than the client reads it. */
async function send(response: ServerResponse, answer: RouterAnswer): Promise<void> {
  if (!response.destroyed) response.writeHead(answer.status, answer.headers);
  while (!response.destroyed) {
    const { value, done } = await answer.body.next();
    if (done) {
      const sent = eventOrClose(response, 'finish');
      response.end();
      return sent;
    }
    if (!response.write(value)) await eventOrClose(response, 'drain');
  }
  await answer.body.return?.();
}

/** Waits for an event, or for the connection to be gone. */
function eventOrClose(stream: ServerResponse | IncomingMessage, event: string): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      stream.off(event, done);
      stream.off('close', done);
      resolve();
    };
    stream.on(event, done);
    stream.on('close', done);
    if (stream.destroyed) done();
  });
}

/** Reads a request to its end and forgets it; a slow one only for a while. */
async function drained(request: IncomingMessage): Promise<void> {
  request.resume();
  if (request.readableEnded) return;
  await Promise.race([eventOrClose(request, 'end'), sleep(DRAIN_MS, undefined, { ref: false })]);
}

function listenFailed(address: ListenAddress, error: Error): CutoverError {
  const inUse = systemCode(error) === 'EADDRINUSE';
  const why = inUse ? 'the address is in use' : messageOf(error);
  return new CutoverError(
    'LISTEN_FAILED',
    EXIT.config,
    `cannot listen on ${address.host}:${address.port}: ${why}`,
    {
      hint: 'choose another with --listen HOST:PORT or gateway.listen',
      cause: error,
    },
  );
}
