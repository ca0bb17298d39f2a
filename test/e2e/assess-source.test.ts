import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ClickHouseServer, hasClickHouse, startClickHouse } from '../servers/clickhouse.ts';
import { differences } from './close.ts';
import { cutover, fixture } from './cutover.ts';

const PASSWORD = 'pässword: with/odd&signs';

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'cutover-source-'));
});
afterAll(() => rmSync(dir, { recursive: true }));

const configText = (clickhouse: string) => `migration: test
providers:
  legacy: { name: deepseek, baseUrl: https://one.example/v1, prices: { deepseek-chat: { input: 0.27, cachedInput: 0.07, output: 1.1 } } }
  target: { name: two, baseUrl: https://two.example/v1, prices: { "*": 0.42 } }
models: { "*": target-model }
usage:
  clickhouse: ${clickhouse}
`;
const run = (config: string, args: readonly string[], env: Record<string, string> = {}) => {
  writeFileSync(join(dir, 'cutover.yaml'), config);
  return cutover(['assess', ...args], { cwd: dir, env });
};

describe.skipIf(!hasClickHouse())('assess --source clickhouse', () => {
  let server: ClickHouseServer;
  let settings: string;
  beforeAll(async () => {
    server = await startClickHouse(['--user', 'reader', '--password', PASSWORD]);
    settings = `{ url: "${server.url}", user: reader, password: "\${env:CH_PASSWORD}", database: "odd\`name",`;
    await server.run("SET date_time_input_format = 'best_effort'");
    await server.run('CREATE DATABASE `odd\\`name`');
  });
  afterAll(() => server?.stop());
  const env = { CH_PASSWORD: PASSWORD };
  const rows = (log: string) => readFileSync(log, 'utf8').trim();

  it('gives the report of the same records in a file, in every form', async () => {
    const log = fixture('demo/usage.jsonl');
    await server.run(
      `CREATE TABLE \`odd\\\`name\`.\`usage log\` (id String, timestamp DateTime64(3, 'UTC'), provider LowCardinality(String),
        model LowCardinality(String), input_tokens UInt32, cached_input_tokens UInt32, output_tokens UInt32,
        latency_ms UInt32, ttft_ms Nullable(UInt32), status LowCardinality(String), cost Nullable(Float64), user String)
        ENGINE = MergeTree ORDER BY timestamp`,
    );
    await server.run(`INSERT INTO \`odd\\\`name\`.\`usage log\` FORMAT JSONEachRow ${rows(log)}`);
    const config = configText(`${settings} table: usage log }`);
    for (const flags of [
      ['--report', 'table', '--by', 'user'],
      ['--report', 'markdown', '--by', 'day'],
    ]) {
      const mine = await run(config, ['--source', 'clickhouse', ...flags], env);
      const theirs = await run(config, [log, ...flags], env);
      expect(mine.stderr).toBe('');
      expect(mine.code).toBe(theirs.code);
      expect(mine.stdout).toBe(theirs.stdout);
    }
    const flags = [
      '--json',
      '--since',
      '2026-07-03',
      '--until',
      '2026-07-12',
      '--model',
      '*chat',
      '--dedupe',
    ];
    const mine = await run(config, ['--source', 'clickhouse', ...flags], env);
    const theirs = await run(config, [log, ...flags], env);
    expect(differences(JSON.parse(mine.stdout), JSON.parse(theirs.stdout))).toEqual([]);
    expect(JSON.parse(mine.stdout).records.filtered).toBeGreaterThan(100);
  });

  it('maps columns of any name, type and unit', async () => {
    await server.run(
      `CREATE TABLE \`odd\\\`name\`.spend (\`start time\` DateTime('Asia/Tokyo'), seconds Float32, first Decimal(9, 3),
        name Enum8('alpha' = 1, 'beta' = 2), tokens Tuple(fresh UInt64, cached Nullable(Int16)), written UInt8, out Int256,
        fine Bool, cents Decimal(18, 6), who FixedString(8), bulk UInt8, request_id UUID, model String)
        ENGINE = ReplacingMergeTree ORDER BY request_id`,
    );
    const lines = Array.from({ length: 120 }, (_, i) => ({
      at: `2026-08-0${1 + (i % 7)}T0${i % 10}:00:00Z`,
      seconds: Number((0.1 + i * 0.37).toFixed(2)),
      first: Number((0.05 + i * 0.011).toFixed(3)),
      name: i % 3 ? 'alpha' : 'beta',
      fresh: 1000 + i,
      cached: i % 4 ? i : null,
      written: i % 5,
      out: 10 * i,
      fine: i % 11 !== 0,
      cents: Number((0.01 * i).toFixed(6)),
      who: i % 2 ? 'ann' : '',
      bulk: i % 6 ? 0 : 1,
    }));
    const values = lines.map(
      (line, i) =>
        `(parseDateTimeBestEffort('${line.at}'), ${line.seconds}, ${line.first}, '${line.name}', (${line.fresh}, ${line.cached}),
          ${line.written}, ${line.out}, ${line.fine}, ${line.cents}, '${line.who}', ${line.bulk}, toUUID('00000000-0000-0000-0000-${String(i).padStart(12, '0')}'), 'not this')`,
    );
    // Inserted twice: only FINAL, or --dedupe, sees each row once.
    for (let i = 0; i < 2; i++)
      await server.run(`INSERT INTO \`odd\\\`name\`.spend VALUES ${values.join(', ')}`);
    const table = `${settings} table: spend, final: true, cachedTokens: exclusive, units: { latency: s, ttft: s, cost: cents },
      columns: { id: request_id, at: start time, model: name, inputTokens: tokens.fresh, cachedInputTokens: tokens.cached,
        cacheWriteTokens: written, outputTokens: out, latencyMs: seconds, ttftMs: first, status: fine, costUsd: cents, user: who, batch: bulk } }`;
    writeFileSync(join(dir, 'spend.jsonl'), lines.map((line) => JSON.stringify(line)).join('\n'));
    writeFileSync(
      join(dir, 'map.yaml'),
      `at: at
model: name
inputTokens: fresh
cachedInputTokens: cached
cacheWriteTokens: written
outputTokens: out
cachedTokens: exclusive
latency: { path: seconds, unit: s }
ttft: { path: first, unit: s }
status: fine
cost: { path: cents, unit: cents }
user: who
batch: bulk
`,
    );
    const theirs = await run(
      configText(table),
      ['spend.jsonl', '--map', 'map.yaml', '--json', '--by', 'user'],
      env,
    );
    const mine = await run(configText(table), ['--source', 'clickhouse', '--json', '--by', 'user'], env);
    expect(mine.stderr).toBe('');
    expect(differences(JSON.parse(mine.stdout), JSON.parse(theirs.stdout))).toEqual([]);
    expect(JSON.parse(mine.stdout).records.used).toBe(120);
    const twice = await run(
      configText(table.replace('final: true, ', '')),
      ['--source', 'clickhouse', '--json', '--dedupe'],
      env,
    );
    expect(JSON.parse(twice.stdout).records).toMatchObject({
      read: 240,
      used: 120,
      filteredByReason: { 'a duplicate': 120 },
    });
  });

  it('asks for the time range by the raw column, so that the index of the table serves it', async () => {
    await server.queries();
    await run(
      configText(`${settings} table: usage log }`),
      ['--source', 'clickhouse', '--since', '2026-07-03'],
      env,
    );
    const asked = await server.queries();
    expect(asked).toHaveLength(5);
    const sums = asked.find(({ sql }) => sql.includes('sumKahan'));
    expect(sums?.sql).toMatch(
      /WHERE NOT isNull\(`timestamp`\) AND \(`timestamp` >= fromUnixTimestamp64Micro\(\{p\d+:Int64\}\)/,
    );
  });

  it.each([
    ['table: nowhere', 78, /Unknown table|does not exist/],
    [
      'table: usage log, columns: { model: modell }',
      78,
      /has no column modell for model[\s\S]*did you mean model\?/,
    ],
    [
      'table: usage log, columns: { inputTokens: timestamp }',
      78,
      /timestamp is of type DateTime64\(3, 'UTC'\), which cannot be inputTokens/,
    ],
    ['table: usage log, columns: { user: null }', 78, /--user needs a column for user/],
    ['table: "x`; DROP TABLE y"', 78, /x\\`; DROP TABLE y` does not exist/],
  ])('%s is exit %i and says why', async (part, code, message) => {
    const ran = await run(
      configText(`${settings} ${part} }`),
      ['--source', 'clickhouse', '--user', 'x'],
      env,
    );
    expect(ran.stderr).toMatch(message);
    expect(ran.stderr).not.toContain('(version');
    expect(ran.code).toBe(code);
    expect(ran.stdout).toBe('');
  });

  it('a wrong password is exit 78, and is not shown', async () => {
    const config = configText(`${settings} table: usage log }`);
    const ran = await run(config, ['--source', 'clickhouse', '--json'], { CH_PASSWORD: 'not-the-secret' });
    expect(ran.code).toBe(78);
    expect(JSON.parse(ran.stdout).error.code).toBe('CLICKHOUSE_AUTH');
    expect(ran.stderr).toContain('Authentication failed');
    expect(ran.stdout + ran.stderr).not.toContain('not-the-secret');
    expect((await run(config, ['--source', 'clickhouse'])).stderr).toContain('CH_PASSWORD is not set');
  });

  it('works for a user who may change no settings', async () => {
    const readonly = await startClickHouse(['--readonly']);
    try {
      await readonly.run(
        'CREATE TABLE default.t (model String, input_tokens UInt32, output_tokens UInt32) ENGINE = Memory',
      );
      await readonly.run("INSERT INTO default.t VALUES ('m', 10, 5)");
      const ran = await run(configText(`{ url: "${readonly.url}", table: t }`), [
        '--source',
        'clickhouse',
        '--json',
      ]);
      expect(ran.stderr).toBe('');
      expect(JSON.parse(ran.stdout).tokens.total).toBe(15);
      const asked = await readonly.queries();
      expect(asked.filter(({ search }) => search.includes('max_execution_time'))).toHaveLength(1);
    } finally {
      await readonly.stop();
    }
  });
});

describe('assess --source without a ClickHouse', () => {
  const config = configText('{ url: "http://127.0.0.1:9", table: t, timeout: 2s }');

  it('a server out of reach is exit 69', async () => {
    const ran = await run(config, ['--source', 'clickhouse', '--json']);
    expect(ran.code).toBe(69);
    expect(JSON.parse(ran.stdout).error.code).toBe('CLICKHOUSE_UNREACHABLE');
    expect(ran.stderr).toContain('ClickHouse at http://127.0.0.1:9');
  });

  it.each([
    [['--source', 'clickhuse'], 'did you mean clickhouse?'],
    [['--source', 'clickhouse', 'usage.jsonl'], 'exclude each other'],
    [['--source', 'clickhouse', '--map', 'map.yaml'], '--map is for files'],
    [['--source', 'clickhouse', '--rejects', 'out.jsonl'], '--rejects is for files'],
  ])('%j is exit 64', async (args, message) => {
    const ran = await run(config, args);
    expect(ran.stderr).toContain(message);
    expect(ran.code).toBe(64);
  });

  it('needs its part of the config', async () => {
    const ran = await run(config.replace(/usage:[\s\S]*/, ''), ['--source', 'clickhouse']);
    expect(ran.stderr).toContain('needs usage.clickhouse in the config');
    expect(ran.code).toBe(78);
    const faulty = await run(configText('{ url: "http://127.0.0.1:9", table: t, password: secret }'), [
      '--source',
      'clickhouse',
    ]);
    expect(faulty.stderr).toContain('a secret is never written here');
    expect(faulty.stderr).not.toContain(': secret');
  });
});
