import type { MatchLogic, ModelPrice } from '@pydantic/genai-prices';
import type { CatalogueModel, CatalogueProvider } from './catalogue-data.ts';

// The rules of @pydantic/genai-prices, whose own functions load its whole data (a test compares the answers).

/** The provider with this name (`azure`, `AWS Bedrock`). */
export function providerNamed(
  providers: readonly CatalogueProvider[],
  name: string,
): CatalogueProvider | undefined {
  const id = name.toLowerCase().trim();
  return (
    providers.find((provider) => provider.id === id) ??
    providers.find(({ provider_match }) => provider_match && matches(provider_match, id))
  );
}

/** The provider whose API has this URL. */
export function providerAt(
  providers: readonly CatalogueProvider[],
  url: string,
): CatalogueProvider | undefined {
  return providers.find(({ api_pattern }) => new RegExp(`^(?:${api_pattern})`).test(url));
}

/** The provider that makes the model. */
export function makerOf(
  providers: readonly CatalogueProvider[],
  model: string,
): CatalogueProvider | undefined {
  const id = model.toLowerCase().trim();
  return providers.find(({ model_match }) => model_match && matches(model_match, id));
}

/** A provider's model by any of its names, also one with its date written as `-20250807`. */
export function modelOf(
  providers: readonly CatalogueProvider[],
  provider: CatalogueProvider,
  model: string,
): CatalogueModel | undefined {
  const id = model.toLowerCase().trim();
  const found = ownOrFallback(providers, provider, id);
  if (found) return found;
  const dashed = withDashes(id);
  return dashed === id ? undefined : ownOrFallback(providers, provider, dashed);
}

/** A provider without the model may sell those of others; theirs count only where they have them themselves. */
function ownOrFallback(
  providers: readonly CatalogueProvider[],
  provider: CatalogueProvider,
  id: string,
): CatalogueModel | undefined {
  const own = (one: CatalogueProvider | undefined) => one?.models.find(({ match }) => matches(match, id));
  const found = own(provider);
  if (found) return found;
  for (const fallback of provider.fallback_model_providers ?? []) {
    const model = own(providers.find((other) => other.id === fallback));
    if (model) return model;
  }
  return undefined;
}

const COMPACT_DATE = /-(20\d{2})(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])(?=-|:|$)/g;

function withDashes(id: string): string {
  return id.replace(COMPACT_DATE, (text, year: string, month: string, day: string) => {
    const date = new Date(Date.UTC(Number(year), Number(month) - 1, Number(day)));
    // 30 February is no date, so it is part of the name.
    return date.getUTCDate() === Number(day) ? `-${year}-${month}-${day}` : text;
  });
}

function matches(rule: MatchLogic, id: string): boolean {
  if ('or' in rule) return rule.or.some((each) => matches(each, id));
  if ('and' in rule) return rule.and.every((each) => matches(each, id));
  if ('equals' in rule) return id === rule.equals.toLowerCase();
  if ('starts_with' in rule) return id.startsWith(rule.starts_with.toLowerCase());
  if ('ends_with' in rule) return id.endsWith(rule.ends_with.toLowerCase());
  if ('contains' in rule) return id.includes(rule.contains.toLowerCase());
  return new RegExp(rule.regex).test(id);
}

const DAY_MS = 86_400_000;

/** The model's prices that hold at a time, Unix milliseconds: the last ones whose condition is met, else the first. */
export function pricesAt({ prices }: CatalogueModel, at: number): ModelPrice {
  if (!Array.isArray(prices)) return prices;
  const holding = prices.findLast(({ constraint }) => {
    if (!constraint) return true;
    if (constraint.type === 'start_date') return at >= Date.parse(constraint.start_date);
    const second = (((at % DAY_MS) + DAY_MS) % DAY_MS) / 1000;
    const [start, end] = [secondOfDay(constraint.start_time), secondOfDay(constraint.end_time)];
    // Over midnight.
    if (end < start) return second >= start || second < end;
    return second >= start && second < end;
  });
  const first = (holding ?? prices[0])?.prices;
  if (!first) throw new Error('a model of the catalogue has an empty list of prices');
  return first;
}

/** The second of the UTC day of `16:30:00Z` or `16:30:00+08:00`. */
function secondOfDay(time: string): number {
  const at = Date.parse(`1970-01-02T${time}`);
  if (Number.isNaN(at)) throw new Error(`the catalogue has a time of day that is none: ${time}`);
  return (at % DAY_MS) / 1000;
}
