import { createHash } from 'node:crypto';
import type { Config, Price } from '../config/schema.ts';
import { CutoverError, EXIT } from '../errors.ts';
import { firstLegacyModel, targetModel } from '../provider/models.ts';
import { type Guardrail, guardrailsOf } from './guardrails.ts';
import type { PriceOf, ProbePlan } from './prober.ts';
import type { Probe } from './probes.ts';

/** Everything that a canary's verdict depends on, checked. */
export interface Settings {
  readonly guardrails: readonly Guardrail[];
  readonly plan: ProbePlan;
  /** Changes when anything does that would make older evidence another question's answer. */
  readonly hash: string;
}

/**
 * @param pairs pairs a run; the config's without it.
 * @throws CutoverError CONFIG_INVALID (exit 78) when a guardrail could never be measured.
 */
export function canarySettings(
  config: Config,
  probes: readonly Probe[],
  priceOf: PriceOf,
  pairs = config.canary.pairsPerRun,
): Settings {
  const { canary, models } = config;
  const guardrails = guardrailsOf(canary.guardrails);
  const sets = (...names: string[]) => guardrails.some(({ metric }) => names.includes(metric));
  const stream = canary.stream ?? sets('ttftP50', 'ttftP95');
  if (guardrails.length === 0) {
    throw invalid('canary.guardrails names no guardrail, so nothing could ever fail', 'set at least errors');
  }
  if (!stream && sets('ttftP50', 'ttftP95')) {
    throw invalid('canary.stream is false, but a guardrail needs the time to the first token');
  }
  if (sets('invalid') && !probes.some(({ expect }) => expect)) {
    throw invalid(
      'canary.guardrails.invalid is set, but no probe says what it expects',
      'add "expect" to a probe',
    );
  }
  const model = canary.model ?? firstLegacyModel(models);
  const unnamed = probes.find((probe) => probe.model === undefined);
  if (unnamed && model === undefined) {
    throw invalid(
      'no model to probe',
      'set canary.model, name a legacy model in models, or give each probe a model',
    );
  }
  const asked = [...new Set(probes.map((probe) => probe.model ?? (model as string)))].sort();
  const prices = asked.map((name) => pricesOf(name, models, priceOf));
  if (sets('cost')) {
    for (const { side, model: name, price } of prices.flat()) {
      if (price) continue;
      throw invalid(
        `canary.guardrails.cost is set, but ${side} has no price for ${name}`,
        `add it to providers.${side}.prices`,
      );
    }
  }
  const { legacy, target } = config.providers;
  const endpoint = ({ name, baseUrl, timeouts }: typeof legacy) => ({ name, baseUrl, timeouts });
  const everything = {
    guardrails,
    probes: probes.map((probe) => ({
      ...probe,
      expect: { ...probe.expect, regex: probe.expect?.regex?.source },
    })),
    prices,
    stream,
    endpoints: [endpoint(legacy), endpoint(target)],
  };
  return {
    guardrails,
    plan: { probes, pairs, model: model ?? '', models, stream, concurrency: canary.concurrency },
    hash: createHash('sha256').update(JSON.stringify(everything)).digest('hex').slice(0, 32),
  };
}

/** Prices as the config gives them: the model's own, or `*`. */
export function configPrices(config: Config): PriceOf {
  return (side, model) => {
    const { prices } = config.providers[side];
    return Object.hasOwn(prices, model) ? prices[model] : prices['*'];
  };
}

function pricesOf(
  model: string,
  models: Config['models'],
  priceOf: PriceOf,
): { side: 'legacy' | 'target'; model: string; price: Price | undefined }[] {
  const there = targetModel(models, model);
  return [
    { side: 'legacy', model, price: priceOf('legacy', model) },
    { side: 'target', model: there, price: priceOf('target', there) },
  ];
}

function invalid(message: string, hint?: string): CutoverError {
  return new CutoverError('CONFIG_INVALID', EXIT.config, message, { hint });
}
