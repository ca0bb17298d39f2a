import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { assess } from '../../../src/assess/assess.ts';
import {
  createAttic,
  createStower,
  drawTogether,
  isScattered,
  joinAttic,
  shelvesOf,
} from '../../../src/assess/attic/attic.ts';
import { createNames, nameReader, numberOf } from '../../../src/assess/attic/names.ts';
import { type Codec, createPacker, createUnpacker } from '../../../src/assess/attic/pack.ts';
import { SERIES } from '../../../src/assess/attic/series.ts';
import { joinTally } from '../../../src/assess/attic/stow.ts';
import { type Column, chunksOf, createColumn, push } from '../../../src/assess/column.ts';
import { quantile } from '../../../src/assess/percentile.ts';
import { createTaker, type TakeRules } from '../../../src/assess/taker.ts';
import { type Cell, MAX_MODELS, OTHER_MODELS, type Series, type Tally } from '../../../src/assess/tally.ts';
import { CATALOGUE_BANDS } from '../../../src/pricing/bands.ts';
import { configBook } from '../../../src/pricing/book.ts';
import { type Counts, DIMENSIONS, SERVICE_TIERS } from '../../../src/usage/dimensions.ts';
import { createIntake } from '../../../src/usage/intake.ts';
import type { UsageRecord } from '../../../src/usage/record.ts';
import { createZone } from '../../../src/usage/zone.ts';

describe('packing', () => {
  const values: Codec<(number | string | undefined)[]> = {
    write(to, items) {
      to.whole(items.length);
      for (const item of items) {
        to.whole(typeof item === 'number' ? 1 : 0);
        if (typeof item === 'number') to.number(item);
        else to.text(item);
      }
    },
    read: (from) =>
      Array.from({ length: from.whole() }, () => (from.whole() === 1 ? from.number() : from.text())),
  };
  const item = fc.oneof(
    fc.constantFrom(
      undefined,
      '',
      '__proto__',
      -0,
      Number.NaN,
      Number.POSITIVE_INFINITY,
      0x7f,
      0x80,
      2 ** 31,
    ),
    fc.constantFrom(2 ** 31 - 1, 2 ** 32, Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER - 1, 2 ** 60),
    fc.double(),
    fc.integer(),
    fc.maxSafeNat(),
    fc.string({ unit: 'binary' }),
  );

  it('gives back what went in, from wherever it was put', () => {
    const packer = createPacker(values);
    const unpack = createUnpacker(values);
    fc.assert(
      fc.property(fc.array(item), fc.nat(9), (items, from) => {
        const bytes = packer.pack(items);
        const kept = new Uint8Array(from + bytes.length);
        kept.set(bytes, from);
        expect(unpack(packer.texts, kept, from)).toStrictEqual(items);
      }),
      { numRuns: 200 },
    );
  });

  const name = fc.oneof(fc.string(), fc.constantFrom('__proto__', 'constructor', '1', ''));
  const count = fc.oneof(fc.nat(300), fc.maxSafeNat());
  const plain = { noNullPrototype: true } as const;
  const parts = fc.array(fc.double(), { maxLength: 3 });
  const sum = fc.record({ high: fc.double(), low: fc.double(), rest: parts }, plain);
  const counts = fc.uniqueArray(fc.tuple(fc.constantFrom(...DIMENSIONS), count), {
    selector: ([key]) => key,
    maxLength: 4,
  });
  const column = fc.array(
    fc.oneof(
      fc.nat(9_000_000).map((us) => us / 1000),
      fc.double({ min: 0, max: 1e9, noNaN: true }),
    ),
    { maxLength: 40 },
  );
  const columnOf = (durations: readonly number[]) => {
    const into = createColumn();
    for (const ms of durations) push(into, ms);
    return into;
  };
  const valuesOf = (of: Column) =>
    chunksOf(of).flatMap((chunk) =>
      Array.from(chunk, (it) => (chunk instanceof Uint32Array ? it / 1000 : it)),
    );
  const known = { nil: undefined };
  const tokens = { inputTokens: count, cachedInputTokens: count, outputTokens: count };
  const shared = {
    requests: count,
    untold: count,
    reportedUsd: sum,
    reportedRecords: count,
    dimensions: counts.map((entries): Counts => Object.fromEntries(entries)),
    ...tokens,
  };
  const cell: fc.Arbitrary<Cell> = fc.record(
    {
      day: fc.option(fc.integer(), known),
      serviceTier: fc.option(fc.constantFrom(...SERVICE_TIERS, 'another tier' as const), known),
      at: fc.option(fc.double({ noNaN: true }), known),
      inputBand: fc.nat(9),
      errors: count,
      billed: count,
      billedRequests: count,
      uncountedTokens: count,
      unsizedTokens: count,
      ...shared,
    },
    plain,
  );
  const series: fc.Arbitrary<Series> = fc.record(
    {
      group: fc.constant(''),
      provider: fc.option(name, known),
      model: name,
      ok: count,
      errorsByClass: fc.array(fc.tuple(name, count), { maxLength: 3 }).map((entries) => new Map(entries)),
      latency: column.map(columnOf),
      ttft: column.map(columnOf),
      cells: fc.array(fc.tuple(name, cell), { maxLength: 3 }).map((entries) => new Map(entries)),
      ...shared,
    },
    plain,
  );

  it('gives back a series with each of its figures, which goes on as it would have', () => {
    const packer = createPacker(SERIES);
    const unpack = createUnpacker(SERIES);
    fc.assert(
      fc.property(series, fc.double({ min: 0, max: 1e6, noNaN: true }), (one, more) => {
        const back = unpack(packer.texts, Buffer.from(packer.pack(one)), 0);
        const read = (it: Series) => ({ ...it, latency: valuesOf(it.latency), ttft: valuesOf(it.ttft) });
        expect(read(back)).toStrictEqual(read(one));
        expect([...back.cells.keys(), ...Object.keys(back.dimensions)]).toEqual([
          ...one.cells.keys(),
          ...Object.keys(one.dimensions),
        ]);
        for (const it of [one, back]) push(it.latency, more);
        expect(read(back)).toStrictEqual(read(one));
      }),
      { numRuns: 150 },
    );
  });
});

