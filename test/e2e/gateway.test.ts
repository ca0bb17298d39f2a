import { once } from 'node:events';
import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import OpenAI from 'openai';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { bucketSide } from '../../src/flag/flagd.ts';
import { type OpenAiServer, startOpenAiServer } from '../servers/start.ts';
import { discard, type RunningGateway, startGateway } from './gateway.ts';

let legacy: OpenAiServer;
let target: OpenAiServer;
let gateway: RunningGateway;

beforeAll(async () => {
  [legacy, target] = await Promise.all([
    startOpenAiServer('legacy', ['--api-key', 'old-secret']),
    startOpenAiServer('target', ['--api-key', 'new-secret']),
  ]);
});
afterAll(async () => {
  await Promise.all([legacy.stop(), target.stop()]);
});
beforeEach(async () => {
  await Promise.all([legacy.reset(), target.reset()]);
});
afterEach(() => discard(gateway));

const client = () => new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey: 'client-secret', maxRetries: 0 });
const ask = (user?: string) => ({
  model: 'small',
  messages: [{ role: 'user' as const, content: 'ping pong' }],
  ...(user === undefined ? {} : { user }),
});

describe('the official client', () => {
  it('gets plain answers, streams, embeddings, responses and models from target', async () => {
    gateway = await startGateway(legacy, target, { ratio: 1 });
    const openai = client();
    const { data, response } = await openai.chat.completions.create(ask('u')).withResponse();
    expect(data.choices[0]?.message.content).toMatch(/^target: ping pong/);
    expect(data.model).toBe('small-2');
    expect(response.headers.get('x-cutover-source')).toBe('target');
    expect(response.headers.get('x-cutover-fallback')).toBeNull();

    let text = '';
    let chunks = 0;
    for await (const chunk of await openai.chat.completions.create({ ...ask('u'), stream: true })) {
      text += chunk.choices[0]?.delta.content ?? '';
      expect(chunk.choices).toHaveLength(1);
      chunks++;
    }
    expect(text).toMatch(/^target: ping pong/);
    expect(chunks).toBe(9);

    const completion = await openai.completions.create({ model: 'small', prompt: 'hello there' });
    expect(completion.choices[0]?.text).toContain('hello there');
    const embeddings = await openai.embeddings.create({ model: 'small', input: ['a', 'b'] });
    expect(embeddings.data.map((each) => each.embedding.length)).toEqual([8, 8]);
    const answer = await openai.responses.create({ model: 'small', input: 'hello' });
    expect(answer.output_text).toContain('target: hello');
    let deltas = '';
    for await (const event of await openai.responses.create({ model: 'small', input: 'hi', stream: true })) {
      if (event.type === 'response.output_text.delta') deltas += event.delta;
    }
    expect(deltas).toContain('target: hi');
    const models = await openai.models.list();
    expect(models.data.map((model) => model.id)).toEqual(['target-model']);

    expect(await gateway.stop()).toBe(0);
    const usage = gateway.usage();
    expect(usage.map((line) => line.endpoint)).toEqual([
      'chat',
      'chat',
      'completions',
      'embeddings',
      'responses',
      'responses',
    ]);
    for (const line of usage) {
      expect(line).toMatchObject({ provider: 'new', model: 'small-2', status: 200 });
      expect(line.input_tokens).toBeGreaterThan(0);
      expect(line.cost).toBeGreaterThan(0);
    }
    expect(usage[0]?.output_tokens).toBe(usage[1]?.output_tokens);
    expect(JSON.stringify(await target.stats())).not.toContain('client-secret');
  });

  it('sees a client mistake, a cut stream and a failure of both sides as what they are', async () => {
    gateway = await startGateway(legacy, target, { ratio: 1 });
    const openai = client();
    await target.control({ status: 422, times: 1 });
    await expect(openai.chat.completions.create(ask('u'))).rejects.toMatchObject({ status: 422 });

    await target.control({ fault: 'cut', times: 1 });
    const stream = await openai.chat.completions.create({ ...ask('u'), stream: true });
    const read = async () => {
      for await (const _chunk of stream);
    };
    await expect(read()).rejects.toThrow();

    await Promise.all([target.control({ fault: 'reset' }), legacy.control({ fault: 'reset' })]);
    await expect(openai.chat.completions.create(ask('u'))).rejects.toMatchObject({
      status: 502,
      message: expect.stringMatching(/new \(target\).*old \(legacy\)/),
    });
    await gateway.stop();
    expect(gateway.usage().map((line) => [line.side, line.status])).toEqual([
      ['target', 422],
      ['target', 'connection'],
      ['target', 'connection'],
      ['legacy', 'connection'],
    ]);
  });

  it('is served by legacy when target fails, and the answer says so', async () => {
    gateway = await startGateway(legacy, target, { ratio: 1, gateway: { breaker: { requests: 2 } } });
    await target.control({ status: 503 });
    const { data, response } = await client().chat.completions.create(ask('u')).withResponse();
    expect(data.choices[0]?.message.content).toMatch(/^legacy:/);
    expect(data.model).toBe('small');
    expect(response.headers.get('x-cutover-source')).toBe('legacy');
    expect(response.headers.get('x-cutover-fallback')).toBe('true');
    const streamed = await client().chat.completions.create({ ...ask('u'), stream: true });
    let text = '';
    for await (const chunk of streamed) text += chunk.choices[0]?.delta.content ?? '';
    expect(text).toMatch(/^legacy:/);
    const health = await gateway.health();
    expect(health).toMatchObject({ status: 'degraded', sides: { target: { circuit: 'open' } } });
    expect(gateway.stderr()).toContain('new (target): its circuit is now open');
  });

  it('leaves, and upstream is told', async () => {
    gateway = await startGateway(legacy, target, { ratio: 1 });
    await target.control({ latencyMs: 3000, words: 100 });
    const stream = await client().chat.completions.create({ ...ask('u'), stream: true });
    for await (const _chunk of stream) break;
    stream.controller.abort();
    await until(async () => (await target.stats()).aborted === 1);
    await gateway.stop();
    expect(gateway.usage()).toMatchObject([{ status: 'cancelled', side: 'target' }]);
  });
});

