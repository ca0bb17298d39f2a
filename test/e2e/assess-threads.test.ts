import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { assess } from '../../src/assess/assess.ts';
import { latencyCurves } from '../../src/assess/curves.ts';
import { createTaker, type TakeRules } from '../../src/assess/taker.ts';
import { lumps, mergeTally, type Tally } from '../../src/assess/tally.ts';
import { CATALOGUE_BANDS } from '../../src/pricing/bands.ts';
import { type Crew, startCrew } from '../../src/usage/fast/crew.ts';
import { createFast, type Fast } from '../../src/usage/fast/fast.ts';
import { FORMATS } from '../../src/usage/formats/index.ts';
import { native } from '../../src/usage/formats/native.ts';
import { createIntake } from '../../src/usage/intake.ts';
import { readAll } from '../../src/usage/read-all.ts';
import { createZone } from '../../src/usage/zone.ts';

/** Several threads have to give what one gives, whatever stands in a log and wherever it is divided. */

const ENTRY = new URL('../../dist/assess-worker.cjs', import.meta.url);
const DAY_MS = 86_400_000;
const NEVER = new AbortController().signal;
const ALL: TakeRules = {
  bands: CATALOGUE_BANDS,
  selection: { models: [], providers: [], users: [] },
  dedupe: false,
  by: undefined,
  timezone: 'Europe/Berlin',
};

let dir: string;
let crew: Crew<Tally>;
/** Tasks of the crew, and logs that were read by it to their end. */
let helped = 0;
let merged = 0;

beforeAll(() => {
  expect(existsSync(ENTRY), 'the worker is built').toBe(true);
  dir = mkdtempSync(join(tmpdir(), 'cutover-threads-'));
  crew = counting(startCrew<Tally>(ENTRY, 2));
});
afterAll(async () => {
  await crew.dismiss();
  rmSync(dir, { recursive: true });
});

function counting(inner: Crew<Tally>): Crew<Tally> {
  return {
    async read(job) {
      const done = await inner.read(job);
      helped += done.reduce((count, { share }) => count + share.tasks.length, 0);
      return done;
    },
    dismiss: inner.dismiss,
  };
}

interface Way {
  rules?: TakeRules;
  /** The first alone is known not to be wrapped in anything until it is met. */
  formats?: typeof FORMATS;
  signal?: AbortSignal;
  onBytes?: (bytes: number) => void;
}

/** As `cutover assess` does, but for the sizes. */
function inThreads(crew: Crew<Tally>, rules: TakeRules, tally: Tally, taskBytes: number): Fast {
  return createFast<Tally>({
    wants: { id: rules.dedupe, user: rules.by === 'user' || rules.selection.users.length > 0 },
    minBytes: 0,
    threads: {
      crew,
      rules,
      createTaker() {
        const { tally: own, ...taker } = createTaker(rules);
        return { ...taker, result: () => own };
      },
      merge(tallies) {
        if (lumps([tally, ...tallies])) return false;
        for (const each of tallies) mergeTally(tally, each);
        merged++;
        return true;
      },
      minBytes: 0,
      taskBytes,
    },
  });
}

/** Reads some logs by a way that is fast or not, and tells all that comes of them. */
async function read(
  paths: readonly string[],
  { rules = ALL, formats = FORMATS, signal = NEVER, onBytes }: Way,
  fastFor?: (rules: TakeRules, tally: Tally) => Fast,
) {
  const { tally, ...taker } = createTaker(rules);
  const intake = createIntake();
  const summaries = await readAll({
    inputs: paths.map((path) => ({ name: path, path, bytes: undefined })).map(sized),
    stdin: () => process.stdin,
    formats,
    intake,
    ...taker,
    ...(fastFor ? { fast: fastFor(rules, tally) } : {}),
    onProgress: ({ bytes }) => onBytes?.(bytes),
    signal,
  });
  const assessment = assess({
    tally,
    intake,
    legacy: { configured: undefined, catalogue: undefined, provider: undefined, baseUrl: undefined },
    target: undefined,
    whatIf: {},
    thresholds: { high: 30, medium: 15 },
    by: rules.by,
    zone: createZone(rules.timezone),
    cut: rules.selection,
    migration: undefined,
    partial: signal.aborted,
    now: 1.79e12,
    seed: 1,
    notes: [],
  });
  const models = assessment.models.map(({ model }) => model);
  return { intake, summaries, assessment, curves: latencyCurves(tally, models) };
}

