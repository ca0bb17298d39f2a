/** Spellings of providers' names that say something else than they seem to, or are of one kind of list only. */
const SPELLINGS: [RegExp, string][] = [
  [/^(azure|az)\.ai\.|^azure[-_ ]?openai$|^azure[-_]ai/, 'azure'],
  [/^aws\.|^bedrock/, 'aws'],
  [/^gcp\.|^google|^vertex|^gemini/, 'google'],
  [/^x[-_.]?ai$/, 'x-ai'],
  [/^mistral/, 'mistral'],
];

/** The name that the catalogue has for a provider, as far as spelling alone tells. */
export function canonicalProvider(name: string): string {
  const id = name.toLowerCase().trim();
  return SPELLINGS.find(([pattern]) => pattern.test(id))?.[1] ?? id;
}

/** What stands before the names of a provider's models in LiteLLM's price list. */
const PREFIXES: Readonly<Record<string, readonly string[]>> = {
  azure: ['azure', 'azure_ai'],
  aws: ['bedrock', 'bedrock_converse'],
  google: ['gemini', 'vertex_ai'],
  'x-ai': ['xai'],
};

/** The prefixes under which a price list may hold a provider's models, the likeliest first. */
export function prefixesOf(name: string): readonly string[] {
  const id = name.toLowerCase().trim();
  return [...new Set([id, ...(PREFIXES[canonicalProvider(id)] ?? [])])];
}
