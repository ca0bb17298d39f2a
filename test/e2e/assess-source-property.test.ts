import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createAdder } from '../../src/assess/adder.ts';
import { assess } from '../../src/assess/assess.ts';
import type { Assessment } from '../../src/assess/assessment.ts';
import { CURVE_SHARES, latencyCurves } from '../../src/assess/curves.ts';
import { type Grouping, groupKey } from '../../src/assess/groups.ts';
import type { PriceSide } from '../../src/assess/prices.ts';
import { PERCENTILE_SHARES } from '../../src/assess/spreads.ts';
import { addSpreads, addSum } from '../../src/assess/sums.ts';
import { createTally } from '../../src/assess/tally.ts';
import { type ClickHouseTable, clickhouseTable } from '../../src/config/clickhouse.ts';
import { CATALOGUE_BANDS } from '../../src/pricing/bands.ts';
import { loadCatalogue } from '../../src/pricing/catalogue.ts';
import { createClickHouse, type RunQuery } from '../../src/usage/clickhouse/client.ts';
import { readTable } from '../../src/usage/clickhouse/read.ts';
import { BESIDES, native } from '../../src/usage/formats/native.ts';
import { createIntake, type Intake } from '../../src/usage/intake.ts';
import { readSource } from '../../src/usage/read.ts';
import {
  AFTER_UNTIL,
  BEFORE_SINCE,
  createDeduplicator,
  createSelector,
  type Selection,
  WITHOUT_TIME,
} from '../../src/usage/select.ts';
import { createZone } from '../../src/usage/zone.ts';
import { type ClickHouseServer, hasClickHouse, startClickHouse } from '../servers/clickhouse.ts';
import { differences } from './close.ts';

/** One line of a log under the native names; null stands for a field that is missing. */
type Line = Record<(typeof NAMES)[number], string | number | null>;
const NAMES = [
  'id',
  'timestamp',
  'provider',
  'model',
  'input_tokens',
  'cached_input_tokens',
  'output_tokens',
  'latency_ms',
  'ttft_ms',
  'status',
  'cost',
  'user',
  ...BESIDES,
] as const;

const START = Date.UTC(2026, 2, 27);
/** Over the change to summer time. Few days, and mostly one model, so that records share their days and bands. */
const SPAN = 4 * 86_400_000;
const ZONES = ['UTC', 'Europe/Berlin', 'Asia/Kolkata'] as const;
/** With tiers above 200,000 tokens, without tiers, with off-peak hours, and without a price. */
const MODELS = [
  ['gemini-2.5-pro', 'google'],
  ['gpt-4.1-mini', 'openai'],
  ['deepseek-chat', 'deepseek'],
  ['claude-sonnet-4-5', 'anthropic'],
  ["we'ird\\mo`del\t日本", 'nobody'],
] as const;

const mostly = <T>(first: T, ...others: T[]) =>
  fc.oneof(
    { weight: 6, arbitrary: fc.constant(first) },
    { weight: 1, arbitrary: fc.constantFrom(...others) },
  );
const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { freq: 6 });
/** Half of them next to a midnight of the zones or to a change of the catalogue's off-peak prices. */
const moments = fc.oneof(
  fc.integer({ min: START, max: START + SPAN }),
  fc
    .tuple(fc.integer({ min: 0, max: 3 }), fc.constantFrom(0, 16.5, 18.5, 22, 23), fc.constantFrom(-1, 0, 1))
    .map(([day, hour, off]) => START + day * 86_400_000 + hour * 3_600_000 + off),
);
const figures = fc.record({
  id: maybe(fc.integer({ min: 1, max: 400 }).map((n) => `request-${n}`)),
  timestamp: maybe(moments.map((at) => new Date(at).toISOString())),
  input_tokens: fc.oneof(
    fc.integer({ min: 1000, max: 4000 }),
    fc.constantFrom(1000, 128_000, 128_001, 199_999, 200_000, 200_001, 272_001, 900_000),
  ),
  cached_input_tokens: maybe(fc.integer({ min: 0, max: 1000 })),
  output_tokens: fc.integer({ min: 0, max: 2000 }),
  latency_ms: maybe(
    fc.oneof(fc.integer({ min: 1, max: 9000 }), fc.double({ min: 0.001, max: 9000, noNaN: true })),
  ),
  ttft_ms: maybe(fc.integer({ min: 1, max: 2000 })),
  status: mostly<number | null>(200, 201, 429, 500, 499, 408, null),
  cost: maybe(fc.oneof(fc.constant(0), fc.double({ min: 1e-7, max: 0.01, noNaN: true }))),
  user: mostly<string | null>(null, 'ann', 'bob', '100%_bob'),
  service_tier: mostly<string | null>(null, 'default', 'Flex', ' batch ', 'priority', 'scale', ''),
});

