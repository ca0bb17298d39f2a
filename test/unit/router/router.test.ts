import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { StreamCut } from '../../../src/router/answer.ts';
import type { FlagNow } from '../../../src/router/choose.ts';
import type { UsageLine } from '../../../src/router/record.ts';
import { ENDPOINTS, type Endpoint } from '../../../src/router/request.ts';
import {
  createRouter,
  type FlagSource,
  type Router,
  type RouterAnswer,
  type RouterOptions,
} from '../../../src/router/router.ts';
import { type OpenAiServer, startOpenAiServer } from '../../servers/start.ts';

const BREAKER = {
  requests: 1000,
  within: 10_000,
  failed: 0.5,
  halfOpenAfter: 60_000,
  halfOpenAtMost: 60_000,
};
const CHAT = ENDPOINTS[0] as Endpoint;
let legacy: OpenAiServer;
let target: OpenAiServer;
let router: Router;
let lines: UsageLine[];
let flag: FlagNow;
/** A flag that the test itself changes. */
let listeners: ((flag: FlagNow) => void)[];
const source: FlagSource = {
  fresh: async () => flag,
  onChange: (listener) => void listeners.push(listener),
};
function setFlag(ratio: number, kind = 'shift'): void {
  flag = { ratio, kind, certain: true };
  for (const listener of listeners) listener(flag);
}

beforeAll(async () => {
  [legacy, target] = await Promise.all([startOpenAiServer('legacy'), startOpenAiServer('target')]);
});
afterAll(async () => {
  await Promise.all([legacy.stop(), target.stop()]);
});
beforeEach(async () => {
  await Promise.all([legacy.reset(), target.reset()]);
  flag = { ratio: 1, kind: 'shift', certain: true };
  start();
});
afterEach(() => router.close());

function start(
  changes: Partial<RouterOptions> = {},
  timeouts = { connect: 1000, firstByte: 300, total: 5000 },
): void {
  void router?.close();
  lines = [];
  listeners = [];
  const side = (server: OpenAiServer, name: string) => ({
    name,
    baseUrl: `${server.url}/v1/`,
    apiKey: `${name}-key`,
    timeouts,
    prices: { '*': { input: 1, output: 2 } },
  });
  router = createRouter({
    sides: { legacy: side(legacy, 'deepseek'), target: side(target, 'holysheep') },
    models: { small: 'small-target' },
    flagKey: 'llm-provider',
    flag: source,
    stickyBy: 'user',
    fallback: { toLegacy: true, toTarget: true },
    retry: { max: 3, firstDelay: 5, maxDelay: 2000 },
    breaker: BREAKER,
    forward: { headers: [], query: [] },
    secrets: [],
    onUsage: (line) => lines.push(line),
    ...changes,
  });
}

function send(body: object | string, signal = new AbortController().signal): Promise<RouterAnswer> {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  const headers = { 'content-type': 'application/json', authorization: 'Bearer client' };
  return router.handle({ endpoint: CHAT, query: '', headers, body: Buffer.from(text), signal });
}

async function read(answer: RouterAnswer): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of answer.body) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
}

const PLAIN = { model: 'small', messages: [{ role: 'user', content: 'ping' }], user: 'u1' };
const STREAM = { ...PLAIN, stream: true };