describe('sides', () => {
  it('are sticky by user, and every count agrees with every other', async () => {
    gateway = await startGateway(legacy, target, { ratio: 0.3 });
    const openai = client();
    const users = Array.from({ length: 60 }, (_, i) => `user-${i}`);
    const seen = new Map<string, Set<string | null>>();
    for (let round = 0; round < 3; round++) {
      await Promise.all(
        users.map(async (user) => {
          const { response } = await openai.chat.completions.create(ask(user)).withResponse();
          const sides = seen.get(user) ?? new Set();
          seen.set(user, sides.add(response.headers.get('x-cutover-source')));
        }),
      );
    }
    for (const user of users) {
      expect([...(seen.get(user) ?? [])], user).toEqual([bucketSide('llm-provider', user, 0.3)]);
    }
    const metrics = await (await fetch(`${gateway.url}/metrics`)).text();
    await gateway.stop();
    const usage = gateway.usage();
    for (const [side, server] of [
      ['legacy', legacy],
      ['target', target],
    ] as const) {
      const logged = usage.filter((line) => line.side === side).length;
      expect(logged).toBe((await server.stats()).requests);
      expect(metrics).toContain(
        `cutover_gateway_requests_total{side="${side}",endpoint="chat",status="2xx"} ${logged}\n`,
      );
      expect(metrics).toContain(`cutover_gateway_request_duration_seconds_count{side="${side}"} ${logged}\n`);
    }
    expect(usage).toHaveLength(180);
  });

  it('follow the key that a client names, before its user', async () => {
    gateway = await startGateway(legacy, target, { ratio: 0.5 });
    const openai = client();
    for (const key of ['a', 'b', 'c', 'd', 'e', 'f']) {
      const { response } = await openai.chat.completions
        .create(ask('always-the-same'), { headers: { 'x-cutover-key': key } })
        .withResponse();
      expect(response.headers.get('x-cutover-source')).toBe(bucketSide('llm-provider', key, 0.5));
    }
    await gateway.stop();
    expect(new Set(gateway.usage().map((line) => line.key))).toEqual(new Set(['header']));
  });
});

