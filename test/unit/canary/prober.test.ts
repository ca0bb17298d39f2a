import { describe, expect, it } from 'vitest';
import { costOf, largestCost, type ProbePlan, probePairs } from '../../../src/canary/prober.ts';
import { parseProbes } from '../../../src/canary/probes.ts';
import { clientOf, completion, event, json, serve } from '../provider/servers.ts';
import { seeded, times } from './pairs.ts';

const probes = parseProbes('{"prompt":"a","expect":{"contains":"yes"}}\n{"prompt":"b","model":"other"}', 'p');
const plan: ProbePlan = {
  probes,
  pairs: 12,
  model: 'old',
  models: { old: 'new' },
  stream: false,
  concurrency: 1,
};
const price = { input: 2, cachedInput: 1, output: 10 };
const never = new AbortController().signal;

/** Two servers that write down what they are asked, in order. */
async function recorded(answer = 'yes') {
  const log: { side: string; model: string; prompt: string; at: 'begin' | 'end' }[] = [];
  const url = (side: string) =>
    serve((_request, response, body) => {
      const { model, messages } = JSON.parse(body);
      const entry = { side, model, prompt: messages[0].content };
      log.push({ ...entry, at: 'begin' });
      setTimeout(() => {
        log.push({ ...entry, at: 'end' });
        json(response, 200, completion(answer));
      }, 5);
    });
  const clients = {
    legacy: await clientOf(await url('legacy')),
    target: await clientOf(await url('target')),
  };
  return { log, clients };
}

describe('the prober', () => {
  it('sends each probe to both sides, one right after the other, with the models mapped', async () => {
    const { log, clients } = await recorded();
    const pairs = await probePairs(plan, clients, () => undefined, seeded(3), never);
    expect(pairs).toHaveLength(12);
    const begun = log.filter(({ at }) => at === 'begin');
    for (let i = 0; i < begun.length; i += 2) {
      const [first, second] = [begun[i], begun[i + 1]];
      expect(first?.prompt).toBe(second?.prompt);
      expect(new Set([first?.side, second?.side])).toEqual(new Set(['legacy', 'target']));
    }
    expect(log.map(({ at }) => at)).toEqual(times(24, () => ['begin', 'end']).flat());
    const model = (side: string, prompt: string) =>
      begun.find((e) => e.side === side && e.prompt === prompt)?.model;
    expect([model('legacy', 'a'), model('target', 'a')]).toEqual(['old', 'new']);
    expect([model('legacy', 'b'), model('target', 'b')]).toEqual(['other', 'other']);
  });

  it('draws who is first, the same way from the same seed', async () => {
    const order = async (seed: number) => {
      const { log, clients } = await recorded();
      await probePairs({ ...plan, pairs: 20 }, clients, () => undefined, seeded(seed), never);
      return log.filter(({ at }) => at === 'begin').map(({ side }) => side);
    };
    const one = await order(1);
    expect(await order(1)).toEqual(one);
    const firsts = one.filter((_side, i) => i % 2 === 0);
    expect(firsts.filter((side) => side === 'legacy').length).toBeGreaterThan(4);
    expect(firsts.filter((side) => side === 'target').length).toBeGreaterThan(4);
  });

  it('runs pairs side by side up to the concurrency, and never the sides of one pair', async () => {
    let open = 0;
    let most = 0;
    const url = await serve((_request, response) => {
      most = Math.max(most, ++open);
      setTimeout(() => {
        open--;
        json(response, 200, completion());
      }, 10);
    });
    const clients = { legacy: await clientOf(url), target: await clientOf(url) };
    await probePairs({ ...plan, concurrency: 3 }, clients, () => undefined, seeded(1), never);
    expect(most).toBe(3);
  });

  it('measures validity, tokens and cost', async () => {
    const { clients } = await recorded('no');
    const pairs = await probePairs({ ...plan, pairs: 2 }, clients, () => price, seeded(3), never);
    expect(pairs?.find(({ probe }) => probe === 0)?.legacy).toMatchObject({ status: 'ok', invalid: true });
    const other = pairs?.find(({ probe }) => probe === 1)?.target;
    expect(other).toMatchObject({ inputTokens: 12, cachedInputTokens: 8, outputTokens: 3 });
    expect(other).not.toHaveProperty('invalid');
    expect(other?.costUsd).toBeCloseTo((4 * 2 + 8 * 1 + 3 * 10) / 1e6, 12);
  });

  it('measures the first token when it streams', async () => {
    const url = await serve((_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.end(`${event({ content: 'yes' })}data: [DONE]\n\n`);
    });
    const clients = { legacy: await clientOf(url), target: await clientOf(url) };
    const pairs = await probePairs(
      { ...plan, pairs: 1, stream: true },
      clients,
      () => price,
      seeded(1),
      never,
    );
    expect(pairs?.[0]?.legacy.ttftMs).toBeGreaterThan(0);
    expect(pairs?.[0]?.legacy).not.toHaveProperty('costUsd');
  });

  it('has nothing to say about a run that was cut short', async () => {
    const { clients } = await recorded();
    const stop = new AbortController();
    setTimeout(() => stop.abort(), 30);
    expect(
      await probePairs({ ...plan, pairs: 200 }, clients, () => undefined, seeded(1), stop.signal),
    ).toBeNull();
  });
});

describe('cost', () => {
  it('is from prices per million tokens, cached input at its own price or as input', () => {
    const usage = { inputTokens: 1_000_000, cachedInputTokens: 400_000, outputTokens: 500_000 };
    expect(costOf(usage, price)).toBeCloseTo(1.2 + 0.4 + 5, 12);
    expect(costOf(usage, { input: 2, output: 10 })).toBeCloseTo(2 + 5, 12);
  });

  it('of a probe has a largest value, and none without a price', () => {
    const largest = largestCost(probes, plan, (side) => (side === 'target' ? price : undefined)) ?? 0;
    expect(largest).toBeGreaterThan((100 * 10) / 1e6);
    expect(largest).toBeLessThan((100 * 10 + 100 * 2) / 1e6);
    expect(largestCost(probes, plan, () => undefined)).toBeNull();
  });
});
