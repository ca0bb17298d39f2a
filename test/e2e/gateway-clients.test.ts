import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  request,
  type Server,
} from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { discard, type GatewayTestOptions, KEYS, type RunningGateway, startGateway } from './gateway.ts';

/** What passes between a client and a provider, and what does not. */

type Answer = (request: IncomingMessage, response: import('node:http').ServerResponse) => void;

let gateway: RunningGateway;
let provider: Server;
let seen: { url: string; headers: IncomingHttpHeaders }[];
let answer: Answer;

const plain = (extra: object = {}) => JSON.stringify({ id: 'x', choices: [], ...extra });
const good: Answer = (_request, response) =>
  void response.writeHead(200, { 'content-type': 'application/json' }).end(plain());

beforeEach(async () => {
  seen = [];
  answer = good;
  provider = createServer((incoming, response) => {
    seen.push({ url: incoming.url ?? '', headers: incoming.headers });
    incoming.resume().on('end', () => answer(incoming, response));
  });
  await new Promise<void>((ready) => provider.listen(0, '127.0.0.1', ready));
});
afterEach(async () => {
  await discard(gateway);
  provider.closeAllConnections();
  provider.close();
});

const start = async (options: GatewayTestOptions = {}) => {
  const { port } = provider.address() as AddressInfo;
  const side = { url: `http://127.0.0.1:${port}` };
  gateway = await startGateway(side, side, { gateway: { retry: { max: 0 } }, ...options });
};

interface Reply {
  status: number;
  headers: IncomingHttpHeaders;
  body: string;
}

/** A request whose every part is the test's own: fetch would forbid some of it. */
function send(
  path: string,
  headers: Record<string, string> = {},
  options: { method?: string; body?: string } = {},
): Promise<Reply> {
  const { hostname, port } = new URL(gateway.url);
  const { method = 'POST', body = '{"model":"m"}' } = options;
  return new Promise((resolve, reject) => {
    const call = request({ hostname, port, path, method, headers }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          body: Buffer.concat(chunks).toString(),
        }),
      );
    });
    call.on('error', reject);
    call.end(method === 'GET' || method === 'OPTIONS' ? undefined : body);
  });
}

const JSON_TYPE = { 'content-type': 'application/json' };
const CHAT = '/v1/chat/completions';

describe('headers and query to the provider', () => {
  const PRIVATE = {
    authorization: 'Bearer client',
    apikey: 'c',
    'api-key': 'c',
    'x-api-key': 'c',
    'x-goog-api-key': 'c',
    'helicone-auth': 'c',
    'ocp-apim-subscription-key': 'c',
    'x-forwarded-access-token': 'c',
    'x-forwarded-for': '10.1.2.3',
    'x-real-ip': '10.1.2.3',
    forwarded: 'for=10.1.2.3',
    referer: 'https://intern.example/secret',
    cookie: 'session=c',
    'openai-organization': 'org',
    'x-cutover-key': 'k',
    'x-anything': 'else',
  };
  const PASSED = {
    ...JSON_TYPE,
    accept: 'application/json',
    'user-agent': 'test/1',
    'openai-beta': 'assistants=v2',
    'x-stainless-lang': 'js',
    traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
    tracestate: 'a=b',
    'idempotency-key': 'i',
  };

  it('are those that are listed, with the own key of the side', async () => {
    await start();
    const query =
      '?key=c&api_key=c&api-key=c&token=c&access_token=c&anything=else&api-version=2024-10-21&limit=5';
    expect((await send(CHAT + query, { ...PRIVATE, ...PASSED })).status).toBe(200);
    const {
      host: _host,
      connection: _connection,
      'content-length': _length,
      ...headers
    } = seen[0]?.headers ?? {};
    expect(headers).toEqual({
      ...PASSED,
      'accept-encoding': 'identity',
      authorization: `Bearer ${KEYS.OLD_KEY}`,
    });
    expect(seen[0]?.url).toBe(`${CHAT}?api-version=2024-10-21&limit=5`);
  });

  it('and those that the config adds', async () => {
    await start({ gateway: { forwardHeaders: ['X-Team', 'x-trace-*'], forwardQuery: ['anything'] } });
    await send(`${CHAT}?anything=a%20b&key=c`, {
      ...JSON_TYPE,
      'x-team': 't',
      'x-trace-id': '7',
      'x-other': 'o',
    });
    expect(seen[0]?.headers).toMatchObject({ 'x-team': 't', 'x-trace-id': '7' });
    expect(seen[0]?.headers).not.toHaveProperty('x-other');
    expect(seen[0]?.url).toBe(`${CHAT}?anything=a%20b`);
  });
});

