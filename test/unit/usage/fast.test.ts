import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Column, chunksOf } from '../../../src/assess/column.ts';
import { add, type Sum, sumValue } from '../../../src/assess/sum.ts';
import { createTaker } from '../../../src/assess/taker.ts';
import { CATALOGUE_BANDS } from '../../../src/pricing/bands.ts';
import { createFast } from '../../../src/usage/fast/fast.ts';
import { native } from '../../../src/usage/formats/native.ts';
import { createIntake, type Reject } from '../../../src/usage/intake.ts';
import { readSource } from '../../../src/usage/read.ts';
import type { UsageRecord } from '../../../src/usage/record.ts';
import { seeded } from '../canary/pairs.ts';

/** The fast way through a log has to give what the slow way gives, whatever stands in the log. */

const PLAIN =
  '{"id":"r1","timestamp":"2026-08-20T10:00:00.120Z","provider":"openai","model":"gpt-4.1","input_tokens":1400,' +
  '"cached_input_tokens":1024,"output_tokens":250,"latency_ms":2350.5,"ttft_ms":490.25,"status":200,"cost":0.00213,"user":"u1"}';
/** Long enough for the format to be known, from 64 KiB, before the lines that matter. */
const HEAD = `${PLAIN}\n`.repeat(Math.ceil(66_000 / PLAIN.length));

const space = fc.constantFrom('', '', '', ' ', '\t', '  ');
const number = fc.oneof(
  fc.nat(100_000).map(String),
  fc.double({ min: 0, max: 1e6, noNaN: true }).map(String),
  fc.tuple(fc.nat(99_999), fc.nat(999_999_999)).map(([whole, part]) => `${whole}.${part}`),
  fc.constantFrom(
    ...[
      '-0',
      '0',
      '-1',
      '1e3',
      '1E+2',
      '1.5e-3',
      '1e400',
      '9007199254740993',
      '123456789012345678901234567890',
    ],
    ...[
      '0.1',
      '0.30000000000000004',
      '1.7976931348623157e308',
      '5e-324',
      '00',
      '01',
      '+1',
      '.5',
      '1.',
      '1e',
      'NaN',
    ],
    ...[
      'Infinity',
      'null',
      'true',
      '"12"',
      '"abc"',
      '[]',
      '{}',
      '""',
      '1 ',
      '2.2250738585072011e-308',
      '4e-7',
    ],
  ),
);
const text = fc.oneof(
  fc.constantFrom(
    '"gpt-4.1"',
    '"gpt-4.1-mini"',
    '"a\\u0062c"',
    '"\\ud83d\\ude00"',
    '"\\"q\\""',
    '"\\\\"',
    '"ü漢😀"',
    '""',
  ),
  fc.string({ maxLength: 12 }).map((value) => JSON.stringify(value)),
  fc.constantFrom('null', '1', 'true', '"x', '"\u0001"', '"\\x"', '"\\u12"'),
);
const time = fc.oneof(
  fc
    .date({ min: new Date('2001-01-01'), max: new Date('2038-01-01'), noInvalidDate: true })
    .map((d) => `"${d.toISOString()}"`),
  fc.integer({ min: 1_000_000_000, max: 2_000_000_000 }).map(String),
  fc.integer({ min: 1_000_000_000_000, max: 2_000_000_000_000 }).map(String),
  fc.constantFrom(
    ...[
      '"2026-08-20T10:00:00Z"',
      '"2026-08-20 10:00:00"',
      '"2026-08-20T10:00:00+02:00"',
      '"2026-02-30T10:00:00Z"',
    ],
    ...[
      '"2026-08-20"',
      '"yesterday"',
      'null',
      '""',
      '"2026-08-20T24:00:00Z"',
      '"2026-13-01T00:00:00.000Z"',
      '1e12',
      '-5',
    ],
    ...[
      '"2026-08-20T10:00:00.123456Z"',
      '"2026-08-20T10:00:60.000Z"',
      '"2026-08-20T10:00:00.120z"',
      '1787220000.12',
    ],
  ),
);
const status = fc.constantFrom(
  '200',
  '201',
  '429',
  '500',
  '"ok"',
  '"timeout"',
  '"200"',
  'null',
  '"rate_limit"',
  '99',
  '1000',
  '"\\u006fk"',
  '-200',
  '200.5',
);