describe('names', () => {
  it('have numbers in their order, whatever is in them', () => {
    const names = createNames();
    const all = [...new Set(['', 'a', 'é', '\ud800', '\ud800\udc00', '\udc00', '�', 'a\0b', '__proto__'])];
    for (let i = 0; i < 9000; i++) all.push(`customer-${i}`);
    for (let round = 0; round < 2; round++) {
      expect(all.map((name) => numberOf(names, name))).toEqual([...all.keys()]);
    }
    expect([...all.keys()].map(nameReader(names))).toEqual(all);
  });
});

describe('an attic', () => {
  const numbers: Codec<{ n: number }> = {
    write: (to, { n }) => to.number(n),
    read: (from) => ({ n: from.number() }),
  };
  const fill = (from: number, to: number) => {
    const attic = createAttic();
    const stower = createStower(attic, numbers);
    for (let n = from; n < to; n++) stower.put(`g${n % 7}`, { n }, n);
    return attic;
  };
  const itemsOf = (attic: ReturnType<typeof fill>) => {
    const shelves = shelvesOf(attic, numbers);
    return [...shelves.order()].map((group) => ({
      name: shelves.nameOf(group),
      items: shelves.itemsOf(group).map(({ n }) => n),
    }));
  };

  it('has the pieces of each group, the heaviest first', () => {
    expect(itemsOf(fill(0, 15))).toEqual(
      [
        { name: 'g6', items: [6, 13] },
        { name: 'g5', items: [5, 12] },
        { name: 'g0', items: [0, 7, 14] },
        { name: 'g4', items: [4, 11] },
        { name: 'g3', items: [3, 10] },
        { name: 'g2', items: [2, 9] },
        { name: 'g1', items: [1, 8] },
      ].sort((a, b) => sum(b.items) - sum(a.items) || (a.name < b.name ? -1 : 1)),
    );
  });

  it('holds what two of them held, and draws pieces together', () => {
    const both = fill(0, 40);
    joinAttic(both, fill(40, 60));
    const whole = itemsOf(fill(0, 60));
    expect(itemsOf(both)).toEqual(whole);
    drawTogether(both, numbers, (items) => [{ n: sum(items.map(({ n }) => n)) }]);
    expect(itemsOf(both)).toEqual(whole.map(({ name, items }) => ({ name, items: [sum(items)] })));
    expect(isScattered(both)).toBe(false);
    const sent = structuredClone(both);
    expect(itemsOf(sent)).toEqual(itemsOf(both));
  });

  it('is drawn together where groups are in many pieces, and not where each has its own', () => {
    const of = (groups: number) => {
      const attic = createAttic();
      const stower = createStower(attic, numbers);
      for (let n = 0; n < 100_100; n++) stower.put(`g${n % groups}`, { n }, 1);
      return attic;
    };
    expect([of(7), of(100_100)].map(isScattered)).toEqual([true, false]);
  });
});

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

