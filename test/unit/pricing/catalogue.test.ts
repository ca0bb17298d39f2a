import { isDeepStrictEqual } from 'node:util';
import {
  calcPrice,
  findProvider,
  type MatchLogic,
  type Provider,
  waitForUpdate,
} from '@pydantic/genai-prices';
import { describe, expect, it } from 'vitest';
import { createCatalogue } from '../../../src/pricing/catalogue.ts';
import { catalogueData } from '../../../src/pricing/catalogue-data.ts';
import {
  makerOf,
  modelOf,
  pricesAt,
  providerAt,
  providerNamed,
} from '../../../src/pricing/catalogue-lookup.ts';
import { parseCatalogue } from '../../../src/pricing/catalogue-text.ts';

const providers = (await waitForUpdate()) as Provider[];

/** Names that a rule was written for, and some that are nearly such. */
function namesOf(rule: MatchLogic): string[] {
  if ('or' in rule) return rule.or.flatMap(namesOf);
  if ('and' in rule) return [rule.and.flatMap(namesOf).join('-')];
  if ('regex' in rule) return [rule.regex.replace(/[\\^$]|\(\?[:=!]|[()]/g, '')];
  const [name = ''] = Object.values(rule);
  return [name, name.toUpperCase(), ` ${name}-20250807`, `${name}-20250230:x`, `x${name}`];
}

const NAMES = [
  ...new Set(providers.flatMap(({ models }) => models.flatMap(({ id, match }) => [id, ...namesOf(match)]))),
];
const NAMES_OF = new Map(
  providers.map(({ id, models }) => [id, models.flatMap((model) => [model.id, ...namesOf(model.match)])]),
);
/** Before and after each day on which a price changes, at each hour of the day. */
const TIMES = [
  ...new Set(
    providers.flatMap(({ models }) =>
      models.flatMap(({ prices }) =>
        (Array.isArray(prices) ? prices : []).flatMap(({ constraint }) =>
          constraint?.type === 'start_date'
            ? [Date.parse(constraint.start_date) - 1, Date.parse(constraint.start_date)]
            : [],
        ),
      ),
    ),
  ),
  ...Array.from({ length: 48 }, (_, half) => Date.UTC(2026, 6, 1, 0, 30 * half)),
  Date.UTC(1969, 11, 31, 16, 30),
];
const NOW = Date.UTC(2026, 6, 1, 12);

describe('looking up in the catalogue gives what the package gives', () => {
  it('for each provider', () => {
    for (const { id, name, api_pattern, provider_match } of providers) {
      for (const word of [id, id.toUpperCase(), name, ...(provider_match ? namesOf(provider_match) : [])]) {
        expect(providerNamed(providers, word)).toBe(findProvider({ providerId: word }));
      }
      const url = `${api_pattern.replace(/\\/g, '').replace('(.*.)?', 'a.')}/v1`;
      expect(providerAt(providers, url)).toBe(findProvider({ providerApiUrl: url }));
    }
  });

  it('for each model of each provider', () => {
    for (const provider of providers) {
      const wrong = (NAMES_OF.get(provider.id) ?? []).filter((name) => {
        const found = calcPrice({ input_tokens: 1 }, name, {
          providerId: provider.id,
          timestamp: new Date(NOW),
        });
        const model = modelOf(providers, provider, name);
        return model !== found?.model || (model && pricesAt(model, NOW)) !== found?.model_price;
      });
      expect(wrong, provider.id).toEqual([]);
    }
  });

  it('for each model by its name alone', () => {
    const wrong = NAMES.filter((name) => {
      const found = calcPrice({ input_tokens: 1 }, name, { timestamp: new Date(NOW) });
      const maker = makerOf(providers, name);
      return (maker && modelOf(providers, maker, name)) !== found?.model;
    });
    expect(wrong).toEqual([]);
  });

  it('at each time', () => {
    for (const provider of providers) {
      for (const model of provider.models.filter(({ prices }) => Array.isArray(prices))) {
        for (const at of TIMES) {
          const found = calcPrice({ input_tokens: 1 }, model.id, {
            providerId: provider.id,
            timestamp: new Date(at),
          });
          if (found?.model === model) expect(pricesAt(model, at)).toBe(found.model_price);
        }
      }
    }
  });
});

it('knows prices that hold over midnight, and the first where none holds', () => {
  const night = { type: 'time_of_date', start_time: '22:00:00Z', end_time: '01:30:00+01:00' } as const;
  const model = {
    match: { equals: 'm' },
    prices: [{ prices: { input_mtok: 2 } }, { constraint: night, prices: { input_mtok: 1 } }],
  };
  const at = (time: string) => pricesAt(model, Date.parse(`2026-08-20T${time}Z`)).input_mtok;
  expect(
    ['21:59:59', '22:00:00', '23:59:59', '00:00:00', '00:29:59', '00:30:00', '12:00:00'].map(at),
  ).toEqual([2, 1, 1, 1, 1, 2, 2]);
});

describe('the catalogue that is built', () => {
  it('has the prices of the package', async () => {
    const { catalogueText } = await import(new URL('../../../build/catalogue.mjs', import.meta.url).href);
    const [ours, theirs] = [
      createCatalogue(parseCatalogue(catalogueText(providers))),
      createCatalogue(await catalogueData()),
    ];
    const queries = [
      ...NAMES.map((model) => ({ model, at: NOW })),
      ...[...NAMES_OF].flatMap(([provider, names]) => names.map((model) => ({ model, provider, at: NOW }))),
      ...TIMES.flatMap((at) => NAMES_OF.get('deepseek')?.map((model) => ({ model, at })) ?? []),
    ];
    expect(queries.length).toBeGreaterThan(NAMES.length);
    // One look at all: so many expectations take longer than what they look at.
    expect(queries.filter((query) => !isDeepStrictEqual(ours.find(query), theirs.find(query)))).toEqual([]);
  });
});
