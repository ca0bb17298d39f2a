import type { GroupAssessment, List } from './assessment.ts';
import { type Attic, shelvesOf } from './attic/attic.ts';
import { SERIES } from './attic/series.ts';
import { joined } from './attic/stow.ts';
import { percentilesOf } from './percentile.ts';
import { type PricedModel, type Pricing, priceModel } from './priced.ts';
import type { Series } from './tally.ts';

/**
 * The groups of an attic, those with the most tokens first. Each is made when it is asked for, and kept by nobody: all of
 * them at once might not fit into memory.
 * @param comparable the models whose costs count.
 */
export function manyGroups(
  attic: Attic,
  pricing: Pricing,
  comparable: ReadonlySet<PricedModel>,
): List<GroupAssessment> {
  const shelves = shelvesOf(attic, SERIES);
  const order = shelves.order();
  const gapless = { ...pricing, gapless: true };
  const models = new Map([...comparable].map((model) => [model.model, model]));
  const groupOf = (number: number): GroupAssessment => {
    const series = joined(shelves.itemsOf(number));
    const sum = (of: (one: Series) => number) => series.reduce((total, one) => total + of(one), 0);
    const cost = { current: 0, projected: 0, priced: false };
    for (const [model, own] of byModel(series)) {
      const whole = models.get(model);
      if (!whole) continue;
      const part = priceModel(model, own, gapless);
      cost.priced = true;
      // What decides the model's current cost decides that of its parts.
      cost.current += (whole.asReported ? part.reportedUsd : part.recomputedUsd) ?? 0;
      cost.projected += part.projectedUsd ?? 0;
    }
    return {
      key: shelves.nameOf(number),
      requests: sum((one) => one.requests),
      errors: sum((one) => one.requests - one.ok),
      tokens: sum((one) => one.inputTokens + one.outputTokens),
      latencyMs: percentilesOf(series.map(({ latency }) => latency)),
      ttftMs: percentilesOf(series.map(({ ttft }) => ttft)),
      currentUsd: cost.priced ? cost.current : null,
      projectedUsd: cost.priced && pricing.target ? cost.projected : null,
    };
  };
  return {
    length: order.length,
    slice(from = 0, to = order.length) {
      return Array.from(order.subarray(from, to), groupOf);
    },
    *[Symbol.iterator]() {
      for (const number of order) yield groupOf(number);
    },
  };
}

function byModel(series: readonly Series[]): Map<string, Series[]> {
  const models = new Map<string, Series[]>();
  for (const one of series) {
    const own = models.get(one.model);
    if (own) own.push(one);
    else models.set(one.model, [one]);
  }
  return models;
}