describe('what a provider says', () => {
  it('reaches the client without what is about the account', async () => {
    await start();
    const kept = {
      'content-type': 'application/json',
      'retry-after': '3',
      'x-request-id': 'r',
      'openai-processing-ms': '12',
      'x-ratelimit-remaining-requests': '9',
    };
    answer = (_request, response) =>
      void response
        .writeHead(200, {
          ...kept,
          'openai-organization': 'acme',
          'openai-project': 'p',
          'set-cookie': 'a=b',
          server: 'cloudflare',
          'cf-ray': 'x',
          location: 'https://elsewhere.example',
        })
        .end(plain());
    const { headers } = await send(CHAT, JSON_TYPE);
    const { date: _date, connection: _connection, 'keep-alive': _keep, ...rest } = headers;
    expect(rest).toEqual({
      ...kept,
      'content-length': String(plain().length),
      'x-cutover-id': expect.any(String),
      'x-cutover-source': 'legacy',
    });
  });

  const SECRETS = [KEYS.OLD_KEY, KEYS.NEW_KEY];
  const clean = ({ body, headers }: Reply) => {
    const all = body + JSON.stringify(headers);
    for (const secret of SECRETS) {
      expect(all).not.toContain(secret);
      expect(all).not.toContain(Buffer.from(secret).toString('base64').replace(/=+$/, ''));
      expect(all).not.toContain(Buffer.from(secret).toString('base64url'));
    }
    expect(body).toContain('***');
  };
  /** Each key as it is, in base64, in hexadecimal, and with every letter escaped as JSON and URLs do. */
  const echo = SECRETS.flatMap((key) => {
    const bytes = Buffer.from(key);
    const hex = bytes.toString('hex');
    return [key, bytes.toString('base64'), hex, hex.replace(/../g, '\\u00$&'), hex.replace(/../g, '%$&')];
  }).join(' ');
  const stars = Array(SECRETS.length).fill('*** ***== *** *** ***').join(' ');

  it('never holds a key of either side, whatever the status', async () => {
    await start();
    for (const status of [200, 400, 401, 500]) {
      answer = (_request, response) =>
        void response
          .writeHead(status, {
            ...JSON_TYPE,
            'x-request-id': `r-${KEYS.OLD_KEY}`,
            'x-ratelimit-reset': `${KEYS.NEW_KEY}`,
          })
          .end(plain({ error: { message: `bad key ${echo}` } }));
      const reply = await send(CHAT, JSON_TYPE);
      expect(reply.status).toBe(status);
      clean(reply);
      expect(reply.headers['x-request-id']).toBe('r-***');
      expect(JSON.parse(reply.body).error.message).toBe(`bad key ${stars}`);
    }
  });

  it('nor a stream, into pieces of however many bytes it is cut', async () => {
    await start();
    const text = `: ${echo}\n\ndata: ${plain({ choices: [{ delta: { content: echo }, finish_reason: 'stop' }] })}\n\ndata: [DONE]\n\n`;
    for (const size of [1, 2, 3, 5, 7, 50]) {
      answer = async (_request, response) => {
        response.writeHead(200, { 'content-type': 'text/event-stream' });
        for (let at = 0; at < text.length; at += size) {
          response.write(text.slice(at, at + size));
          await sleep(size < 5 ? 0 : 5);
        }
        response.end();
      };
      for (const extra of [{}, { stream_options: { include_usage: true } }]) {
        const body = JSON.stringify({ model: 'm', stream: true, ...extra });
        const reply = await send(CHAT, JSON_TYPE, { body });
        clean(reply);
        expect(reply.body, `pieces of ${size}`).toBe(
          text.replaceAll(echo, stars).replaceAll(JSON.stringify(echo).slice(1, -1), stars),
        );
      }
    }
  });

  it.each([
    ['gzip', gzipSync],
    ['br', brotliCompressSync],
  ])('nor one that was sent as %s, though identity was asked', async (encoding, encode) => {
    await start();
    answer = (incoming, response) => {
      const fails = incoming.url?.includes('api-version') ?? false;
      response.writeHead(fails ? 500 : 200, { ...JSON_TYPE, 'content-encoding': encoding });
      response.end(encode(plain({ error: { message: echo } })));
    };
    for (const path of [CHAT, `${CHAT}?api-version=1`]) {
      const reply = await send(path, JSON_TYPE);
      clean(reply);
      expect(reply.headers).not.toHaveProperty('content-encoding');
      expect(reply.headers['content-length']).toBe(String(reply.body.length));
    }
  });
});