describe('one side', () => {
  it('carries a plain request with the mapped model and its own key', async () => {
    const answer = await send(PLAIN);
    expect(answer.status).toBe(200);
    expect(answer.headers).toMatchObject({ 'x-cutover-source': 'target' });
    expect(answer.headers).not.toHaveProperty('x-cutover-fallback');
    const text = await read(answer);
    expect(JSON.parse(text).choices[0].message.content).toMatch(/^target: ping/);
    expect(answer.headers['content-length']).toBe(String(Buffer.byteLength(text)));
    const { last } = await target.stats();
    expect(last?.headers.authorization).toBe('Bearer holysheep-key');
    expect(JSON.parse(String(last?.body))).toEqual({ ...PLAIN, model: 'small-target' });
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatchObject({
      provider: 'holysheep',
      side: 'target',
      model: 'small-target',
      input_tokens: 1,
      cached_input_tokens: 0,
      output_tokens: 8,
      status: 200,
      user: 'u1',
      key: 'body',
      tries: 1,
      fallback: false,
    });
    expect(lines[0]?.cost).toBeCloseTo(17e-6, 12);
    expect(lines[0]?.latency_ms).toBeGreaterThan(0);
  });

  it('says in its record that a request without a key is sticky to nothing', async () => {
    setFlag(0.5);
    for (let i = 0; i < 60; i++) await read(await send({ ...PLAIN, user: undefined }));
    expect(new Set(lines.map((line) => line.key))).toEqual(new Set(['random']));
    const onTarget = lines.filter((line) => line.side === 'target').length;
    expect(onTarget).toBeGreaterThan(10);
    expect(onTarget).toBeLessThan(50);
    for (let i = 0; i < 20; i++) await read(await send({ ...PLAIN, user: 'same' }));
    expect(new Set(lines.slice(60).map((line) => line.side)).size).toBe(1);
  });

  it('streams, counts the tokens, and hides the usage chunk that it asked for itself', async () => {
    const text = await read(await send(STREAM));
    expect(text.endsWith('data: [DONE]\n\n')).toBe(true);
    expect(text).not.toContain('"choices":[]');
    expect(lines[0]).toMatchObject({ input_tokens: 1, output_tokens: 8, status: 200 });
    expect(lines[0]?.ttft_ms).toBeGreaterThan(0);
    const asked = await read(await send({ ...STREAM, stream_options: { include_usage: true } }));
    expect(asked).toContain('"choices":[],"usage":{"prompt_tokens":1');
  });

  it('passes a client mistake on without trying anything else', async () => {
    await target.control({ status: 400 });
    const answer = await send(PLAIN);
    expect(answer.status).toBe(400);
    expect(await read(answer)).toContain('target answers 400');
    expect([(await target.stats()).requests, (await legacy.stats()).requests]).toEqual([1, 0]);
    expect(lines[0]).toMatchObject({ status: 400, tries: 1 });
  });

  it('refuses a body that is no JSON object without asking anybody', async () => {
    const answer = await send('[1]');
    expect(answer.status).toBe(400);
    expect(JSON.parse(await read(answer)).error.type).toBe('invalid_request_error');
    expect(lines).toEqual([]);
  });
});

describe('retries', () => {
  it.each([{ status: 500 }, { status: 429 }, { fault: 'reset' }, { fault: 'hang' }, { fault: 'cut' }])(
    'tries again after %j and says how often',
    async (trouble) => {
      await target.control({ ...trouble, times: 2 });
      const answer = await send(PLAIN);
      expect(answer.headers['x-cutover-source']).toBe('target');
      await read(answer);
      expect(lines).toHaveLength(1);
      expect(lines[0]).toMatchObject({ status: 200, tries: 3, side: 'target' });
      expect((await target.stats()).requests).toBe(3);
    },
  );

  it('tries a stream again when it hangs before its first byte', async () => {
    await target.control({ fault: 'hang-body', times: 1 });
    expect(await read(await send(STREAM))).toContain('[DONE]');
    expect(lines[0]).toMatchObject({ status: 200, tries: 2 });
  });

  it('honours Retry-After on every retry', async () => {
    await target.control({ status: 429, retryAfter: 0.25, times: 3 });
    const started = performance.now();
    await read(await send(PLAIN));
    expect(performance.now() - started).toBeGreaterThanOrEqual(750);
    expect(lines[0]).toMatchObject({ status: 200, tries: 4 });
  });

  it('goes to the other side rather than come back too early', async () => {
    await target.control({ status: 429, retryAfter: 60 });
    const answer = await send(PLAIN);
    expect(answer.headers).toMatchObject({ 'x-cutover-source': 'legacy', 'x-cutover-fallback': 'true' });
    await read(answer);
    expect((await target.stats()).requests).toBe(1);
  });
});

describe('fallback', () => {
  it.each([
    [{ status: 503 }, 4, 503],
    [{ fault: 'reset' }, 4, 'connection'],
    [{ status: 401 }, 1, 401],
    [{ status: 404 }, 1, 404],
    [{ fault: 'garbage' }, 1, 'protocol'],
  ])('after %j, with a record for each side', async (trouble, tries, status) => {
    await target.control(trouble);
    const answer = await send(PLAIN);
    expect(answer.status).toBe(200);
    expect(answer.headers).toMatchObject({ 'x-cutover-source': 'legacy', 'x-cutover-fallback': 'true' });
    expect(await read(answer)).toContain('legacy: ping');
    expect(lines).toMatchObject([
      {
        side: 'target',
        provider: 'holysheep',
        model: 'small-target',
        status,
        tries,
        fallback: false,
        output_tokens: 0,
      },
      { side: 'legacy', provider: 'deepseek', model: 'small', status: 200, tries: 1, fallback: true },
    ]);
    expect(new Set(lines.map((line) => line.id)).size).toBe(2);
    expect(JSON.parse(String((await legacy.stats()).last?.body)).model).toBe('small');
  });

  it('works the other way where that is written, but not at 0 nor after an emergency', async () => {
    setFlag(0.00001, 'canary');
    await legacy.control({ status: 500 });
    expect((await send(PLAIN)).headers['x-cutover-source']).toBe('target');
    await target.reset();
    for (const kind of ['canary', 'emergency']) {
      setFlag(0, kind);
      const answer = await send(PLAIN);
      expect(answer.status).toBe(500);
      expect(answer.headers['x-cutover-source']).toBe('legacy');
    }
    expect((await target.stats()).requests).toBe(0);
  });

  it('gives the words of a side when both fail, else its own', async () => {
    await target.control({ status: 429, retryAfter: 60 });
    await legacy.control({ fault: 'reset' });
    const answer = await send(PLAIN);
    expect(answer.status).toBe(429);
    expect(answer.headers).toMatchObject({ 'retry-after': '60', 'x-cutover-source': 'target' });
    await target.control({ status: null, fault: 'reset' });
    const neither = await send(PLAIN);
    expect(neither.status).toBe(502);
    expect(JSON.parse(await read(neither)).error.message).toMatch(
      /holysheep \(target\): .*; deepseek \(legacy\): /,
    );
    await Promise.all([legacy.control({ fault: 'hang' }), target.control({ fault: 'hang' })]);
    start({ retry: { max: 0, firstDelay: 1, maxDelay: 1 } });
    expect((await send(PLAIN)).status).toBe(504);
  });
});