const SHARES = [
  'cache_write_input_tokens',
  'cache_write_1h_input_tokens',
  'audio_input_tokens',
  'cached_audio_input_tokens',
  'image_input_tokens',
  'cached_image_input_tokens',
  'audio_output_tokens',
  'image_output_tokens',
  'reasoning_tokens',
  'searches',
] as const;
/** Shares of the tokens that are of a dimension; null where it is not told. */
const shares = fc.record(
  Object.fromEntries(
    SHARES.map((name) => [name, fc.option(fc.constantFrom(0, 0.1, 0.4, 0.7, 1), { freq: 2 })]),
  ) as Record<(typeof SHARES)[number], fc.Arbitrary<number | null>>,
);

/** A line that tells dimensions, which fit into its tokens. */
function withDimensions<
  T extends { input_tokens: number; cached_input_tokens: number | null; output_tokens: number },
>(
  line: T,
  of: Record<(typeof SHARES)[number], number | null>,
  told: boolean,
): T & Record<(typeof SHARES)[number], number | null> {
  const { input_tokens: input, cached_input_tokens: cached, output_tokens: output } = line;
  const count = (name: (typeof SHARES)[number], most: number) =>
    of[name] === null || !told ? null : Math.floor((of[name] as number) * most);
  const room = input - (cached ?? 0);
  const written = count('cache_write_input_tokens', room);
  const [audio, image] = [count('audio_input_tokens', input * 0.4), count('image_input_tokens', input * 0.6)];
  return {
    ...line,
    cache_write_input_tokens: written,
    cache_write_1h_input_tokens: count('cache_write_1h_input_tokens', written ?? Math.min(50, room)),
    audio_input_tokens: audio,
    cached_audio_input_tokens: count('cached_audio_input_tokens', Math.min(audio ?? 0, (cached ?? 0) / 2)),
    image_input_tokens: image,
    cached_image_input_tokens: count('cached_image_input_tokens', Math.min(image ?? 0, (cached ?? 0) / 2)),
    audio_output_tokens: count('audio_output_tokens', output * 0.4),
    image_output_tokens: count('image_output_tokens', output * 0.4),
    reasoning_tokens: count('reasoning_tokens', output * 0.2),
    searches: count('searches', 5),
  };
}

/** Which provider's price is named first depends on the order of records without a time: a model has one provider. */
const sound: fc.Arbitrary<Line> = fc
  .tuple(
    figures,
    mostly<readonly [string, string]>(MODELS[0], ...MODELS),
    mostly<boolean>(false, true),
    shares,
    fc.boolean(),
  )
  .map(([line, [model, provider], named, of, told]) => ({
    ...withDimensions(line, of, told),
    model,
    provider: named ? provider : null,
  }));

const differently = (field: Line['id'][], name: (typeof NAMES)[number]) =>
  fc.tuple(sound, fc.constantFrom(...field)).map(([line, value]) => ({ ...line, [name]: value }));