describe('a web page', () => {
  const port = () => new URL(gateway.url).port;

  it('with a text/plain body, a foreign Origin or a foreign Host spends nothing', async () => {
    await start();
    const refused: [number, Record<string, string>][] = [
      [415, { 'content-type': 'text/plain' }],
      [415, { 'content-type': 'application/x-www-form-urlencoded' }],
      [415, { 'content-type': 'text/plain; application/json' }],
      [415, {}],
      [403, { ...JSON_TYPE, origin: 'https://evil.example' }],
      [403, { ...JSON_TYPE, origin: 'null' }],
      [403, { ...JSON_TYPE, origin: `http://localhost:1` }],
      [403, { ...JSON_TYPE, 'sec-fetch-site': 'cross-site' }],
      [403, { ...JSON_TYPE, host: 'evil.example' }],
      [403, { ...JSON_TYPE, host: `evil.example:${port()}` }],
      [403, { ...JSON_TYPE, host: `127.0.0.1.evil.example:${port()}` }],
      [403, { ...JSON_TYPE, host: '10.0.0.1' }],
      [403, { ...JSON_TYPE, host: `user@127.0.0.1` }],
    ];
    for (const [status, headers] of refused) {
      const reply = await send(CHAT, headers);
      expect([reply.status, headers]).toEqual([status, headers]);
      expect(JSON.parse(reply.body).error.type).toBe('invalid_request_error');
    }
    for (const path of ['/health', '/metrics', '/v1/models']) {
      expect((await send(path, { host: 'evil.example' }, { method: 'GET' })).status).toBe(403);
      expect((await send(path, { origin: 'https://evil.example' }, { method: 'GET' })).status).toBe(403);
    }
    expect(seen).toHaveLength(0);
    for (const host of [
      `127.0.0.1:${port()}`,
      'localhost',
      `LOCALHOST:${port()}`,
      '[::1]:9',
      '127.0.0.1:9000',
    ]) {
      expect((await send(CHAT, { ...JSON_TYPE, host })).status).toBe(200);
    }
    expect((await send(CHAT, { 'content-type': 'Application/JSON; charset=utf-8' })).status).toBe(200);
  });

  it('is told that what only looks like a path of the gateway is none', async () => {
    await start();
    for (const path of [
      '/v1/../metrics',
      '/v1/./chat/completions',
      '//metrics',
      '/metrics/',
      '/health/',
      '/%6detrics',
      '/v1/chat/completions/',
      '/v1/chat//completions',
      '/v1/chat%2Fcompletions',
      '/v1\\chat\\completions',
      '/v1/chat/completions;x',
      '/V1/chat/completions',
      'http://127.0.0.1/metrics',
      '/',
      '*',
    ]) {
      for (const method of ['GET', 'POST']) {
        const { status } = await send(path, JSON_TYPE, { method });
        expect([path, method, status]).toEqual([path, method, 404]);
      }
    }
    expect(seen).toHaveLength(0);
  });

  it('of a listed origin may ask, and is told so; a listed host too', async () => {
    await start({ gateway: { origins: ['https://chat.example'], hosts: ['llm.intern', 'a.example:8443'] } });
    const origin = 'https://chat.example';
    const preflight = await send(
      CHAT,
      { origin, 'access-control-request-method': 'POST', 'access-control-request-headers': 'content-type' },
      { method: 'OPTIONS' },
    );
    expect(preflight.status).toBe(204);
    expect(preflight.headers).toMatchObject({
      'access-control-allow-origin': origin,
      'access-control-allow-headers': 'content-type',
      vary: expect.stringMatching(/origin/i),
    });
    const reply = await send(CHAT, { ...JSON_TYPE, origin, 'sec-fetch-site': 'cross-site' });
    expect(reply.status).toBe(200);
    expect(reply.headers['access-control-allow-origin']).toBe(origin);
    expect((await send(CHAT, { origin: 'https://evil.example' }, { method: 'OPTIONS' })).status).toBe(403);
    for (const host of ['llm.intern', 'llm.intern:80', 'a.example:8443']) {
      expect((await send(CHAT, { ...JSON_TYPE, host })).status).toBe(200);
    }
    expect((await send(CHAT, { ...JSON_TYPE, host: 'a.example' })).status).toBe(403);
  });
});

