import { waitForUpdate } from '@pydantic/genai-prices';

const MODULE = `
import { readFileSync } from 'node:fs';
import { parseCatalogue } from './catalogue-text.ts';
export async function catalogueData() {
  return parseCatalogue(readFileSync(new URL('./catalogue.jsonl', import.meta.url), 'utf8'));
}
`;

/**
 * Builds src/pricing/catalogue-data.ts as a module that reads a file, written beside it: the package's data without
 * descriptions and the like.
 */
export function catalogue() {
  let met = false;
  return {
    name: 'catalogue',
    load: {
      filter: { id: /[\\/]pricing[\\/]catalogue-data\.ts$/ },
      async handler() {
        met = true;
        this.emitFile({
          type: 'asset',
          fileName: 'catalogue.jsonl',
          source: catalogueText(await waitForUpdate()),
        });
        return { code: MODULE, moduleType: 'ts' };
      },
    },
    buildEnd() {
      if (!met) this.error('src/pricing/catalogue-data.ts is not met');
    },
  };
}

/** The file: see src/pricing/catalogue-text.ts. */
export function catalogueText(providers) {
  const lines = [providers.map(fieldsOf), ...providers.map(({ models }) => models.map(modelOf))];
  return lines.map((line) => JSON.stringify(line)).join('\n');
}

function fieldsOf({ id, api_pattern, model_match, provider_match, fallback_model_providers }) {
  return { id, api_pattern, model_match, provider_match, fallback_model_providers };
}

function modelOf({ match, prices }) {
  return { match, prices };
}
