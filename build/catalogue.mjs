import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { waitForUpdate } from '@pydantic/genai-prices';

const MODULE = `
import { readFileSync } from 'node:fs';
import { parseCatalogue } from './catalogue-text.ts';
export async function catalogueData() {
  return parseCatalogue(readFileSync(new URL('./catalogue.jsonl', import.meta.url), 'utf8'));
}
`;

/**
 * Builds src/pricing/catalogue-data.ts as a module that reads a file, written to `dist` too: the package's data without
 * descriptions and the like.
 */
export function catalogue(dist) {
  return {
    name: 'catalogue',
    setup(build) {
      let met = false;
      build.onLoad({ filter: /[\\/]pricing[\\/]catalogue-data\.ts$/ }, () => {
        met = true;
        return { contents: MODULE, loader: 'ts' };
      });
      build.onEnd(async () => {
        if (!met) return { errors: [{ text: 'src/pricing/catalogue-data.ts is not met' }] };
        writeFileSync(join(dist, 'catalogue.jsonl'), catalogueText(await waitForUpdate()));
      });
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
