import { rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import OpenAI from 'openai';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { flagSet } from '../../src/flag/flagd.ts';
import { type OpenAiServer, startOpenAiServer } from '../servers/start.ts';
import { cutover } from './cutover.ts';
import { discard, type GatewayTestOptions, KEYS, type RunningGateway, startGateway } from './gateway.ts';

/** What "safe" and "0 %" mean at the client: nothing reaches target unless the flag sends it there. */

let legacy: OpenAiServer;
let target: OpenAiServer;
let gateway: RunningGateway;

beforeAll(async () => {
  [legacy, target] = await Promise.all([startOpenAiServer('legacy'), startOpenAiServer('target')]);
});
afterAll(async () => {
  await Promise.all([legacy.stop(), target.stop()]);
});
beforeEach(async () => {
  await Promise.all([legacy.reset(), target.reset()]);
});
afterEach(() => discard(gateway));

const start = async (options: GatewayTestOptions) => {
  gateway = await startGateway(legacy, target, options);
};
const asked = async () => (await target.stats()).requests;
const client = () => new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey: 'none', maxRetries: 0 });

interface Outcome {
  status: number;
  source: string | null;
}

async function ask(user: string): Promise<Outcome> {
  const response = await fetch(`${gateway.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'small', messages: [{ role: 'user', content: 'ping' }], user }),
  });
  await response.arrayBuffer();
  return { status: response.status, source: response.headers.get('x-cutover-source') };
}

const askAll = (count: number, name = 'user') =>
  Promise.all(Array.from({ length: count }, (_, i) => ask(`${name}-${i}`)));

async function emergency(): Promise<void> {
  const run = await cutover(['rollback', '--emergency'], { cwd: gateway.dir, env: KEYS });
  expect(run, run.stderr).toMatchObject({ code: 0 });
}

const follows = (ratio: number) => until(async () => (await gateway.health()).ratio === ratio, 1000);

const DISABLED = () => {
  const document = flagSet('llm-provider', 0.5, { token: 1, operation: 'op' }) as {
    flags: Record<string, object>;
  };
  document.flags['llm-provider'] = { ...document.flags['llm-provider'], state: 'DISABLED' };
  return JSON.stringify(document);
};

describe('nothing goes to target unless the flag sends it there', () => {
  it.each<[string, number | undefined, () => void | Promise<void>]>([
    ['with no flag file', undefined, () => {}],
    ['at ratio 0', 0, () => {}],
    ['with a DISABLED flag', 0.5, () => gateway.setFlag(DISABLED())],
    ['with a deleted flag', 0.5, () => gateway.setFlag('{"flags":{}}')],
    ['with a deleted flag file', 0.5, () => rmSync(join(gateway.dir, 'flags.json'))],
    ['after a rollback to 0', 0.5, () => gateway.setRatio(0, 'rollback')],
    ['after an emergency', 0.5, () => emergency()],
  ])('%s, while legacy answers 500', async (_state, ratio, change) => {
    await start({ ...(ratio === undefined ? {} : { ratio }), gateway: { retry: { max: 0 } } });
    await change();
    await follows(0);
    await legacy.control({ status: 500 });
    const outcomes = await askAll(46);
    expect(await asked()).toBe(0);
    expect(new Set(outcomes.map((each) => `${each.status} ${each.source}`))).toEqual(new Set(['500 legacy']));
  });

  it.each([{ toTarget: 'always' }, 'both'])(
    'with fallback %j: while the flag is good, and not otherwise',
    async (fallback) => {
      await start({ ratio: 0.001, gateway: { fallback, retry: { max: 0 } } });
      await legacy.control({ status: 500 });
      expect((await askAll(10)).every((each) => each.source === 'target')).toBe(true);
      const states: [string, number, () => void][] = [
        ['rollback', 0.1, () => gateway.setRatio(0.1, 'rollback')],
        ['at 0', 0, () => gateway.setRatio(0)],
        ['DISABLED', 0, () => gateway.setFlag(DISABLED())],
        ['deleted', 0, () => gateway.setFlag('{"flags":{}}')],
      ];
      for (const [name, followed, change] of states) {
        change();
        await follows(followed);
        await sleep(50);
        await target.reset();
        const toTarget = (await askAll(20, 'x')).filter((each) => each.source === 'target').length;
        expect(await asked(), name).toBe(toTarget);
        if (followed === 0) expect(toTarget, name).toBe(0);
        else expect(toTarget, name).toBeLessThan(10);
      }
    },
  );

  it('keeps the last good ratio while the file is garbage, and falls back to target no more', async () => {
    await start({ ratio: 0.001, gateway: { fallback: { toTarget: 'always' }, retry: { max: 0 } } });
    await legacy.control({ status: 500 });
    expect((await ask('u')).source).toBe('target');
    gateway.setFlag('{"flags":');
    await until(async () => (await gateway.health()).flag.problem !== null);
    expect(await gateway.health()).toMatchObject({
      status: 'degraded',
      ratio: 0.001,
      flag: { state: 'unreadable' },
    });
    await target.reset();
    expect(await ask('u')).toEqual({ status: 500, source: 'legacy' });
    expect(await asked()).toBe(0);
  });
});

describe('an emergency', () => {
  /** Asks, runs the emergency when so many wait upstream, and gives what the clients saw. */
  async function duringEmergency(count: number, waiting: () => Promise<boolean>) {
    const outcomes = askAll(count);
    await until(waiting);
    await emergency();
    await sleep(50);
    const before = await asked();
    const seen = await outcomes;
    return { seen, startedAfter: (await asked()) - before };
  }

  it('cuts what waits for target, and legacy answers it', async () => {
    await start({ ratio: 1, timeouts: { firstByte: '20s', total: '30s' } });
    await target.control({ fault: 'hang' });
    const started = performance.now();
    const { seen, startedAfter } = await duringEmergency(
      20,
      async () => (await target.stats()).active === 20,
    );
    expect(performance.now() - started).toBeLessThan(10_000);
    expect(seen.every((each) => each.status === 200 && each.source === 'legacy')).toBe(true);
    expect(startedAfter).toBe(0);
    await until(async () => (await target.stats()).active === 0);
    expect(gateway.stderr()).toMatch(/cut 20 requests that waited for target/);
    await gateway.stop();
    const lines = gateway.usage();
    expect(lines.filter((line) => line.side === 'target' && line.status === 'cancelled')).toHaveLength(20);
    expect(lines.filter((line) => line.side === 'legacy' && line.status === 200)).toHaveLength(20);
  });

  it('cuts it also where no side may stand in for another: the flag itself sends it to legacy', async () => {
    await start({ ratio: 1, gateway: { fallback: 'off' }, timeouts: { firstByte: '20s', total: '30s' } });
    await target.control({ fault: 'hang' });
    const { seen } = await duringEmergency(5, async () => (await target.stats()).active === 5);
    expect(seen.every((each) => each.status === 200 && each.source === 'legacy')).toBe(true);
  });

  it('ends the tries on target of requests that wait between two', async () => {
    await start({ ratio: 1, gateway: { retry: { max: 3, firstDelay: '2s', maxDelay: '2s' } } });
    await target.control({ status: 500 });
    const { seen, startedAfter } = await duringEmergency(4, async () => (await asked()) === 4);
    expect(startedAfter).toBe(0);
    expect(seen.every((each) => each.status === 200 && each.source === 'legacy')).toBe(true);
  });

  it('lets nothing fall back to target that waits for a legacy that hangs', async () => {
    await start({ ratio: 0.001, gateway: { fallback: 'both', retry: { max: 0 } } });
    await legacy.control({ fault: 'hang' });
    const { seen, startedAfter } = await duringEmergency(
      10,
      async () => (await legacy.stats()).active === 10,
    );
    expect(await asked()).toBe(0);
    expect(startedAfter).toBe(0);
    expect(seen.every((each) => each.status === 504)).toBe(true);
  });

  it('lets a stream end that has begun to reach its client, and cuts one that has not', async () => {
    await start({ ratio: 1 });
    await target.control({ latencyMs: 4000, words: 20 });
    const openai = client();
    const body = { model: 'small', messages: [{ role: 'user' as const, content: 'ping' }], user: 'u' };
    const stream = await openai.chat.completions.create({ ...body, stream: true });
    await target.control({ latencyMs: 60_000 });
    const late = openai.chat.completions.create({ ...body, stream: true });
    let text = '';
    let first = true;
    for await (const chunk of stream) {
      text += chunk.choices[0]?.delta.content ?? '';
      if (first) await emergency();
      first = false;
    }
    expect(text).toMatch(/^target: ping .*word19$/);
    const response = await late;
    let other = '';
    for await (const chunk of response) other += chunk.choices[0]?.delta.content ?? '';
    expect(other).toMatch(/^legacy:/);
  });

  it('under load: nothing reaches target once the gateway says 0', async () => {
    await start({ ratio: 0.5, gateway: { retry: { max: 2, firstDelay: '20ms' } } });
    await target.control({ errorRate: 0.3, latencyMs: 20 });
    let stop = false;
    const work = async (name: number) => {
      for (let i = 0; !stop; i++) await ask(`u${name}-${i}`);
    };
    const workers = Array.from({ length: 8 }, (_, i) => work(i));
    try {
      for (let round = 0; round < 5; round++) {
        gateway.setRatio(0.5);
        await follows(0.5);
        await sleep(100);
        gateway.setRatio(0, 'emergency');
        await follows(0);
        // What was sent before has been counted when the target has answered twice more.
        await asked();
        await asked();
        const before = await asked();
        await sleep(100);
        expect(await asked(), `round ${round}`).toBe(before);
      }
    } finally {
      stop = true;
      await Promise.all(workers);
    }
    expect(await asked()).toBeGreaterThan(10);
  });
});

describe('with few descriptors', () => {
  it('sees an emergency though 400 idle clients hold what it may open', async () => {
    await start({ ratio: 0.1, descriptors: 256 });
    const { hostname, port } = new URL(gateway.url);
    const idle: Socket[] = [];
    for (let i = 0; i < 400; i++) {
      const socket = connect(Number(port), hostname).on('error', () => {});
      idle.push(socket.resume());
    }
    await sleep(500);
    await emergency();
    try {
      await follows(0);
      expect((await askAll(40)).every((each) => each.status === 200 && each.source === 'legacy')).toBe(true);
      expect(await asked()).toBe(0);
    } finally {
      for (const socket of idle) socket.destroy();
    }
  });
});

async function until(condition: () => Promise<boolean>, withinMs = 5000): Promise<void> {
  const end = performance.now() + withinMs;
  let fault: unknown;
  while (performance.now() < end) {
    try {
      if (await condition()) return;
    } catch (error) {
      fault = error;
    }
    await sleep(10);
  }
  throw new Error(`waited ${withinMs} ms in vain: ${fault}; ${gateway.stderr()}`);
}
