import { describe, expect, it } from 'vitest';
import { createSecrets } from '../../../src/config/secrets.ts';
import { type ChatRequest, createClient } from '../../../src/provider/client.ts';
import { clientOf, completion, event, json, KEY, nobody, serve } from './servers.ts';

const ping: ChatRequest = { model: 'm', messages: [{ role: 'user', content: 'ping' }], maxTokens: 5 };
const wait = (ms: number) => new Promise((done) => setTimeout(done, ms));
const sse = { 'content-type': 'text/event-stream' };

describe('a plain completion', () => {
  it('sends the key, the model and the limit, and reads text, usage and ids', async () => {
    let seen: { auth: string | undefined; path: string | undefined; body: unknown } | undefined;
    const url = await serve((request, response, body) => {
      seen = { auth: request.headers.authorization, path: request.url, body: JSON.parse(body) };
      json(response, 200, completion(), { 'x-request-id': 'req-9' });
    });
    const result = await (await clientOf(`${url}/`)).chat(ping);
    expect(seen).toEqual({
      auth: `Bearer ${KEY}`,
      path: '/v1/chat/completions',
      body: { model: 'm', messages: ping.messages, max_tokens: 5 },
    });
    expect(result).toMatchObject({
      ok: true,
      text: 'pong',
      usage: { inputTokens: 12, cachedInputTokens: 8, outputTokens: 3 },
      model: 'm-2',
      requestId: 'req-9',
    });
    expect(result.latencyMs).toBeGreaterThan(0);
    expect(result).not.toHaveProperty('ttftMs');
  });

  it('reads cached tokens as DeepSeek counts them', async () => {
    const usage = { prompt_tokens: 12, completion_tokens: 3, prompt_cache_hit_tokens: 5 };
    const url = await serve((_request, response) => json(response, 200, completion('x', { usage })));
    expect(await (await clientOf(url)).chat(ping)).toMatchObject({ usage: { cachedInputTokens: 5 } });
  });

  it('is healthy when one token for ping comes back', async () => {
    let asked: unknown;
    const url = await serve((_request, response, body) => {
      asked = JSON.parse(body);
      json(response, 200, completion());
    });
    expect((await (await clientOf(url)).health('m')).ok).toBe(true);
    expect(asked).toEqual({ model: 'm', messages: [{ role: 'user', content: 'ping' }], max_tokens: 1 });
  });
});

describe('a streamed completion', () => {
  it('joins the pieces and times the first text, not the first event', async () => {
    const url = await serve(async (_request, response, body) => {
      expect(JSON.parse(body)).toMatchObject({ stream: true, stream_options: { include_usage: true } });
      response.writeHead(200, sse);
      response.write(': keep-alive\n\n');
      response.write(event({ role: 'assistant', content: '' }));
      await wait(80);
      // A character cut in two by the network must come out whole.
      const bytes = Buffer.from(event({ content: 'Grüße' }));
      const cut = bytes.indexOf(0xc3) + 1;
      response.write(bytes.subarray(0, cut));
      await wait(20);
      response.write(bytes.subarray(cut));
      await wait(60);
      response.write(event({ content: '!' }, { usage: { prompt_tokens: 4, completion_tokens: 2 } }));
      response.end('data: [DONE]\n\n');
    });
    const pieces: string[] = [];
    const result = await (await clientOf(url)).stream(ping, undefined, (piece) => pieces.push(piece));
    expect(result).toMatchObject({
      ok: true,
      text: 'Grüße!',
      usage: { inputTokens: 4, outputTokens: 2 },
      model: 'm-2',
    });
    expect(pieces).toEqual(['Grüße', '!']);
    const { ttftMs = 0, latencyMs } = result as { ttftMs?: number; latencyMs: number };
    expect(ttftMs).toBeGreaterThanOrEqual(95);
    expect(latencyMs - ttftMs).toBeGreaterThanOrEqual(50);
  });

  it('takes plain JSON from a provider that does not stream', async () => {
    const url = await serve((_request, response) => json(response, 200, completion()));
    const result = await (await clientOf(url)).stream(ping);
    expect(result).toMatchObject({ ok: true, text: 'pong' });
    expect(result).not.toHaveProperty('ttftMs');
  });

  it('does not wait long for a server that keeps the connection open after [DONE]', async () => {
    const url = await serve((_request, response) => {
      response.writeHead(200, sse);
      response.write(`${event({ content: 'x' })}data: [DONE]\n\n`);
    });
    const result = await (await clientOf(url, { total: 10_000 })).stream(ping);
    expect(result).toMatchObject({ ok: true, text: 'x' });
    expect(result.latencyMs).toBeLessThan(1000);
  });

  it.each<[string, string[], RegExp]>([
    ['ends before [DONE]', [event({ content: 'x' })], /ended before \[DONE\]/],
    ['holds what is not JSON', ['data: {oops\n\n', 'data: [DONE]\n\n'], /not JSON/],
  ])('that %s is a protocol error', async (_name, parts, message) => {
    const url = await serve((_request, response) => {
      response.writeHead(200, sse);
      for (const part of parts) response.write(part);
      response.end();
    });
    expect(await (await clientOf(url)).stream(ping)).toMatchObject({
      ok: false,
      errorClass: 'protocol',
      status: 200,
      message: expect.stringMatching(message),
    });
  });

  it('that carries an error says so', async () => {
    const url = await serve((_request, response) => {
      response.writeHead(200, sse);
      response.write(event({ content: 'x' }));
      response.end('data: {"error":{"message":"slow down","code":429}}\n\ndata: [DONE]\n\n');
    });
    expect(await (await clientOf(url)).stream(ping)).toMatchObject({
      ok: false,
      errorClass: 'rate_limit',
      message: 'slow down',
    });
  });

  it('that hangs half-way times out', async () => {
    const url = await serve((_request, response) => {
      response.writeHead(200, sse);
      response.write(event({ content: 'x' }));
    });
    const result = await (await clientOf(url, { total: 150 })).stream(ping);
    expect(result).toMatchObject({
      ok: false,
      errorClass: 'timeout',
      message: 'answer not complete within 150 ms',
    });
    expect(result.latencyMs).toBeLessThan(1000);
  });

  it('that is cut off half-way is a protocol error', async () => {
    const url = await serve((_request, response) => {
      response.writeHead(200, sse);
      response.write(event({ content: 'x' }), () => response.destroy());
    });
    expect(await (await clientOf(url)).stream(ping)).toMatchObject({
      ok: false,
      errorClass: 'protocol',
      status: 200,
    });
  });

  it('with an endless event is a protocol error', async () => {
    const url = await serve((_request, response) => {
      response.writeHead(200, sse);
      response.end(`data: ${'x'.repeat(2 * 1024 * 1024)}`);
    });
    expect(await (await clientOf(url)).stream(ping)).toMatchObject({
      ok: false,
      errorClass: 'protocol',
      message: 'an event of the stream is too long',
    });
  });
});