function sized<T extends { path: string }>(input: T): T & { bytes: number } {
  return { ...input, bytes: statSync(input.path).size };
}

/** Lines whose figures tell which of them were read: line n, from 1, has n input tokens. */
function numbered(lines: number): string {
  return Array.from({ length: lines }, (_, i) => {
    const second = new Date(1_780_000_000_000 + 1000 * i).toISOString();
    return `{"timestamp":"${second}","model":"m","input_tokens":${i + 1},"output_tokens":1,"latency_ms":${i + 1}}\n`;
  }).join('');
}

/** What a log is like. */
interface Spec {
  seed: number;
  lines: number;
  /** One line of so many is unusable; 0 for none. The same for very long lines and for those of another writer. */
  faulty: number;
  long: number;
  other: number;
  /** Classes of errors; in one series, too many of them are lumped together. */
  classes: number;
  oneSeries: boolean;
  endings: readonly string[];
  mark: boolean;
  /** Whether the last line is ended. */
  ended: boolean;
  /** The line, if any, that wraps records. */
  wrapped: number | undefined;
}

const spec: fc.Arbitrary<Spec> = fc.record({
  seed: fc.nat(),
  lines: fc.integer({ min: 200, max: 2500 }),
  faulty: fc.constantFrom(0, 5, 90, 700),
  long: fc.constantFrom(0, 0, 40, 400),
  other: fc.constantFrom(0, 3, 50),
  classes: fc.constantFrom(2, 2, 60, 150, 230, 5000),
  oneSeries: fc.boolean(),
  endings: fc.constantFrom<readonly string[]>(
    ['\n'],
    ['\r\n'],
    ['\n', '\n', '\r\n', '\n\n', ' \n', '\n\r\n'],
  ),
  mark: fc.boolean(),
  ended: fc.boolean(),
  wrapped: fc.oneof({ weight: 9, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: fc.nat(2500) }),
});

const FAULTS = [
  'not json',
  '{"model":"m","input_tokens":1',
  '{"input_tokens":1,"output_tokens":2}',
  '{"model":"m","input_tokens":-1,"output_tokens":2}',
  '{"model":"m","input_tokens":1,"output_tokens":2,"timestamp":"yesterday"}',
  '{"model":"m","input_tokens":1,"cached_input_tokens":2,"output_tokens":2}',
  '{"model":"m","input_tokens":NaN,"output_tokens":2}',
  '{"model":"","input_tokens":1,"output_tokens":2}',
  '{"foreign":[1,{"model":"m"}]}',
  '[1,2]',
  '"text"',
  'null',
];
const WRAPPED =
  '{"data":[{"model":"m","input_tokens":1,"output_tokens":2},{"model":"m","input_tokens":3,"output_tokens":4}]}';

function logOf({
  seed,
  lines,
  faulty,
  long,
  other,
  classes,
  oneSeries,
  endings,
  mark,
  ended,
  wrapped,
}: Spec): string {
  let state = seed >>> 0;
  const random = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  const below = (count: number) => Math.floor(random() * count);
  const one = <T>(of: readonly T[]) => of[below(of.length)] as T;
  const each = (count: number) => count > 0 && below(count) === 0;
  const time = () => {
    const at = 1_780_000_000_000 + below(20 * DAY_MS);
    return one([
      () => JSON.stringify(new Date(at).toISOString()),
      () => JSON.stringify(new Date(at).toISOString()),
      () => String(at),
      () => String(at / 1000),
      () => JSON.stringify(new Date(at).toISOString().replace('Z', '+05:30')),
    ])();
  };
  const record = () => {
    const input = below(2000) + (each(30) ? 150_000 : 0);
    const fields = [
      `"id":"r${below(1e9)}"`,
      each(40) ? '"timestamp":null' : `"timestamp":${time()}`,
      oneSeries
        ? '"x":0'
        : one(['"provider":"openai"', '"provider":"open\\u0061i"', '"provider":"azure"', '"x":0']),
      `"model":${oneSeries ? '"m"' : one(['"gpt-4.1"', '"gpt-4.1"', '"gpt\\u002d4.1"', '"\\"q\\"\\\\"', '"ü漢😀"'])}`,
      `"input_tokens":${input}`,
      each(3) ? '"cached_input_tokens":null' : `"cached_input_tokens":${below(input)}`,
      `"output_tokens":${below(900)}`,
      each(50) ? `"latency_ms":${random() * 9000}` : `"latency_ms":${below(9e6) / 1000}`,
      each(2) ? `"ttft_ms":${below(900_000) / 1000}` : '"ttft_ms":null',
      `"status":${each(4) ? `"class-${below(classes)}"` : '200'}`,
      each(9) ? '"cost":null' : `"cost":${each(60) ? below(1e12) : random() / 1000}`,
      `"user":${each(long) ? JSON.stringify(`é"${'\\x'.repeat(below(20_000))}`) : `"u${below(5)}"`}`,
    ];
    if (!each(other)) return `{${fields.join(',')}}`;
    const at = below(fields.length);
    return `{ ${[...fields.slice(at), ...fields.slice(0, at)].join(' , ')}}`;
  };
  let text = mark ? '\ufeff' : '';
  for (let line = 0; line < lines; line++) {
    // The first lines show what the log is.
    const bad = line > 20 && each(faulty);
    text += line === wrapped ? WRAPPED : bad ? one(FAULTS) : record();
    if (line < lines - 1 || ended) text += one(endings);
  }
  return text;
}