const RULES: TakeRules = {
  bands: CATALOGUE_BANDS,
  selection: { models: [], providers: [], users: [] },
  dedupe: false,
  by: 'user',
  timezone: 'UTC',
};
const assessed = (tally: Tally) =>
  assess({
    tally,
    intake: createIntake(),
    legacy: {
      configured: configBook({ dear: { input: 3, output: 9 } }),
      catalogue: undefined,
      provider: undefined,
      baseUrl: undefined,
    },
    target: {
      side: {
        configured: configBook({ dear: { input: 1, output: 2 }, told: { input: 1, output: 1 } }),
        catalogue: undefined,
        provider: undefined,
        baseUrl: undefined,
      },
      models: {},
      tokenDrift: {},
    },
    whatIf: {},
    thresholds: { high: 30, medium: 15 },
    by: 'user',
    zone: createZone('UTC'),
    cut: {},
    migration: undefined,
    partial: false,
    now: Date.UTC(2026, 10, 1),
    seed: 1,
    notes: [],
  });

describe('very many users', () => {
  const USERS = 25_000;
  const recordAt = (i: number, users = USERS): UsageRecord => {
    const user = (i * 7919) % users;
    const failed = i % 11 === 0;
    return {
      at: Date.UTC(2026, 5, 1) + i * 20_000,
      provider: 'one',
      model: ['dear', 'told', 'unknown'][i % 3] as string,
      inputTokens: 100 + (i % 997),
      cachedInputTokens: 0,
      outputTokens: i % 131,
      latencyMs: (i * 37) % 5000,
      status: failed ? 'timeout' : 'ok',
      user: `customer ${user}`,
      ...(i % 3 === 1 && !failed && { costUsd: 0.001 * (i % 7) }),
    };
  };
  const COUNT = 105_000;

  it('have the figures that each has alone, and the whole those of all', () => {
    const taker = createTaker(RULES);
    const expected = new Map<
      string,
      {
        requests: number;
        errors: number;
        tokens: number;
        times: number[];
        now: number;
        later: number;
        priced: boolean;
      }
    >();
    let tokens = 0;
    for (let i = 0; i < COUNT; i++) {
      const record = recordAt(i);
      taker.accept(record);
      const { user = '', inputTokens, outputTokens, status, costUsd = 0, model } = record;
      const own = expected.get(user) ?? {
        requests: 0,
        errors: 0,
        tokens: 0,
        times: [],
        now: 0,
        later: 0,
        priced: false,
      };
      expected.set(user, own);
      const ok = status === 'ok';
      own.requests++;
      own.errors += ok ? 0 : 1;
      own.tokens += inputTokens + outputTokens;
      tokens += inputTokens + outputTokens;
      if (ok) own.times.push(record.latencyMs as number);
      own.priced ||= model !== 'unknown';
      if (!ok || model === 'unknown') continue;
      own.now += model === 'dear' ? (inputTokens * 3 + outputTokens * 9) / 1e6 : costUsd;
      own.later += (inputTokens + outputTokens * (model === 'dear' ? 2 : 1)) / 1e6;
    }
    expect(taker.isTooMuch()).toBe(true);
    const { groups, tokens: all, requests, latencyMs } = assessed(taker.tally);
    expect(all.total).toBe(tokens);
    expect(requests.total).toBe(COUNT);
    expect(latencyMs?.p50).toBe(
      quantile(
        [...expected.values()].flatMap(({ times }) => times).sort((a, b) => a - b),
        0.5,
      ),
    );
    expect(groups?.groups.length).toBe(USERS);
    let before = Number.POSITIVE_INFINITY;
    let inOrder = true;
    let seen = 0;
    for (const group of groups?.groups ?? []) {
      const own = expected.get(group.key);
      inOrder &&= group.tokens <= before;
      before = group.tokens;
      if (seen++ % 50 !== 0) continue;
      expect(group).toEqual({
        key: group.key,
        requests: own?.requests,
        errors: own?.errors,
        tokens: own?.tokens,
        latencyMs:
          own?.times.length === 0
            ? null
            : expect.objectContaining({
                p50: quantile(
                  (own?.times ?? []).sort((a, b) => a - b),
                  0.5,
                ),
              }),
        ttftMs: null,
        currentUsd: own?.priced ? expect.closeTo(own.now, 12) : null,
        projectedUsd: own?.priced ? expect.closeTo(own.later, 12) : null,
      });
    }
    expect([seen, inOrder]).toEqual([USERS, true]);
    expect(groups?.groups.slice(0, 2)).toEqual([...(groups?.groups ?? [])].slice(0, 2));
  }, 240_000);

  it('in two tallies are the same together', () => {
    const [one, two, whole] = [createTaker(RULES), createTaker(RULES), createTaker(RULES)];
    // Each of them has used all three models.
    const users = 10_007;
    for (let i = 0; i < 4 * users; i++) {
      // One has few groups, and no attic.
      (i < 3000 ? one : two).accept(recordAt(i, users));
      whole.accept(recordAt(i, users));
    }
    expect([one, two, whole].map((taker) => taker.isTooMuch())).toEqual([false, true, true]);
    joinTally(one.tally, two.tally);
    const [joined, alone] = [assessed(one.tally), assessed(whole.tally)];
    expect([...(joined.groups?.groups ?? [])].slice(0, 500)).toEqual(
      [...(alone.groups?.groups ?? [])].slice(0, 500),
    );
    expect({ ...joined, groups: null }).toEqual({ ...alone, groups: null });
  }, 240_000);
});

describe('very many models', () => {
  it('are told apart up to a number; the others are one, and that is said', () => {
    const taker = createTaker({ ...RULES, by: undefined });
    for (let i = 0; i < MAX_MODELS + 500; i++) {
      taker.accept({
        at: Date.UTC(2026, 5, 1) + i * 1000,
        model: `model ${i}`,
        inputTokens: 10,
        cachedInputTokens: 0,
        outputTokens: 0,
        status: 'ok',
      });
    }
    const { models, notes, tokens, unpriced } = assessed(taker.tally);
    expect(models).toHaveLength(MAX_MODELS + 1);
    expect(models[0]).toMatchObject({ model: OTHER_MODELS, requests: 500, tokens: 5000 });
    expect(tokens.total).toBe(10 * (MAX_MODELS + 500));
    expect(unpriced).toHaveLength(MAX_MODELS + 1);
    expect(notes.join()).toContain(`more than 10,000 different models`);
  }, 240_000);
});