/** Lines as a log of numbers may hold them. */
const numeric = fc.oneof(
  { weight: 12, arbitrary: sound },
  { weight: 1, arbitrary: differently([-1, null, 2e12], 'input_tokens') },
  { weight: 1, arbitrary: differently([-5, 8 * 86_400_000, 2.35, 0.1], 'latency_ms') },
  { weight: 1, arbitrary: differently([-0.5], 'cost') },
  { weight: 1, arbitrary: differently([9000], 'cache_write_1h_input_tokens') },
  { weight: 1, arbitrary: differently([2500, 9000], 'image_input_tokens') },
  { weight: 1, arbitrary: differently([700], 'cached_audio_input_tokens') },
  { weight: 1, arbitrary: differently([1200, 9000], 'reasoning_tokens') },
  { weight: 1, arbitrary: differently([''], 'model') },
);
/** Lines whose every field is text. */
const textual = fc
  .oneof(
    { weight: 20, arbitrary: sound },
    { weight: 1, arbitrary: differently(['1.5', 'x', '-3', ' 12 ', '1e3', '.5', '1e400'], 'output_tokens') },
    {
      weight: 1,
      arbitrary: differently(['nan', 'inf', '0x10', '12.25', '+7', '9e-1', '1_000'], 'latency_ms'),
    },
    {
      weight: 2,
      arbitrary: differently(
        [
          'yesterday',
          '1774700000',
          '1774700000.25',
          '1774700000123',
          '1774700000123456',
          '1774700000123456789',
          '2026-03-28',
          '2026-03-28 10:11',
          '2026-03-28T10:11:12,5+05:30',
          '2026-03-28 10:11:12.123456 UTC',
          '2026-03-28T10:11:12-0300',
          '1971-01-01T00:00:00Z',
          '20260328',
        ],
        'timestamp',
      ),
    },
    {
      weight: 2,
      arbitrary: differently(
        ['ok', ' Success ', 'completed', 'boom', 'RATE_LIMIT', 'cancelled', '99', '503'],
        'status',
      ),
    },
    { weight: 1, arbitrary: differently(['   ', ''], 'model') },
  )
  .map((line) => {
    const texts = Object.entries(line).map(([name, value]) => [name, value === null ? null : String(value)]);
    return Object.fromEntries(texts) as Line;
  });

interface Asked {
  selection: Selection;
  by: Grouping | undefined;
  dedupe: boolean;
  zone: (typeof ZONES)[number];
}
const asked: fc.Arbitrary<Asked> = fc.record({
  selection: fc.record({
    models: fc.constantFrom([], ['gpt-4.1-mini', "we'ird*"], ['*o*']),
    providers: fc.constantFrom([], ['openai'], ['']),
    users: fc.constantFrom([], ['100%_*', 'ann'], ['b_b']),
  }),
  by: fc.constantFrom(undefined, 'model', 'user', 'day', 'hour'),
  dedupe: fc.boolean(),
  zone: fc.constantFrom(...ZONES),
});
/** Rows outside the time range are not looked at, so their faults are not found: only sound lines have a range. */
const ranged = fc
  .tuple(asked, maybe(fc.integer({ min: -1000, max: SPAN })), maybe(fc.integer({ min: 1, max: SPAN })))
  .map(([question, from, length]) => {
    const since = from === null ? undefined : START + from;
    const until = length === null ? undefined : (since ?? START) + length;
    const range = { ...(since === undefined ? {} : { since }), ...(until === undefined ? {} : { until }) };
    return { ...question, selection: { ...question.selection, ...range } };
  });