const rulesOf: fc.Arbitrary<TakeRules> = fc.oneof(
  { weight: 4, arbitrary: fc.constant(ALL) },
  {
    weight: 1,
    arbitrary: fc.constantFrom<TakeRules['by'][]>('user', 'hour', 'model').map((by) => ({ ...ALL, by })),
  },
  {
    weight: 1,
    arbitrary: fc.constant({
      ...ALL,
      selection: { ...ALL.selection, since: 1_780_000_000_000 + 5 * DAY_MS, users: ['u1', 'u3', 'é*'] },
    }),
  },
);
const taskBytes = fc.constantFrom(700, 4096, 30_000, 200_000);

describe('a log read by several threads', () => {
  it('comes to the same figures, faults, lines and times as by one', async () => {
    const path = join(dir, 'log.jsonl');
    await fc.assert(
      fc.asyncProperty(spec, rulesOf, taskBytes, fc.boolean(), async (one, rules, taskBytes, alone) => {
        writeFileSync(path, logOf(one));
        const way = { rules, formats: alone ? [native] : FORMATS };
        const found = await read([path], way, (...own) => inThreads(crew, ...own, taskBytes));
        expect(found).toEqual(await read([path], way));
      }),
      // Also of the search for the simplest log that fails.
      { numRuns: 20, interruptAfterTimeLimit: 20_000 },
    );
    // Else it was not the threads that were tested.
    expect(merged).toBeGreaterThan(5);
    expect(helped).toBeGreaterThan(50);
  }, 60_000);

  it('may be one of several, packed or not, and hold a line that is longer than all that is read at once', async () => {
    const base = {
      faulty: 200,
      long: 50,
      other: 9,
      classes: 3,
      oneSeries: false,
      endings: ['\n'],
      mark: false,
      wrapped: undefined,
    };
    const logs = [1, 2, 3, 4].map((seed) => logOf({ ...base, seed, lines: 900, ended: seed !== 2 }));
    logs[1] += `\n{"model":"m","input_tokens":5,"output_tokens":1,"user":"${'u'.repeat(3_000_000)}"}\n${'x'.repeat(1_500_000)}\n${logs[0]}`;
    const paths = logs.map((log, i) => {
      const path = join(dir, i === 2 ? 'part2.jsonl.gz' : `part${i}.jsonl`);
      writeFileSync(path, i === 2 ? gzipSync(log) : log);
      return path;
    });
    for (const taskBytes of [50_000, 2_000_000]) {
      const found = await read(paths, {}, (...own) => inThreads(crew, ...own, taskBytes));
      expect(found).toEqual(await read(paths, {}));
    }
  });
});