describe('the circuit', () => {
  const policy = { ...BREAKER, requests: 5, halfOpenAfter: 100 };

  it('opens when requests fail, not when the tries of one do, spares the side, and closes again', async () => {
    start({ breaker: policy, retry: { max: 3, firstDelay: 1, maxDelay: 10 } });
    await target.control({ status: 500 });
    for (let i = 0; i < 4; i++) await read(await send(PLAIN));
    expect(router.breakers().target).toBe('closed');
    expect((await target.stats()).requests).toBe(16);
    await read(await send(PLAIN));
    expect(router.breakers().target).toBe('open');
    // No try of the fifth goes on after the circuit has opened.
    expect((await target.stats()).requests).toBe(17);
    await read(await send(PLAIN));
    expect((await target.stats()).requests).toBe(17);
    expect((await legacy.stats()).requests).toBe(6);
    // Where target was not asked, no record claims that it failed.
    expect(lines.filter((line) => line.side === 'target')).toHaveLength(5);
    await target.control({ status: null });
    await sleep(110);
    expect((await send(PLAIN)).headers['x-cutover-source']).toBe('target');
    expect(router.breakers().target).toBe('closed');
  });

  it.each([400, 401, 404, 422])(
    'does not open at the mistakes of the caller or of the key: %i',
    async (status) => {
      start({ breaker: policy, retry: { max: 0, firstDelay: 1, maxDelay: 1 } });
      await target.control({ status });
      for (let i = 0; i < 30; i++) await read(await send(PLAIN));
      expect(router.breakers().target).toBe('closed');
    },
  );

  it('does not lock out the only side there is', async () => {
    start({ breaker: { ...policy, requests: 2 }, fallback: { toLegacy: false, toTarget: false } });
    await target.control({ status: 500 });
    for (let i = 0; i < 2; i++) expect((await send(PLAIN)).status).toBe(500);
    expect(router.breakers().target).toBe('open');
    await target.control({ status: null });
    expect((await send(PLAIN)).status).toBe(200);
  });
});