describe('more clients than maxConnections', () => {
  const get = (path: string) => send(path, {}, { method: 'GET' });

  it('are told to wait when all have running requests; /health answers still', async () => {
    const held: (() => void)[] = [];
    answer = (incoming, response) => void held.push(() => good(incoming, response));
    await start({ gateway: { maxConnections: 2 } });
    const running = [send(CHAT, JSON_TYPE), send(CHAT, JSON_TYPE)];
    await vi.waitFor(() => expect(held).toHaveLength(2));
    const reply = await send(CHAT, JSON_TYPE);
    expect(reply.status).toBe(503);
    expect(reply.headers['retry-after']).toBe('1');
    const health = await get('/health');
    expect(health.status).toBe(200);
    expect(JSON.parse(health.body).connections).toEqual({ open: 3, most: 2 });
    expect(seen).toHaveLength(2);
    for (const go of held) go();
    for (const each of await Promise.all(running)) expect(each.status).toBe(200);
  });

  it('take the places of those that are idle, the longest first, and of no other', async () => {
    answer = () => {};
    await start({ gateway: { maxConnections: 3 } });
    const running = send(CHAT, JSON_TYPE);
    running.catch(() => {});
    await vi.waitFor(() => expect(seen).toHaveLength(1));
    const { hostname, port } = new URL(gateway.url);
    const closed: number[] = [];
    const idle = [0, 1, 2, 3].map((i) =>
      connect(Number(port), hostname)
        .on('error', () => {})
        .on('close', () => closed.push(i))
        .resume(),
    );
    await vi.waitFor(() => expect(closed.sort()).toEqual([0, 1]));
    expect((await get('/health')).status).toBe(200);
    await vi.waitFor(() => expect(closed.sort()).toEqual([0, 1, 2]));
    for (const socket of idle) socket.destroy();
  });
});

describe('a client whose headers take too long', () => {
  /** A connection that says something, and then on and on; and what it heard until it was closed. */
  function slow(first: string, more: string): Promise<{ heard: string; afterMs: number }> {
    const { hostname, port } = new URL(gateway.url);
    const began = performance.now();
    const socket = connect(Number(port), hostname, () => socket.write(first));
    const drip = setInterval(() => more !== '' && socket.write(more), 1000);
    let heard = '';
    socket.setEncoding('utf8').on('data', (text: string) => {
      heard += text;
    });
    // Whoever goes on when nobody listens any more is reset.
    socket.on('error', () => {});
    return new Promise((resolve) =>
      socket.on('close', () => {
        clearInterval(drip);
        resolve({ heard, afterMs: performance.now() - began });
      }),
    );
  }

  it('is let go after 15 s, dripping or silent, also on a connection that was of use; others are served', async () => {
    await start();
    const head = `POST ${CHAT} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n`;
    const whole = `${head}content-length: 13\r\n\r\n{"model":"m"}`;
    const clients = Promise.all([slow(head, 'x-drip: 1\r\n'), slow('', ''), slow(whole + head, 'x')]);
    await sleep(1000);
    expect((await send(CHAT, JSON_TYPE)).status).toBe(200);
    const [dripping, silent, used] = await clients;
    for (const { afterMs } of [dripping, silent, used]) {
      expect(afterMs).toBeGreaterThan(14_500);
      // Connections are looked over every second.
      expect(afterMs).toBeLessThan(20_000);
    }
    expect(dripping.heard).toMatch(/^HTTP\/1\.1 408 /);
    expect(used.heard).toMatch(/^HTTP\/1\.1 200 .*HTTP\/1\.1 408 /s);
    // Of what did not arrive no provider has heard.
    expect(seen).toHaveLength(2);
    expect((await gateway.health()).status).toBe('ok');
  }, 25_000);
});