describe('the flag file', () => {
  const ratioIs = async (ratio: number) => (await gateway.health()).ratio === ratio;

  it('is followed within a second; a broken one keeps the last good ratio, a missing one does not', async () => {
    gateway = await startGateway(legacy, target);
    expect(JSON.parse(gateway.started)).toMatchObject({ schemaVersion: 1, command: 'gateway', ratio: 0 });
    expect(gateway.stderr()).toContain('no such file; everything goes to legacy');
    expect(await gateway.health()).toMatchObject({ status: 'ok', flag: { problem: null } });
    const flags = join(gateway.dir, 'flags.json');
    for (const ratio of [0.1, 0.25, 1]) {
      gateway.setRatio(ratio);
      const started = performance.now();
      await until(() => ratioIs(ratio), 1000);
      expect(performance.now() - started).toBeLessThan(1000);
    }
    writeFileSync(flags, '{"flags":');
    await until(async () => (await gateway.health()).flag.problem !== null);
    await sleep(700);
    expect(await ratioIs(1)).toBe(true);
    expect(gateway.stderr().match(/the ratio in force stays/g)).toHaveLength(1);
    rmSync(flags);
    await until(async () => (await gateway.health()).flag.problem === 'no such file');
    await sleep(700);
    expect(await ratioIs(0)).toBe(true);
    expect(gateway.stderr().match(/no such file; everything goes to legacy/g)).toHaveLength(2);
    expect(gateway.stderr()).toContain('ratio 100 % → 0 %');
    gateway.setRatio(0.5);
    await until(() => ratioIs(0.5), 1000);
    expect(gateway.stderr()).toContain('readable again');
  });

  it('is found again when its whole folder is replaced', async () => {
    gateway = await startGateway(legacy, target, { ratio: 0.1, flagPath: 'deep/flags.json' });
    expect(await ratioIs(0.1)).toBe(true);
    // The watch stays with the folder that was there first: only the poll sees into the new one.
    renameSync(join(gateway.dir, 'deep'), join(gateway.dir, 'gone'));
    gateway.setRatio(0.2);
    await until(() => ratioIs(0.2), 1500);
  });
});

describe('stopping', () => {
  it('finishes what runs, takes nothing new, and loses no line of the log', async () => {
    gateway = await startGateway(legacy, target, { ratio: 1, timeouts: { firstByte: '8s' } });
    await target.control({ latencyMs: 2500 });
    const openai = client();
    const running = Promise.all(
      Array.from({ length: 20 }, (_, i) => openai.chat.completions.create(ask(`u${i}`))),
    );
    await until(async () => (await target.stats()).active === 20);
    const stopped = gateway.stop('SIGINT');
    const { stderr } = gateway;
    await until(async () => stderr().includes('Stopping'));
    await expect(openai.chat.completions.create(ask('late'))).rejects.toThrow(/Connection/);
    expect(await running).toHaveLength(20);
    expect(await stopped).toBe(0);
    expect(gateway.stderr()).toContain('Stopping when the running requests have ended, after 10s at most');
    expect(gateway.stderr()).not.toContain('step');
    expect(gateway.usage()).toHaveLength(20);
  });

  it('breaks off what takes too long, and records it', async () => {
    gateway = await startGateway(legacy, target, { ratio: 1, gateway: { stopWithin: '200ms' } });
    await target.control({ fault: 'hang' });
    const hanging = client().chat.completions.create(ask('u'));
    const refused = expect(hanging).rejects.toThrow();
    await until(async () => (await target.stats()).active === 1);
    expect(await gateway.stop()).toBe(0);
    await refused;
    expect(gateway.usage()).toMatchObject([{ status: 'cancelled' }]);
    expect(gateway.stderr()).toContain('broke off 1 request');
  });
});