describe('failures', () => {
  it.each<[number, string]>([
    [400, 'invalid_request'],
    [401, 'auth'],
    [403, 'auth'],
    [404, 'not_found'],
    [408, 'timeout'],
    [429, 'rate_limit'],
    [500, 'server_error'],
    [503, 'server_error'],
    [504, 'timeout'],
    [301, 'protocol'],
  ])('HTTP %i is %s', async (status, errorClass) => {
    const url = await serve((_request, response) => json(response, status, '{"error":{"message":"no"}}'));
    expect(await (await clientOf(url)).chat(ping)).toMatchObject({
      ok: false,
      errorClass,
      status,
      message: `HTTP ${status}: no`,
    });
  });

  it('429 brings the time to wait', async () => {
    const url = await serve((_request, response) => json(response, 429, '{}', { 'retry-after': '7' }));
    expect(await (await clientOf(url)).chat(ping)).toMatchObject({ retryAfterMs: 7000 });
  });

  it('no answer in time is a timeout', async () => {
    const url = await serve(() => {});
    const result = await (await clientOf(url, { firstByte: 100 })).chat(ping);
    expect(result).toMatchObject({ ok: false, errorClass: 'timeout', message: 'no answer within 100 ms' });
    expect(result).not.toHaveProperty('unreachable');
    expect(result.latencyMs).toBeLessThan(1000);
  });

  it('an answer that began in time may take longer to end', async () => {
    const url = await serve((_request, response) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      response.write(' ');
      setTimeout(() => response.end(completion()), 150);
    });
    expect(await (await clientOf(url, { firstByte: 80 })).chat(ping)).toMatchObject({ ok: true });
  });

  it('a refused connection is unreachable', async () => {
    expect(await (await clientOf(await nobody())).chat(ping)).toMatchObject({
      ok: false,
      errorClass: 'connection',
      unreachable: true,
      message: expect.stringContaining('ECONNREFUSED'),
    });
  });

  it('an unknown host is unreachable', async () => {
    const result = await (await clientOf('http://nowhere.invalid/v1')).chat(ping);
    expect(result).toMatchObject({ ok: false, errorClass: 'connection', unreachable: true });
  });

  it('a connection reset before the answer is an error of the provider', async () => {
    const url = await serve((request) => request.socket.resetAndDestroy());
    const result = await (await clientOf(url)).chat(ping);
    expect(result).toMatchObject({ ok: false, errorClass: 'connection' });
    expect(result).not.toHaveProperty('unreachable');
  });

  it.each<[string, string]>([
    ['is not JSON', '<html>'],
    ['is empty', ''],
    ['has no choices', '{"choices":[]}'],
    ['is null', 'null'],
  ])('an answer that %s is a protocol error', async (_name, body) => {
    const url = await serve((_request, response) => json(response, 200, body));
    expect(await (await clientOf(url)).chat(ping)).toMatchObject({ ok: false, errorClass: 'protocol' });
  });

  it('an answer shorter than announced is a protocol error', async () => {
    const url = await serve((_request, response) => {
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': '500' });
      response.write('{"choices"', () => response.destroy());
    });
    expect(await (await clientOf(url)).chat(ping)).toMatchObject({
      ok: false,
      errorClass: 'protocol',
      status: 200,
    });
  });

  it('a huge answer is given up', async () => {
    const url = await serve((_request, response) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      const chunk = Buffer.alloc(1024 * 1024, 0x20);
      let sent = 0;
      const more = () => {
        while (sent++ < 64) if (!response.write(chunk)) return void response.once('drain', more);
        response.end();
      };
      more();
    });
    expect(await (await clientOf(url, { total: 20_000 })).chat(ping)).toMatchObject({
      ok: false,
      errorClass: 'protocol',
      message: 'the answer broke off: longer than 16 MiB',
    });
  });

  it('an error whose body hangs keeps its class', async () => {
    const url = await serve((_request, response) => {
      response.writeHead(503, { 'content-length': '100' });
      response.write('overloaded');
    });
    expect(await (await clientOf(url)).chat(ping)).toMatchObject({
      errorClass: 'server_error',
      status: 503,
      message: 'HTTP 503: overloaded',
    });
  });

  it('cancelling before and during a call', async () => {
    const url = await serve(() => {});
    const client = await clientOf(url);
    expect(await client.chat(ping, AbortSignal.abort())).toMatchObject({
      ok: false,
      errorClass: 'cancelled',
    });
    const later = new AbortController();
    setTimeout(() => later.abort(), 50);
    expect(await client.chat(ping, later.signal)).toMatchObject({ ok: false, errorClass: 'cancelled' });
  });

  it('never show the key, nor the terminal codes of a server', async () => {
    const url = await serve((request, response) =>
      json(response, 401, JSON.stringify({ error: `bad \u001b[31mkey ${request.headers.authorization}` })),
    );
    const result = await (await clientOf(url)).chat(ping);
    expect(result).toMatchObject({ errorClass: 'auth', message: 'HTTP 401: bad  [31mkey Bearer ***' });
    expect(JSON.stringify(result)).not.toContain(KEY);
  });
});

