import type {
  ModelPrice as CataloguePrice,
  PriceCalculation,
  Provider,
  TieredPrices,
} from '@pydantic/genai-prices';
import type { PriceBook, PriceQuery } from './book.ts';
import { BY_MAKER, type ModelPrice, type Rate } from './price.ts';

/**
 * The bundled catalogue (@pydantic/genai-prices): 36 providers, USD per million tokens, with tiers, dated
 * prices and off-peak hours. It is large: loaded when the first model needs it.
 */
export async function loadCatalogue(): Promise<PriceBook> {
  const { calcPrice, findProvider } = await import('@pydantic/genai-prices');
  const remembered = new Map<string, ModelPrice | undefined>();

  const providerOf = (query: PriceQuery): Provider | undefined => {
    if (query.provider) {
      const named = findProvider({ providerId: query.provider.toLowerCase() });
      if (named) return named;
    }
    return query.baseUrl ? findProvider({ providerApiUrl: query.baseUrl }) : undefined;
  };
  const lookUp = (model: string, timestamp: Date, provider?: Provider): ModelPrice | undefined => {
    const found: PriceCalculation | null = calcPrice({ input_tokens: 1 }, model, {
      timestamp,
      ...(provider ? { provider } : {}),
    });
    if (!found) return undefined;
    const { id } = found.provider;
    return fromCatalogue(found.model_price, provider ? id : `${id}, ${BY_MAKER}`);
  };
  return {
    find(query) {
      const key = JSON.stringify([query.model, query.provider, query.baseUrl, query.at]);
      if (remembered.has(key)) return remembered.get(key);
      const timestamp = new Date(query.at);
      const provider = providerOf(query);
      const price =
        (provider && lookUp(query.model, timestamp, provider)) ??
        // A reseller's model, priced like its maker's.
        lookUp(query.model, timestamp) ??
        withPrefix(query.model, (id, model) => {
          const maker = findProvider({ providerId: id });
          return maker && lookUp(model, timestamp, maker);
        });
      remembered.set(key, price);
      return price;
    },
  };
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
