import type { ModelInfo, Provider } from '@pydantic/genai-prices';

/** What is looked at of a provider in the catalogue. */
export interface CatalogueProvider
  extends Pick<
    Provider,
    'id' | 'api_pattern' | 'model_match' | 'provider_match' | 'fallback_model_providers'
  > {
  readonly models: readonly CatalogueModel[];
}

/** What is looked at of a model in the catalogue. */
export type CatalogueModel = Pick<ModelInfo, 'match' | 'prices'>;

/**
 * The providers of @pydantic/genai-prices. The package's data is one literal of 800 KB, too slow to load for a
 * command: the build puts in this module's place one that reads a file of only these fields (build/catalogue.mjs).
 */
export async function catalogueData(): Promise<readonly CatalogueProvider[]> {
  const { waitForUpdate } = await import('@pydantic/genai-prices');
  const providers = await waitForUpdate();
  if (!providers) throw new Error('@pydantic/genai-prices has no data');
  return providers;
}
