import type { ModelPrice as CataloguePrice, TieredPrices } from '@pydantic/genai-prices';
import { CATALOGUE_BANDS, clockBand } from './bands.ts';
import type { PriceBook, PriceQuery } from './book.ts';
import { type CatalogueModel, type CatalogueProvider, catalogueData } from './catalogue-data.ts';
import { makerOf, modelOf, pricesAt, providerAt, providerNamed } from './catalogue-lookup.ts';
import {
  BY_MAKER,
  type ModelPrice,
  type PriceOrigin,
  type Rate,
  type RateCard,
  type TierCard,
} from './price.ts';
import { canonicalProvider } from './providers.ts';

/** The data's version and the day it was published (a test holds them against what is installed). */
export const CATALOGUE: PriceOrigin = { name: 'catalogue @pydantic/genai-prices 0.1.8', date: '2026-09-23' };

/**
 * The bundled catalogue (@pydantic/genai-prices): 36 providers, USD per million tokens, with tiers, dated
 * prices and off-peak hours. It is large: loaded when the first model needs it.
 */
export async function loadCatalogue(): Promise<PriceBook> {
  return createCatalogue(await catalogueData());
}

/** A price book of the catalogue's data. */
export function createCatalogue(providers: readonly CatalogueProvider[]): PriceBook {
  /** What was looked up, by query without its time. */
  const remembered = new Map<string, Known>();

  const providerOf = (query: PriceQuery): CatalogueProvider | undefined =>
    (query.provider ? providerNamed(providers, canonicalProvider(query.provider)) : undefined) ??
    (query.baseUrl ? providerAt(providers, query.baseUrl) : undefined);
  const look = (query: PriceQuery, known: Known): ModelPrice | undefined => {
    const lookUp = (name: string, provider?: CatalogueProvider): ModelPrice | undefined => {
      const seller = provider ?? makerOf(providers, name);
      const model = seller && modelOf(providers, seller, name);
      if (!model) return undefined;
      known.models.add(model);
      return fromCatalogue(pricesAt(model, query.at), seller.id, provider === undefined);
    };
    const provider = providerOf(query);
    return (
      (provider && lookUp(query.model, provider)) ??
      // A reseller's model, priced like its maker's.
      lookUp(query.model) ??
      withPrefix(query.model, (id, model) => {
        const maker = providerNamed(providers, id);
        return maker && lookUp(model, maker);
      })
    );
  };
  return {
    find(query) {
      const key = JSON.stringify([query.model, query.provider, query.baseUrl]);
      const known = remembered.get(key) ?? { models: new Set(), prices: new Map() };
      remembered.set(key, known);
      const earlier = conditionsAt(known.models, query.at);
      if (known.prices.has(earlier)) return known.prices.get(earlier);
      const price = look(query, known);
      known.prices.set(conditionsAt(known.models, query.at), price);
      return price;
    },
  };
}

interface Known {
  /** The catalogue's models that were met. */
  models: Set<CatalogueModel>;
  /** By what holds at the time. */
  prices: Map<string, ModelPrice | undefined>;
}

/**
 * What decides at a time which of the models' prices hold: the start dates that have come, and the band of the day
 * where prices change within it. Looking a model up takes long, and most models have one price for all times.
 */
function conditionsAt(models: ReadonlySet<CatalogueModel>, at: number): string {
  let begun = 0;
  let hourly = false;
  for (const { prices } of models) {
    for (const { constraint } of Array.isArray(prices) ? prices : []) {
      if (constraint?.type === 'start_date' && at >= Date.parse(constraint.start_date)) begun++;
      if (constraint?.type === 'time_of_date') hourly = true;
    }
  }
  return `${models.size}/${begun}/${hourly ? clockBand(CATALOGUE_BANDS, at) : ''}`;
}

/** `openai/gpt-4.1-mini` names the provider in front. */
function withPrefix(
  name: string,
  look: (provider: string, model: string) => ModelPrice | undefined,
): ModelPrice | undefined {
  const slash = name.indexOf('/');
  return slash > 0 ? look(name.slice(0, slash).toLowerCase(), name.slice(slash + 1)) : undefined;
}

/** Where the catalogue has the rates of a kind of token. */
const KEYS = {
  cachedInput: 'cache_read_mtok',
  cacheWrite: 'cache_write_mtok',
  cacheWrite1h: 'cache_write_1h_mtok',
  audioInput: 'input_audio_mtok',
  cachedAudio: 'cache_audio_read_mtok',
  imageInput: 'input_image_mtok',
  cachedImage: 'cache_image_read_mtok',
  reasoning: 'output_reasoning_mtok',
  audioOutput: 'output_audio_mtok',
  imageOutput: 'output_image_mtok',
} as const;
const COUNTED = new Set<string>([
  'input_mtok',
  'output_mtok',
  'requests_kcount',
  'web_searches_kcount',
  ...Object.values(KEYS),
]);
/** What the catalogue prices and no log of ours counts. */
const UNCOUNTED: Readonly<Record<string, string>> = {
  storage_searches_kcount: 'file searches',
  output_citation_mtok: 'citation tokens',
  input_video_mtok: 'video tokens',
  output_video_mtok: 'video tokens',
};

/** A model without a price for text going in or coming out has no price that tokens could take. */
function fromCatalogue(price: CataloguePrice, seller: string, byMaker: boolean): ModelPrice | undefined {
  const input = rateOf(price.input_mtok);
  const output = rateOf(price.output_mtok);
  if (!input && !output) return undefined;
  const free: Rate = { base: 0, tiers: [] };
  // Embedding models have no output to charge for.
  const card: RateCard = { input: input ?? free, output: output ?? free };
  for (const [kind, key] of Object.entries(KEYS) as [keyof typeof KEYS, string][]) {
    const rate = rateOf(price[key]);
    if (rate) card[kind] = rate;
  }
  const [request, search] = [rateOf(price.requests_kcount), rateOf(price.web_searches_kcount)];
  if (request) card.request = request.base / 1000;
  if (search) card.search = search.base / 1000;
  const others = Object.keys(price).filter((key) => !COUNTED.has(key));
  const uncounted = [...new Set(others.map((key) => UNCOUNTED[key] ?? key))];
  return {
    ...card,
    ...(HALF_FOR_BATCH.has(seller) ? { serviceTiers: { batch: halved(card, seller) } } : {}),
    ...(uncounted.length > 0 ? { uncounted } : {}),
    source: `catalogue (${byMaker ? `${seller}, ${BY_MAKER}` : seller})`,
    origin: CATALOGUE,
  };
}

/** Providers whose batch interface takes half of the plain price for every token, as their price pages say. */
const HALF_FOR_BATCH: ReadonlySet<string> = new Set(['openai', 'anthropic', 'google', 'azure']);

function halved(card: RateCard, seller: string): TierCard {
  const half = ({ base, tiers }: Rate): Rate => ({
    base: base / 2,
    tiers: tiers.map(({ start, price }) => ({ start, price: price / 2 })),
  });
  const cheaper: TierCard = { ...card, input: half(card.input), output: half(card.output) };
  for (const kind of Object.keys(KEYS) as (keyof typeof KEYS)[]) {
    const rate = card[kind];
    if (rate) cheaper[kind] = half(rate);
  }
  return { ...cheaper, rule: `half of the plain price, as ${seller} publishes it` };
}

function rateOf(price: number | TieredPrices | undefined): Rate | undefined {
  if (price === undefined) return undefined;
  if (typeof price === 'number') return { base: price, tiers: [] };
  return { base: price.base, tiers: [...price.tiers].sort((a, b) => a.start - b.start) };
}
