import {
  cardOf,
  type ModelPrice,
  type Rate,
  ratedAs,
  type TokenKind,
  tokensByKind,
  type Usage,
} from '../pricing/price.ts';
import { addCounts, type Dimension, type ServiceTier } from '../usage/dimensions.ts';
import type { Cell } from './tally.ts';

/** Something that decides what a request costs and that only one of the two knows: the logs or a price list. */
export interface Gap {
  side: 'current' | 'target';
  /** A kind of token, `searches`, `requests`, `contextLength`, a tier of service, or what the list calls it. */
  dimension: string;
  /** What is missing: its price in the list, or its count in the logs. */
  missing: 'price' | 'count';
  /** How many there are; where they are not counted, the tokens of the requests that may have some. */
  count: number;
  unit: 'tokens' | 'searches';
  /** What it was priced as; null where it is not in the cost. */
  pricedAs: string | null;
}

/** What is known of some requests of one model, all at the same price. */
export interface Priced {
  side: Gap['side'];
  price: ModelPrice;
  usage: Usage;
  serviceTier: ServiceTier | undefined;
  /** Tokens of sums that do not say of how many requests, or how long each of these was. */
  uncountedTokens: number;
  unsizedTokens: number;
}

/** What the logs count and the list has no price for. */
export function withoutPrice({ side, price, usage, serviceTier }: Priced): Gap[] {
  const card = cardOf(price, serviceTier);
  const tokens = tokensByKind(usage);
  const gap = (dimension: string, count: number, pricedAs: string | null): Gap => {
    const unit = dimension === 'searches' ? 'searches' : 'tokens';
    return { side, dimension, missing: 'price', count, unit, pricedAs };
  };
  const gaps: Gap[] = [];
  if (serviceTier && (card === price || card.rule !== undefined)) {
    gaps.push(gap(serviceTier, usage.input + usage.output, card.rule ?? 'the plain tier'));
  }
  for (const kind of Object.keys(tokens) as TokenKind[]) {
    if (tokens[kind] <= 0 || card[kind] !== undefined) continue;
    // What a list does not tell from text, it does not tell from cached text either.
    if (kind === 'cachedAudio' && card.audioInput === undefined) continue;
    if (kind === 'cachedImage' && card.imageInput === undefined) continue;
    gaps.push(gap(kind, tokens[kind], ratedAs(card, kind)));
  }
  const { searches = 0 } = usage.dimensions;
  if (searches > 0 && card.search === undefined) gaps.push(gap('searches', searches, null));
  return gaps;
}

/** Kinds of token that a log may leave out, with the count that tells them. */
const TOLD_BY: readonly [TokenKind, Dimension][] = [
  ['cacheWrite', 'cacheWrite'],
  ['audioInput', 'audioInput'],
  ['imageInput', 'imageInput'],
  ['reasoning', 'reasoning'],
  ['audioOutput', 'audioOutput'],
  ['imageOutput', 'imageOutput'],
];

/**
 * What the list has a price for and the logs do not count, so that it is not in the cost, or priced as something else.
 * @param told the dimensions that some record of the model tells.
 */
export function withoutCount(priced: Priced, told: ReadonlySet<Dimension>): Gap[] {
  const { side, price, usage, serviceTier, uncountedTokens, unsizedTokens } = priced;
  const card = cardOf(price, serviceTier);
  const tokens = usage.input + usage.output;
  const gap = (dimension: string, count: number, pricedAs: string | null): Gap => {
    return { side, dimension, missing: 'count', count, unit: 'tokens', pricedAs };
  };
  const gaps: Gap[] = [];
  if (card.request && uncountedTokens > 0) gaps.push(gap('requests', uncountedTokens, null));
  const rates = [card.input, card.cachedInput, card.output];
  if (unsizedTokens > 0 && rates.some((rate) => rate && rate.tiers.length > 0)) {
    gaps.push(gap('contextLength', unsizedTokens, 'requests of mean length'));
  }
  for (const [kind, dimension] of TOLD_BY) {
    const instead = ratedAs({ ...card, [kind]: undefined }, kind);
    if (told.has(dimension) || same(card[kind], card[instead])) continue;
    gaps.push(gap(kind, tokens, instead));
  }
  const { cacheWrite = 0 } = usage.dimensions;
  if (cacheWrite > 0 && !told.has('cacheWrite1h') && !same(card.cacheWrite1h, card.cacheWrite)) {
    gaps.push(gap('cacheWrite1h', cacheWrite, 'cacheWrite'));
  }
  if (card.search && !told.has('searches')) gaps.push(gap('searches', tokens, null));
  for (const name of price.uncounted ?? []) gaps.push(gap(name, tokens, null));
  return gaps.filter(({ count }) => count > 0);
}

/** Whether it makes no difference which of two rates is taken; there is none where the list has no first. */
function same(rate: Rate | undefined, other: Rate | undefined): boolean {
  if (rate === undefined) return true;
  if (rate.base !== other?.base || rate.tiers.length !== other.tiers.length) return false;
  return rate.tiers.every(({ start, price }, i) => {
    return start === other.tiers[i]?.start && price === other.tiers[i]?.price;
  });
}

/** Finds the gaps of one model on one side: what is at the same price is summed up first, as there are many cells. */
export function createGapFinder(side: Gap['side']): {
  add(price: ModelPrice, cell: Cell): void;
  /** @param told as in withoutCount. */
  gaps(told: ReadonlySet<Dimension>): Gap[];
} {
  const sums = new Map<ModelPrice, Map<ServiceTier | undefined, Priced>>();
  return {
    add(price, cell) {
      let tiers = sums.get(price);
      if (!tiers) {
        tiers = new Map();
        sums.set(price, tiers);
      }
      let sum = tiers.get(cell.serviceTier);
      if (!sum) {
        const usage = { input: 0, cachedInput: 0, output: 0, requests: 0, dimensions: {} };
        sum = { side, price, usage, serviceTier: cell.serviceTier, uncountedTokens: 0, unsizedTokens: 0 };
        tiers.set(cell.serviceTier, sum);
      }
      sum.usage.input += cell.inputTokens;
      sum.usage.cachedInput += cell.cachedInputTokens;
      sum.usage.output += cell.outputTokens;
      addCounts(sum.usage.dimensions, cell.dimensions);
      sum.uncountedTokens += cell.uncountedTokens;
      sum.unsizedTokens += cell.unsizedTokens;
    },
    gaps(told) {
      const parts = [...sums.values()].flatMap((tiers) => [...tiers.values()]);
      return parts.flatMap((priced) => [...withoutPrice(priced), ...withoutCount(priced, told)]);
    },
  };
}
