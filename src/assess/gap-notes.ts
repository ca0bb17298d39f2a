import { clean } from '../clean.ts';
import { formatNumber } from '../config/units.ts';
import type { PriceGap } from './assessment.ts';
import type { PricedModel } from './priced.ts';

/** What dimensions are called, in front of `tokens`; tiers of service and what lists have names of their own for are called by these. */
export const DIMENSION_NAMES: Readonly<Record<string, string>> = {
  input: 'input',
  cachedInput: 'cached input',
  cacheWrite: 'cache-write',
  cacheWrite1h: '1-hour cache-write',
  audioInput: 'audio input',
  cachedAudio: 'cached audio',
  imageInput: 'image input',
  cachedImage: 'cached image',
  output: 'output',
  reasoning: 'reasoning',
  audioOutput: 'audio output',
  imageOutput: 'image output',
  searches: 'web searches',
  contextLength: 'the length of each request',
};
const KINDS_OF_TOKEN = new Set(
  Object.keys(DIMENSION_NAMES).filter((name) => !/^(searches|contextLength)$/.test(name)),
);
const MAX_MODELS = 3;
const MAX_NAME = 60;

/**
 * The gaps of all models, the largest first.
 * @param totalTokens of the log, for the shares.
 */
export function gapsOf(models: readonly PricedModel[], totalTokens: number): PriceGap[] {
  const sums = new Map<string, PriceGap>();
  for (const { model, gaps, series } of models) {
    const tokens = series.reduce((sum, one) => sum + one.inputTokens + one.outputTokens, 0);
    for (const gap of gaps) {
      const key = JSON.stringify([gap.side, gap.dimension, gap.missing, gap.pricedAs]);
      const sum = sums.get(key) ?? { ...gap, count: 0, share: 0, models: [] };
      sums.set(key, sum);
      sum.count += gap.count;
      const isNew = sum.models.at(-1) !== model;
      if (isNew) sum.models.push(model);
      const concerned = gap.unit === 'tokens' ? gap.count : isNew ? tokens : 0;
      if (totalTokens > 0) sum.share += concerned / totalTokens;
    }
  }
  return [...sums.values()].sort((a, b) => b.share - a.share || (a.dimension < b.dimension ? -1 : 1));
}

/**
 * The gaps in words.
 * @param reported the models whose current cost is what the logs report: what a list adds to it is no part of theirs.
 */
export function gapNotes(gaps: readonly PriceGap[], reported: ReadonlySet<string>): string[] {
  const unpriced = new Map<string, PriceGap[]>();
  const uncounted = new Map<string, PriceGap[]>();
  for (const gap of gaps) {
    if (gap.missing === 'price') put(unpriced, JSON.stringify([gap.dimension, gap.pricedAs]), gap);
    else if (gap.side === 'target' || gap.models.some((model) => !reported.has(model))) {
      put(uncounted, gap.side, gap);
    }
  }
  return [...[...unpriced.values()].map(unpricedNote), ...[...uncounted.values()].map(uncountedNote)];
}

function put(map: Map<string, PriceGap[]>, key: string, gap: PriceGap): void {
  const list = map.get(key);
  if (list) list.push(gap);
  else map.set(key, [gap]);
}

/** @param gaps of one dimension, at most one a side. */
function unpricedNote(gaps: readonly PriceGap[]): string {
  const gap = gaps[0] as PriceGap;
  const where = gaps.length > 1 ? 'either price list' : `the ${gap.side} price list`;
  const amount = `${formatNumber(gap.count)} ${thing(gap)} (${percent(gap.share)} of the tokens)`;
  const models = modelNames(gap.models);
  if (gap.pricedAs === null) {
    return `${amount} have no price in ${where}: they are not in the cost. Models: ${models}.`;
  }
  const as = KINDS_OF_TOKEN.has(gap.pricedAs) ? `${DIMENSION_NAMES[gap.pricedAs]} tokens` : gap.pricedAs;
  return `${amount} have no price of their own in ${where}: priced as ${as}. Models: ${models}.`;
}

function thing({ dimension, unit }: PriceGap): string {
  if (unit === 'searches') return 'web searches';
  if (KINDS_OF_TOKEN.has(dimension)) return `${DIMENSION_NAMES[dimension]} tokens`;
  return dimension === 'another tier' ? 'tokens of another tier' : `tokens of the tier ${dimension}`;
}

/** @param gaps of one side. */
function uncountedNote(gaps: readonly PriceGap[]): string {
  const names = gaps.map(({ dimension }) =>
    KINDS_OF_TOKEN.has(dimension)
      ? `${DIMENSION_NAMES[dimension]} tokens`
      : (DIMENSION_NAMES[dimension] ?? dimension),
  );
  const models = [...new Set(gaps.flatMap((gap) => gap.models))];
  const share = Math.max(...gaps.map((gap) => gap.share));
  return (
    `The ${gaps[0]?.side} price list also charges by ${[...new Set(names)].join(', ')}, which these logs do not tell: ` +
    `up to ${percent(share)} of the tokens may cost something else. Models: ${modelNames(models)}.`
  );
}

/** What is left out of the cost because nothing tells how many tokens it was. */
export function untoldNotes(models: readonly PricedModel[]): string[] {
  return models
    .filter(({ untold, allUntold }) => untold > 0 && !allUntold)
    .map(
      ({ model, untold }) =>
        `${formatNumber(untold)} requests to ${clean(model, MAX_NAME)} have no token counts: they are not in the cost that prices make.`,
    );
}

function modelNames(models: readonly string[]): string {
  const more = models.length > MAX_MODELS ? ` and ${models.length - MAX_MODELS} more` : '';
  const names = models.slice(0, MAX_MODELS).map((name) => clean(name, MAX_NAME));
  return names.join(', ') + more;
}

function percent(share: number): string {
  if (share > 0 && share < 0.0001) return 'less than 0.01 %';
  return `${Number((share * 100).toFixed(2))} %`;
}