const FIELDS: [string, fc.Arbitrary<string>][] = [
  ['id', text],
  ['timestamp', time],
  ['provider', text],
  ['model', text],
  ['input_tokens', number],
  ['cached_input_tokens', number],
  ['output_tokens', number],
  ['latency_ms', number],
  ['ttft_ms', number],
  ['status', status],
  ['cost', number],
  ['user', text],
];

/** A line like the plain one, with some values replaced, keys moved, doubled, added or left out, and white space. */
const line = fc
  .record({
    values: fc.tuple(...FIELDS.map(([, value]) => fc.option(value, { nil: undefined, freq: 3 }))),
    order: fc.option(fc.shuffledSubarray([...FIELDS.keys()], { minLength: 0 }), { nil: undefined, freq: 2 }),
    double: fc.option(fc.nat(11), { nil: undefined, freq: 5 }),
    extra: fc.option(
      fc.constantFrom(
        '"x":{"model":"no","a":[1,{"b":"}"}]}',
        '"meta":null',
        '"model ":1',
        '"mod\\u0065l":"esc"',
        '"":0',
        // What the kernel has no place for.
        '"reasoning_tokens":5',
        '"audio_input_tokens":7',
        '"cache_write_1h_input_tokens":2',
        '"cache_write_input_tokens":null',
        '"searches":"x"',
        '"service_tier":"flex"',
        '"service\\u005ftier":"batch"',
      ),
      {
        nil: undefined,
        freq: 2,
      },
    ),
    gap: space,
    cut: fc.option(fc.nat(300), { nil: undefined, freq: 12 }),
    end: fc.constantFrom('\n', '\n', '\n', '\r\n', ' \n', '\n\n', '}\n', ',\n'),
  })
  .map(({ values, order, double, extra, gap, cut, end }) => {
    const base = JSON.parse(PLAIN) as Record<string, unknown>;
    const entry = (i: number) => {
      const name = FIELDS[i]?.[0] as string;
      return `${gap}"${name}"${gap}:${gap}${values[i] ?? JSON.stringify(base[name])}`;
    };
    const entries = (order ?? [...FIELDS.keys()]).map(entry);
    if (double !== undefined) entries.push(entry(double));
    if (extra !== undefined) entries.splice(entries.length >> 1, 0, extra);
    const whole = `{${entries.join(`${gap},`)}${gap}}`;
    return (cut === undefined ? whole : whole.slice(0, cut)) + end;
  });
const oddLine = fc.constantFrom(
  '\n',
  'not json\n',
  '[]\n',
  '"text"\n',
  '{}\n',
  '\ufeff{}\n',
  '{"a":1}{"b":2}\n',
  'null\n',
  '\u0000\n',
);
const log = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: line },
    { weight: 2, arbitrary: fc.constant(`${PLAIN}\n`) },
    { weight: 1, arbitrary: oddLine },
  ),
  {
    minLength: 1,
    maxLength: 25,
  },
);

