import { waitForUpdate } from '@pydantic/genai-prices';

/** What a price of ours is made of: see src/pricing/catalogue.ts. */
const PRICES = ['input_mtok', 'cache_read_mtok', 'cache_write_mtok', 'output_mtok'];

/**
 * Builds src/pricing/catalogue-data.ts as the data itself, without descriptions and the like. Each provider's models
 * are text until one is looked for: a log has models of one provider or two, and JSON.parse is quicker than a literal.
 */
export const catalogue = {
  name: 'catalogue',
  setup(build) {
    let met = false;
    build.onLoad({ filter: /[\\/]pricing[\\/]catalogue-data\.ts$/ }, async () => {
      met = true;
      return { contents: catalogueModule(await waitForUpdate()), loader: 'js' };
    });
    build.onEnd(() => (met ? undefined : { errors: [{ text: 'src/pricing/catalogue-data.ts is not met' }] }));
  },
};

/** The text of a module with the `catalogueData` of these providers. */
export function catalogueModule(providers) {
  const text = (value) => JSON.stringify(value);
  return `
function provider(fields, modelsText) {
  let models;
  return {
    ...fields,
    get models() {
      models ??= JSON.parse(modelsText);
      return models;
    },
  };
}
const PROVIDERS = [
${providers.map((one) => `  provider(${text(fieldsOf(one))}, ${text(text(one.models.map(modelOf)))}),`).join('\n')}
];
export async function catalogueData() {
  return PROVIDERS;
}
`;
}

function fieldsOf({ id, api_pattern, model_match, provider_match, fallback_model_providers }) {
  return { id, api_pattern, model_match, provider_match, fallback_model_providers };
}

function modelOf({ match, prices }) {
  if (!Array.isArray(prices)) return { match, prices: pricesOf(prices) };
  return { match, prices: prices.map((entry) => ({ ...entry, prices: pricesOf(entry.prices) })) };
}

function pricesOf(prices) {
  return Object.fromEntries(PRICES.filter((key) => key in prices).map((key) => [key, prices[key]]));
}