describe('what the gateway itself refuses', () => {
  beforeEach(async () => {
    gateway = await startGateway(legacy, target, { ratio: 1, gateway: { maxBodyMiB: 1 } });
  });
  const post = (path: string, body: string, headers: Record<string, string> = {}) =>
    fetch(gateway.url + path, {
      method: 'POST',
      body,
      headers: { 'content-type': 'application/json', ...headers },
    });

  it('answers with its status and asks nobody', async () => {
    const huge = JSON.stringify({
      model: 'm',
      messages: [{ role: 'user', content: 'x'.repeat(3 * 2 ** 20) }],
    });
    expect((await post('/v1/chat/completions', huge)).status).toBe(413);
    expect((await chunked('/v1/chat/completions', huge)).status).toBe(413);
    expect((await post('/v1/chat/completions', '{')).status).toBe(400);
    expect((await post('/v1/chat/completions', '{}', { 'content-encoding': 'gzip' })).status).toBe(415);
    expect((await post('/v1/images', '{}')).status).toBe(404);
    expect((await fetch(`${gateway.url}/v1/chat/completions`)).status).toBe(405);
    expect((await target.stats()).requests + (await legacy.stats()).requests).toBe(0);
    const metrics = await (await fetch(`${gateway.url}/metrics`)).text();
    expect(metrics).toContain('cutover_gateway_refused_total{status="413"} 2\n');
    expect(metrics).toContain('cutover_gateway_refused_total{status="400"} 1\n');
    expect(await gateway.stop()).toBe(0);
    expect(gateway.usage()).toEqual([]);
  });

  it('a body that does not arrive in time: 408, and the connection is closed', async () => {
    await discard(gateway);
    gateway = await startGateway(legacy, target, { ratio: 1, gateway: { bodyWithin: '1s' } });
    const { hostname, port } = new URL(gateway.url);
    const started = performance.now();
    const socket = connect(Number(port), hostname);
    socket.write(
      `POST /v1/chat/completions HTTP/1.1\r\nhost: ${hostname}\r\ncontent-type: application/json\r\ncontent-length: 99\r\n\r\n{`,
    );
    let said = '';
    socket.on('data', (data: Buffer) => {
      said += data.toString();
    });
    await once(socket, 'close');
    expect(said).toMatch(/^HTTP\/1.1 408 [\s\S]*the body did not arrive within 1s/);
    expect(performance.now() - started).toBeGreaterThan(900);
    expect(performance.now() - started).toBeLessThan(10_000);
    expect((await target.stats()).requests + (await legacy.stats()).requests).toBe(0);
    expect(await (await fetch(`${gateway.url}/metrics`)).text()).toContain('refused_total{status="408"} 1\n');
  });

  function chunked(path: string, body: string): Promise<{ status: number | undefined }> {
    return new Promise((resolve, reject) => {
      const { hostname, port } = new URL(gateway.url);
      const headers = { 'content-type': 'application/json' };
      const call = request({ hostname, port, path, method: 'POST', headers }, (response) => {
        response.resume();
        response.on('end', () => resolve({ status: response.statusCode }));
      });
      call.on('error', reject);
      for (let at = 0; at < body.length; at += 65_536) call.write(body.slice(at, at + 65_536));
      call.end();
    });
  }
});

async function until(condition: () => Promise<boolean>, withinMs = 15_000): Promise<void> {
  const end = performance.now() + withinMs;
  while (performance.now() < end) {
    if (await condition()) return;
    await sleep(10);
  }
  throw new Error(`waited ${withinMs} ms in vain; ${gateway.stderr()}`);
}