describe('the flag changes while a request waits for target', () => {
  it('cuts one that still goes there only at 0; at another ratio it goes on, but begins no further try', async () => {
    start({ fallback: { toLegacy: true, toTarget: false } }, { connect: 1000, firstByte: 400, total: 5000 });
    await target.control({ fault: 'hang' });
    const pending = send(PLAIN);
    await until(async () => (await target.stats()).active === 1);
    setFlag(0.00001);
    await sleep(50);
    expect((await target.stats()).active).toBe(1);
    expect((await pending).headers['x-cutover-source']).toBe('legacy');
    expect((await target.stats()).requests).toBe(1);
  });

  it('cuts a stream that has begun upstream but not reached its client', async () => {
    const stalled = createServer((_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write('data: {"choices":');
    });
    await new Promise<void>((resolve) => stalled.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(stalled.address() as AddressInfo).port}/v1`;
    const timeouts = { connect: 1000, firstByte: 5000, total: 9000 };
    const side = (baseUrl: string) => ({ name: 's', baseUrl, apiKey: undefined, timeouts, prices: {} });
    let cut = 0;
    start({
      sides: { legacy: side(`${legacy.url}/v1`), target: side(url) },
      onCut: (requests) => {
        cut += requests;
      },
    });
    try {
      const pending = send(STREAM);
      await sleep(100);
      setFlag(0, 'rollback');
      const answer = await pending;
      expect(answer.headers).toMatchObject({ 'x-cutover-source': 'legacy', 'x-cutover-fallback': 'true' });
      expect(await read(answer)).toContain('legacy:');
      expect(cut).toBe(1);
      expect(lines.map((line) => [line.side, line.status])).toEqual([
        ['target', 'cancelled'],
        ['legacy', 200],
      ]);
    } finally {
      stalled.closeAllConnections();
      stalled.close();
    }
  });
});

describe('streams that break', () => {
  it.each([
    ['cut', 'connection'],
    ['no-done', 'protocol'],
  ])('%s: the client sees it and the record says %s', async (fault, status) => {
    await target.control({ fault });
    const answer = await send(STREAM);
    await expect(read(answer)).rejects.toBeInstanceOf(StreamCut);
    expect(lines).toMatchObject([{ side: 'target', status, tries: 1 }]);
    expect((await legacy.stats()).requests).toBe(0);
  });

  it('an error that the provider reports inside the stream is recorded', async () => {
    await target.control({ fault: 'stream-error' });
    expect(await read(await send(STREAM))).toContain('the model fell over');
    expect(lines[0]?.status).toBe('server_error');
  });

  it('a stream longer than the total time is cut as a timeout', async () => {
    start({}, { connect: 1000, firstByte: 500, total: 400 });
    await target.control({ latencyMs: 1000, words: 50 });
    await expect(read(await send(STREAM))).rejects.toBeInstanceOf(StreamCut);
    expect(lines[0]?.status).toBe('timeout');
  });
});

describe('a client that leaves', () => {
  it('before the answer: upstream is told', async () => {
    start({}, { connect: 1000, firstByte: 5000, total: 5000 });
    await target.control({ fault: 'hang' });
    const client = new AbortController();
    const pending = send(PLAIN, client.signal);
    await until(async () => (await target.stats()).active === 1);
    client.abort();
    await pending;
    await until(async () => (await target.stats()).aborted === 1);
    expect(lines).toMatchObject([{ status: 'cancelled', tries: 1 }]);
    expect((await legacy.stats()).requests).toBe(0);
  });

  it('during a stream, or without reading it at all: upstream is told', async () => {
    await target.control({ latencyMs: 2000, words: 50 });
    start({}, { connect: 1000, firstByte: 2000, total: 9000 });
    const answer = await send(STREAM);
    await answer.body.next();
    await answer.body.return?.();
    const unread = await send(STREAM);
    await unread.body.return?.();
    await until(async () => (await target.stats()).aborted === 2);
    expect(lines.map((line) => line.status)).toEqual(['cancelled', 'cancelled']);
  });

  it('between two retries', async () => {
    start(
      { retry: { max: 3, firstDelay: 60_000, maxDelay: 60_000 } },
      { connect: 100, firstByte: 100, total: 200_000 },
    );
    await target.control({ status: 500 });
    const client = new AbortController();
    const pending = send(PLAIN, client.signal);
    await until(async () => (await target.stats()).byStatus[500] === 1);
    await sleep(20);
    client.abort();
    await pending;
    expect(lines).toMatchObject([{ status: 'cancelled', tries: 1 }]);
  });
});

it('reads upstream no faster than the client reads', async () => {
  const piece = Buffer.from(`: ${'x'.repeat(65_533)}\n\n`).subarray(0, 65_536);
  let sent = 0;
  const flood = createServer((_request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    const more = () => {
      while (sent < 800 && response.write(piece)) sent++;
      sent++;
      if (sent < 800) response.once('drain', more);
      else response.end('data: [DONE]\n\n');
    };
    more();
  });
  await new Promise<void>((resolve) => flood.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(flood.address() as AddressInfo).port}/v1`;
  const side = {
    name: 'f',
    baseUrl: url,
    apiKey: undefined,
    timeouts: { connect: 1000, firstByte: 1000, total: 20_000 },
    prices: {},
  };
  start({ sides: { legacy: side, target: side } });
  try {
    const answer = await send({ ...STREAM, stream_options: { include_usage: true } });
    await answer.body.next();
    await sleep(200);
    // 800 pieces are 52 MB; what is under way fits into the buffers of two sockets.
    expect(sent).toBeLessThan(200);
    let bytes = 0;
    for await (const chunk of answer.body) bytes += chunk.length;
    expect(bytes).toBeGreaterThan(50_000_000);
  } finally {
    flood.closeAllConnections();
    flood.close();
  }
}, 30_000);

async function until(condition: () => Promise<boolean>): Promise<void> {
  for (let i = 0; i < 200; i++) {
    if (await condition()) return;
    await sleep(10);
  }
  throw new Error('waited 2 s in vain');
}
