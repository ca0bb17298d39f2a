import type { ModelPrice as CataloguePrice, TieredPrices } from '@pydantic/genai-prices';
import { CATALOGUE_BANDS, clockBand } from './bands.ts';
import type { PriceBook, PriceQuery } from './book.ts';
import { type CatalogueModel, type CatalogueProvider, catalogueData } from './catalogue-data.ts';
import { makerOf, modelOf, pricesAt, providerAt, providerNamed } from './catalogue-lookup.ts';
import { BY_MAKER, type ModelPrice, type Rate } from './price.ts';

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
    (query.provider ? providerNamed(providers, query.provider) : undefined) ??
    (query.baseUrl ? providerAt(providers, query.baseUrl) : undefined);
  const look = (query: PriceQuery, known: Known): ModelPrice | undefined => {
    const lookUp = (name: string, provider?: CatalogueProvider): ModelPrice | undefined => {
      const seller = provider ?? makerOf(providers, name);
      const model = seller && modelOf(providers, seller, name);
      if (!model) return undefined;
      known.models.add(model);
      return fromCatalogue(pricesAt(model, query.at), provider ? seller.id : `${seller.id}, ${BY_MAKER}`);
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

/** A model without a price for text going in or coming out has no price that tokens could take. */
function fromCatalogue(price: CataloguePrice, provider: string): ModelPrice | undefined {
  const input = rateOf(price.input_mtok);
  const output = rateOf(price.output_mtok);
  if (!input && !output) return undefined;
  const free: Rate = { base: 0, tiers: [] };
  return {
    input: input ?? free,
    cachedInput: rateOf(price.cache_read_mtok) ?? input ?? free,
    cacheWrite: rateOf(price.cache_write_mtok) ?? input ?? free,
    // Embedding models have no output to charge for.
    output: output ?? free,
    source: `catalogue (${provider})`,
  };
}

function rateOf(price: number | TieredPrices | undefined): Rate | undefined {
  if (price === undefined) return undefined;
  if (typeof price === 'number') return { base: price, tiers: [] };
  return { base: price.base, tiers: [...price.tiers].sort((a, b) => a.start - b.start) };
}