describe.skipIf(!hasClickHouse())('a table in ClickHouse', () => {
  let server: ClickHouseServer;
  let run: RunQuery;
  let catalogue: PriceSide['catalogue'];
  beforeAll(async () => {
    server = await startClickHouse();
    run = createClickHouse({
      url: server.url,
      user: undefined,
      password: undefined,
      timeoutMs: 60_000,
      signal: new AbortController().signal,
      redact: (text) => text,
    });
    await server.run("SET date_time_input_format = 'best_effort'");
    await server.run('CREATE DATABASE logs');
    catalogue = await loadCatalogue();
  });
  afterAll(() => server?.stop());

  const judge = (tally: ReturnType<typeof createTally>, intake: Intake, { by, zone, selection }: Asked) => {
    const side: PriceSide = { configured: undefined, catalogue, provider: undefined, baseUrl: undefined };
    const document: Assessment = assess({
      tally,
      intake,
      legacy: side,
      target: { side, models: { '*': 'gpt-4.1-nano' }, tokenDrift: {} },
      whatIf: {},
      thresholds: { high: 30, medium: 15 },
      by,
      zone: createZone(zone),
      cut: selection,
      migration: { stages: 6, margin: 0.005 },
      partial: false,
      now: START + SPAN,
      seed: 1,
      notes: [],
    });
    return {
      document,
      curves: latencyCurves(
        tally,
        MODELS.map(([model]) => model),
      ),
    };
  };

  const fromFile = async (lines: readonly Line[], question: Asked) => {
    const zone = createZone(question.zone);
    const tally = createTally(CATALOGUE_BANDS);
    const intake = createIntake();
    const rules = { groupOf: groupKey(question.by, zone), dayOf: zone.dayOf };
    const select = createSelector(question.selection);
    const { add } = createAdder(tally, rules);
    const repeated = question.dedupe ? createDeduplicator() : () => undefined;
    async function* bytes() {
      yield Buffer.from(lines.map((line) => JSON.stringify(line)).join('\n'));
    }
    await readSource(
      { name: 'log', bytes: bytes() },
      {
        formats: [native],
        intake,
        accept: (record) => {
          const why = select(record) ?? repeated(record);
          if (why === undefined) add(record);
          return why;
        },
      },
    );
    return judge(tally, intake, question);
  };

  const fromTable = async (table: ClickHouseTable, question: Asked) => {
    const zone = createZone(question.zone);
    const tally = createTally(CATALOGUE_BANDS);
    const usage = await readTable(
      run,
      table,
      { ...question.selection, ...question, timezone: question.zone, bands: CATALOGUE_BANDS },
      [...new Set([...PERCENTILE_SHARES, ...CURVE_SHARES])],
      { absent: WITHOUT_TIME, before: BEFORE_SINCE, after: AFTER_UNTIL },
    );
    const rules = { groupOf: groupKey(question.by, zone), dayOf: zone.dayOf };
    for (const sum of usage.sums) addSum(tally, sum, rules);
    addSpreads(tally, usage.spreads, question.by && rules.groupOf);
    return judge(tally, usage.intake, question);
  };

  const store = async (name: string, columns: string, lines: readonly Line[]) => {
    await server.run(`DROP TABLE IF EXISTS logs.${name}`);
    await server.run(`CREATE TABLE logs.${name} (${columns}) ENGINE = MergeTree ORDER BY tuple()`);
    const rows = lines.map((line) => JSON.stringify(line)).join('\n');
    await server.run(`INSERT INTO logs.${name} FORMAT JSONEachRow ${rows}`);
    return clickhouseTable.parse({ database: 'logs', table: name });
  };

  /** The earliest of several records with one id is the first in a file that is in order; so is the test's. */
  const inOrder = (lines: readonly Line[]) =>
    lines
      .filter(
        (line, i) =>
          line.id === null ||
          lines.findIndex((other) => other.id === line.id && other.timestamp === line.timestamp) === i,
      )
      .sort((a, b) => timeOf(a) - timeOf(b));
  const timeOf = ({ timestamp }: Line) => (timestamp === null ? Infinity : Date.parse(String(timestamp)));

  it('gives the same report as a file with the same records, figure by figure', async () => {
    const columns = `id Nullable(String), timestamp Nullable(DateTime64(3, 'UTC')), provider LowCardinality(Nullable(String)),
      model LowCardinality(String), input_tokens Nullable(Int64), cached_input_tokens Nullable(Int32),
      output_tokens UInt32, latency_ms Nullable(Float64), ttft_ms Nullable(UInt32), status Nullable(UInt16),
      cost Nullable(Float64), user LowCardinality(Nullable(String)), service_tier LowCardinality(Nullable(String)),
      ${BESIDES.filter((name) => name !== 'service_tier')
        .map((name) => `${name} Nullable(UInt32)`)
        .join(', ')}`;
    const lines = (line: fc.Arbitrary<Line>) => fc.array(line, { minLength: 1, maxLength: 300, size: 'max' });
    const property = fc.asyncProperty(
      fc.oneof(fc.tuple(lines(numeric), asked), fc.tuple(lines(sound), ranged)),
      async ([unordered, question]) => {
        const log = inOrder(unordered);
        const table = await store('numbers', columns, log);
        expect(differences(await fromTable(table, question), await fromFile(log, question))).toEqual([]);
      },
    );
    await fc.assert(property, { numRuns: 40, interruptAfterTimeLimit: 60_000 });
  }, 120_000);

  it('reads text as files are read: the same numbers, times and statuses, and the same faults', async () => {
    const columns = NAMES.map((name) => `${name} ${name === 'model' ? 'String' : 'Nullable(String)'}`).join(
      ', ',
    );
    const property = fc.asyncProperty(
      fc.array(textual, { minLength: 1, maxLength: 200, size: 'max' }),
      asked.map((question) => ({ ...question, dedupe: false })),
      async (log, question) => {
        const table = await store('texts', columns, log);
        const [mine, theirs] = [await fromTable(table, question), await fromFile(log, question)];
        expect(differences(mine, theirs)).toEqual([]);
      },
    );
    await fc.assert(property, { numRuns: 25, interruptAfterTimeLimit: 60_000 });
  }, 120_000);
});