async function* chunks(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function readRecords(bytes: Buffer, size: number, fast: boolean) {
  const intake = createIntake();
  const records: UsageRecord[] = [];
  const rejects: Reject[] = [];
  let fault: unknown;
  try {
    await readSource(
      { name: 'log', bytes: chunks(bytes, size) },
      {
        formats: [native],
        intake,
        accept: (record) => {
          records.push({ ...record });
          return undefined;
        },
        onReject: (reject) => rejects.push(reject),
        ...(fast ? { fast: createFast({ wants: { id: true, user: true }, minBytes: 0 }) } : {}),
      },
    );
  } catch (error) {
    fault = (error as Error).message;
  }
  return { records, rejects, intake, fault };
}

async function readTally(bytes: Buffer, fast: boolean, timezone = 'UTC') {
  const taker = createTaker({
    bands: CATALOGUE_BANDS,
    selection: { models: [], providers: [], users: [] },
    dedupe: false,
    by: undefined,
    timezone,
  });
  const intake = createIntake();
  await readSource(
    { name: 'log', bytes: chunks(bytes, 65_536) },
    {
      formats: [native],
      intake,
      accept: taker.accept,
      ...(fast
        ? { bundles: taker.bundles, fast: createFast({ wants: { id: false, user: false }, minBytes: 0 }) }
        : {}),
    },
  ).catch((error: unknown) => error);
  return { intake, tally: JSON.stringify(taker.tally, plain) };
}

/** Columns and sums may be laid out otherwise; what they come to is compared by their values. */
function plain(key: string, value: unknown): unknown {
  if (key === 'reportedUsd') return doublesOf(value as Sum);
  if (key === 'latency' || key === 'ttft') {
    const values = chunksOf(value as Column).flatMap((chunk) =>
      Array.from(chunk, (each) => (chunk instanceof Uint32Array ? each / 1000 : each)),
    );
    return values.sort((a, b) => a - b);
  }
  // The order of the classes shows where there are too many of them.
  return value instanceof Map ? [...value].sort() : value;
}

/** The sum as the double next to it, the double next to what that lacks, and so on: two sums are the same or differ. */
function doublesOf(sum: Sum): number[] {
  const left = structuredClone(sum);
  const doubles: number[] = [];
  for (let next = sumValue(left); next !== 0; next = sumValue(left)) {
    doubles.push(next);
    add(left, -next);
  }
  return doubles;
}

const buffer = (lines: string[]) => Buffer.from(HEAD + lines.join(''), 'utf8');

describe('the fast way through a log', () => {
  it('gives the records and rejects of the slow one, in order, with their lines', async () => {
    await fc.assert(
      fc.asyncProperty(log, fc.integer({ min: 1000, max: 90_000 }), async (lines, size) => {
        const bytes = buffer(lines);
        expect(await readRecords(bytes, size, true)).toEqual(await readRecords(bytes, size, false));
      }),
      { numRuns: 60 },
    );
  }, 60_000);

  it('takes invalid UTF-8 as the slow one does', async () => {
    const cell = Buffer.from(PLAIN.replace('gpt-4.1', 'gpt\u00ff'), 'latin1');
    const bytes = Buffer.concat([Buffer.from(HEAD), cell, Buffer.from('\n'), Buffer.from(`${PLAIN}\n`)]);
    expect(await readRecords(bytes, 65_536, true)).toEqual(await readRecords(bytes, 65_536, false));
  });

  it('sums records up to what they add up to one by one', async () => {
    await fc.assert(
      fc.asyncProperty(log, async (lines) => {
        const bytes = buffer(lines);
        expect(await readTally(bytes, true)).toEqual(await readTally(bytes, false));
      }),
      { numRuns: 40 },
    );
  }, 60_000);

  it('sums up many kinds, days, sizes and costs as one by one', async () => {
    await fc.assert(
      fc.asyncProperty(varied, async ({ timezone, ...variety }) => {
        const bytes = Buffer.from(HEAD + variedLines(variety), 'utf8');
        expect(await readTally(bytes, true, timezone)).toEqual(await readTally(bytes, false, timezone));
      }),
      { numRuns: 4, examples: [[{ ...TOO_MANY_CLASSES }]] },
    );
  }, 240_000);
});

/** How much there is of what tells records apart; up to more than the kernel has room for at once. */
const varied = fc.record({
  seed: fc.nat(),
  models: fc.constantFrom(1, 5, 300),
  providers: fc.constantFrom(1, 2, 40),
  statuses: fc.constantFrom(1, 6, 250),
  days: fc.constantFrom(1, 30, 9000),
  /** One of so many costs, latencies and lines is unusual. */
  unusual: fc.constantFrom(2, 20, 1e9),
  timezone: fc.constantFrom('UTC', 'Asia/Kolkata', 'America/St_Johns', 'Pacific/Apia'),
});

/** Which of them are lumped depends on their order in the log. */
const TOO_MANY_CLASSES = {
  seed: 1,
  models: 1,
  providers: 1,
  statuses: 250,
  days: 30,
  unusual: 2,
  timezone: 'UTC',
};

function variedLines(
  variety: Omit<typeof varied extends fc.Arbitrary<infer T> ? T : never, 'timezone'>,
): string {
  const random = seeded(variety.seed);
  const below = (limit: number) => Math.floor(random() * limit);
  const pick = <T>(values: readonly T[]) => values[below(values.length)] as T;
  const isUnusual = () => below(variety.unusual) === 0;
  const start = Date.UTC(2025, 2, 8);
  const lines = Array.from({ length: 6000 }, () => {
    const size = pick([10, 127_999, 128_000, 128_001, 199_999, 200_000, 200_001, 272_000, 5_000_000]);
    const fields = [
      `"timestamp":"${new Date(start + below(variety.days * 86_400_000)).toISOString()}"`,
      `"provider":"p${below(variety.providers)}"`,
      `"model":"m${below(variety.models)}"`,
      `"input_tokens":${size}`,
      `"cached_input_tokens":${below(10)}`,
      `"output_tokens":${below(1000)}`,
      `"latency_ms":${isUnusual() ? pick(['0.0001', '5000000.5', '1e2', '12.34567', '0']) : below(1e6) / 1000}`,
      `"ttft_ms":${isUnusual() ? 'null' : below(1e6) / 1000}`,
      `"status":${below(3) > 0 ? 200 : pick(['"cancelled"', '500', ...Array(8).fill(`"class ${below(variety.statuses)}"`)])}`,
      `"cost":${isUnusual() ? pick(['1e-9', '123456789012', '0', 'null', '0.1', '3.0000000000000001e-7']) : below(1e6) / 1e8}`,
    ];
    // Some of them no kernel understands.
    if (isUnusual())
      fields.push(
        pick([
          '"not\\u0065":1',
          '"mod\\u0065l":"x"',
          '"deep":{"a":[{}]}',
          '"timestamp":null',
          '"model":""',
          '"status":" "',
        ]),
      );
    return `{${fields.join(',')}}\n`;
  });
  return lines.join('');
}

describe('ids', () => {
  const timeOf = async (idAt: (i: number) => string) => {
    const lines = Array.from({ length: 60_000 }, (_, i) => PLAIN.replace('"r1"', JSON.stringify(idAt(i))));
    const bytes = Buffer.from(`${HEAD}${lines.join('\n')}\n`);
    const ids = new Set<string | undefined>();
    const began = process.cpuUsage().user;
    await readSource(
      {
        name: 'ids',
        bytes: (async function* () {
          yield bytes;
        })(),
      },
      {
        formats: [native],
        intake: createIntake(),
        fast: createFast({ wants: { id: true, user: true }, minBytes: 0 }),
        accept: ({ id }) => void ids.add(id),
      },
    );
    expect(ids.size).toBe(60_001);
    return process.cpuUsage().user - began;
  };

  it('that differ in their middle only take no longer than others', async () => {
    await timeOf((i) => `req-${i}`);
    const others = await timeOf((i) => `${String(i * 7919).padStart(9, '0')}-request-abcdef`);
    const alike = await timeOf((i) => `request-${String(i).padStart(9, '0')}-abcdefgh`);
    // With only their ends in the hash it is ten times as much.
    expect(alike / others).toBeLessThan(4);
  });
});
