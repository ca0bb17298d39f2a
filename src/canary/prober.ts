import type { Price } from '../config/schema.ts';
import type { ChatRequest, ChatResult, ProviderClient, TokenUsage } from '../provider/client.ts';
import { targetModel } from '../provider/models.ts';
import type { Pair, Sample, Side } from './pair.ts';
import { isInvalid, type Probe } from './probes.ts';

export interface ProbePlan {
  readonly probes: readonly Probe[];
  /** How many pairs to send; probes are used in turn. */
  readonly pairs: number;
  /** Legacy model of the probes that name none. */
  readonly model: string;
  /** Legacy model → target model. */
  readonly models: Readonly<Record<string, string>>;
  /** Ask for streamed answers, which is what a time to the first token needs. */
  readonly stream: boolean;
  /** Pairs under way at the same time; the two sides of a pair never are. */
  readonly concurrency: number;
}

export type Clients = Readonly<Record<Side, ProviderClient>>;

/** The price of a model on one side, or undefined. */
export type PriceOf = (side: Side, model: string) => Price | undefined;

/**
 * Sends each probe to both providers back to back, in random order: measured apart, the two sides would differ by
 * whatever changed in between. Every pair is in the result, in the order in which they were begun.
 * @param random gives numbers in [0, 1).
 * @returns null when `signal` fired: half a run is no evidence, as the fast half came in first.
 */
export async function probePairs(
  plan: ProbePlan,
  clients: Clients,
  priceOf: PriceOf,
  random: () => number,
  signal: AbortSignal,
): Promise<Pair[] | null> {
  const start = Math.floor(random() * plan.probes.length);
  // Drawn before the first request, so that the order does not hang on who answers first.
  const jobs = Array.from({ length: plan.pairs }, (_, i) => ({
    probe: (start + i) % plan.probes.length,
    legacyFirst: random() < 0.5,
  }));
  const pairs: Pair[] = [];
  let next = 0;
  const worker = async () => {
    for (let i = next++; i < jobs.length && !signal.aborted; i = next++) {
      const { probe, legacyFirst } = jobs[i] as (typeof jobs)[number];
      pairs[i] = await probeBoth(probe, legacyFirst);
    }
  };
  const probeBoth = async (index: number, legacyFirst: boolean): Promise<Pair> => {
    const probe = plan.probes[index] as Probe;
    const ask = (side: Side) => askOne(side, probe, plan, clients, priceOf, signal);
    const first = await ask(legacyFirst ? 'legacy' : 'target');
    const second = await ask(legacyFirst ? 'target' : 'legacy');
    return legacyFirst
      ? { probe: index, legacy: first, target: second }
      : { probe: index, legacy: second, target: first };
  };
  await Promise.all(Array.from({ length: Math.min(plan.concurrency, plan.pairs) }, worker));
  return signal.aborted ? null : pairs;
}

async function askOne(
  side: Side,
  probe: Probe,
  plan: ProbePlan,
  clients: Clients,
  priceOf: PriceOf,
  signal: AbortSignal,
): Promise<Sample> {
  const legacyModel = probe.model ?? plan.model;
  const model = side === 'legacy' ? legacyModel : targetModel(plan.models, legacyModel);
  const request: ChatRequest = { model, messages: probe.messages, maxTokens: probe.maxTokens };
  const client = clients[side];
  const result = await (plan.stream ? client.stream(request, signal) : client.chat(request, signal));
  return toSample(result, probe, priceOf(side, model));
}

function toSample(result: ChatResult, probe: Probe, price: Price | undefined): Sample {
  const { latencyMs } = result;
  if (!result.ok) {
    return {
      status: result.errorClass,
      latencyMs,
      message: result.message,
      ...(result.unreachable ? { unreachable: true } : {}),
    };
  }
  const { usage, ttftMs } = result;
  const invalid = isInvalid(result.text, probe.expect);
  return {
    status: 'ok',
    latencyMs,
    ...(ttftMs === undefined ? {} : { ttftMs }),
    ...usage,
    ...(usage && price ? { costUsd: costOf(usage, price) } : {}),
    ...(invalid === undefined ? {} : { invalid }),
  };
}

/** USD, from prices per million tokens; cached input is part of the input. */
export function costOf(usage: TokenUsage, price: Price): number {
  const fresh = usage.inputTokens - usage.cachedInputTokens;
  const cached = usage.cachedInputTokens * (price.cachedInput ?? price.input);
  return (fresh * price.input + cached + usage.outputTokens * price.output) / 1e6;
}

/** The largest cost that one answer to these probes can have, USD: a token is at least one byte of its prompt. */
export function largestCost(
  probes: readonly Probe[],
  plan: Pick<ProbePlan, 'model' | 'models'>,
  priceOf: PriceOf,
): number | null {
  let largest = 0;
  for (const probe of probes) {
    const model = probe.model ?? plan.model;
    const input = Buffer.byteLength(JSON.stringify(probe.messages));
    const usage = { inputTokens: input, cachedInputTokens: 0, outputTokens: probe.maxTokens };
    for (const price of [priceOf('legacy', model), priceOf('target', targetModel(plan.models, model))]) {
      if (price) largest = Math.max(largest, costOf(usage, price));
    }
  }
  return largest > 0 ? largest : null;
}