describe('the key', () => {
  it('is trimmed, and hidden in that form too', async () => {
    const url = await serve((request, response) =>
      json(response, 401, `{"error":"${request.headers.authorization}"}`),
    );
    const provider = { name: 'p', baseUrl: url, apiKey: '${env:KEY}', prices: {} };
    const timeouts = { connect: 1000, firstByte: 1000, total: 1000 };
    const client = await createClient(
      { ...provider, timeouts },
      'legacy',
      createSecrets({ KEY: `${KEY}\n` }, '/'),
    );
    expect(await client.chat(ping)).toMatchObject({ message: 'HTTP 401: Bearer ***' });
    await client.close();
  });
});

describe('embeddings and models', () => {
  it('gives vectors in the order of the inputs', async () => {
    const url = await serve((request, response, body) => {
      expect(request.url).toBe('/v1/embeddings');
      expect(JSON.parse(body)).toEqual({ model: 'e', input: ['a', 'b'], encoding_format: 'float' });
      const data = [
        { index: 1, embedding: [3, 4] },
        { index: 0, embedding: [1, 2] },
      ];
      json(response, 200, JSON.stringify({ data, usage: { prompt_tokens: 2 } }));
    });
    expect(await (await clientOf(url)).embeddings('e', ['a', 'b'])).toMatchObject({
      ok: true,
      vectors: [
        [1, 2],
        [3, 4],
      ],
      usage: { inputTokens: 2 },
    });
  });

  it('too few vectors are a protocol error', async () => {
    const url = await serve((_request, response) => json(response, 200, '{"data":[{"embedding":[1]}]}'));
    expect(await (await clientOf(url)).embeddings('e', ['a', 'b'])).toMatchObject({ errorClass: 'protocol' });
  });

  it('lists models', async () => {
    const url = await serve((_request, response) => json(response, 200, '{"data":[{"id":"a"},{"id":"b"}]}'));
    expect(await (await clientOf(url)).models()).toMatchObject({ ok: true, models: ['a', 'b'] });
  });
});

describe('a client cannot be made', () => {
  const provider = {
    name: 'p',
    baseUrl: 'http://127.0.0.1/v1',
    apiKey: '${env:KEY}',
    timeouts: { connect: 1, firstByte: 1, total: 1 },
    prices: {},
  };

  it('without its key', async () => {
    await expect(createClient(provider, 'legacy', createSecrets({}, '/'))).rejects.toMatchObject({
      code: 'SECRET_MISSING',
      exitCode: 78,
    });
  });

  it('with a key that no header can carry; the message does not show it', async () => {
    const made = createClient(provider, 'legacy', createSecrets({ KEY: 'sk-one\nsk-two' }, '/'));
    await expect(made).rejects.toMatchObject({
      code: 'SECRET_INVALID',
      message: expect.not.stringContaining('sk-one'),
    });
  });
});