describe('a log read by several threads that cannot be read to its end', () => {
  const LINES = 20_000;
  let path: string;
  let lone: Crew<Tally> | undefined;
  beforeEach(() => {
    path = join(dir, 'numbered.jsonl');
    writeFileSync(path, numbered(LINES));
  });
  afterEach(async () => {
    await lone?.dismiss();
    lone = undefined;
  });
  const start = () => {
    lone = startCrew<Tally>(ENTRY, 2);
    return lone;
  };
  const failure = (crew: Crew<Tally>, way: Way = {}) =>
    read([path], way, (...own) => inThreads(crew, ...own, 20_000)).then(
      () => undefined,
      (error: unknown) => error,
    );
  const unreadable = {
    code: 'UNREADABLE',
    exitCode: 65,
    message: expect.stringContaining('numbered.jsonl: cannot be read'),
  };

  it('fails where a worker cannot read it', async () => {
    const inner = start();
    const elsewhere: Crew<Tally> = {
      ...inner,
      read: ({ file, rules }) => inner.read({ file: { ...file, path: join(dir, 'gone.jsonl') }, rules }),
    };
    expect(await failure(elsewhere)).toMatchObject(unreadable);
  });

  it('fails where it vanishes', async () => {
    const inner = start();
    const late: Crew<Tally> = {
      ...inner,
      read(job) {
        rmSync(path);
        return inner.read(job);
      },
    };
    expect(await failure(late)).toMatchObject(unreadable);
  });

  it('is counted as far as it goes where it shrinks', async () => {
    const kept = numbered(LINES / 2).length - 10;
    const late: Crew<Tally> = {
      ...crew,
      read(job) {
        truncateSync(path, kept);
        return crew.read(job);
      },
    };
    const { intake, assessment } = await read([path], {}, (...own) => inThreads(late, ...own, 20_000));
    const used = LINES / 2 - 1;
    expect(intake).toMatchObject({ read: used + 1, used, rejected: 1 });
    expect(intake.samples).toEqual([
      { source: path, line: LINES / 2, reason: 'truncated: the file ends inside a record' },
    ]);
    expect(assessment.tokens).toMatchObject({ input: sumTo(used), output: used });
  });

  it.each([
    ['throws', 'throw new Error("broken")', /^broken$/],
    ['throws when asked', `parentPort.on('message', () => { throw new Error('broken'); })`, /^broken$/],
    ['ends', 'process.exit(3)', /ended early \(exit code 3\)/],
    ['ends when asked', `parentPort.on('message', () => process.exit(0))`, /ended early \(exit code 0\)/],
  ])('fails where a worker %s', async (name, code, message) => {
    const entry = join(dir, `${name.replaceAll(' ', '-')}.mjs`);
    writeFileSync(entry, `import { parentPort } from 'node:worker_threads';\n${code};\n`);
    lone = startCrew<Tally>(pathToFileURL(entry), 1);
    // Whoever asks again is told so too.
    for (const _ of [1, 2]) {
      expect(await failure(lone)).toMatchObject({ message: expect.stringMatching(message) });
    }
  });

  it.each([0, 1, 3])(
    'holds whole tasks from its beginning when it is interrupted after %i of them',
    async (tasks) => {
      const interrupt = new AbortController();
      let told = 0;
      let begun = 0;
      // On a busy machine all of them might be over before the interrupt is heard.
      const held: Crew<Tally> = {
        ...crew,
        read: async (job) => {
          if (begun++ > tasks) await aborted(interrupt.signal);
          return crew.read(job);
        },
      };
      const onBytes = () => {
        if (told++ >= tasks) interrupt.abort();
      };
      const { intake, assessment, summaries } = await read(
        [path],
        { signal: interrupt.signal, onBytes },
        (...own) => inThreads(held, ...own, 1500),
      );
      const { used } = intake;
      expect(intake).toMatchObject({ read: used, rejected: 0, filtered: 0 });
      expect(used).toBeLessThan(LINES);
      // On a busy machine an interrupt may come before any task was taken in.
      if (used === 0) return;
      expect(assessment.partial).toBe(true);
      expect(assessment.requests).toMatchObject({ total: used, ok: used });
      expect(assessment.tokens).toMatchObject({ input: sumTo(used), output: used });
      expect(assessment.latencyMs?.p50).toBe((used + 1) / 2);
      expect(summaries).toMatchObject([
        { from: 1_780_000_000_000, to: 1_780_000_000_000 + 1000 * (used - 1) },
      ]);
      // The crew is as good as before.
      const again = await read([path], {}, (...own) => inThreads(crew, ...own, 20_000));
      expect(again.intake.used).toBe(LINES);
    },
  );
});

async function aborted(signal: AbortSignal): Promise<void> {
  if (!signal.aborted) await once(signal, 'abort');
}

/** Input tokens of the first lines of a numbered log. */
function sumTo(lines: number): number {
  return (lines * (lines + 1)) / 2;
}
