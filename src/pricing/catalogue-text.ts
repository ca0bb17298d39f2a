import type { CatalogueModel, CatalogueProvider } from './catalogue-data.ts';

/**
 * Reads the catalogue as the build writes it: a line with all providers, then a line with the models of each. Models
 * stay text until one is looked for, since a log has those of one provider or two.
 */
export function parseCatalogue(text: string): CatalogueProvider[] {
  const [first = '', ...rest] = text.split('\n');
  const providers: Omit<CatalogueProvider, 'models'>[] = JSON.parse(first);
  return providers.map((fields, index) => {
    let models: readonly CatalogueModel[] | undefined;
    return {
      ...fields,
      get models() {
        models ??= JSON.parse(rest[index] as string) as readonly CatalogueModel[];
        return models;
      },
    };
  });
}
