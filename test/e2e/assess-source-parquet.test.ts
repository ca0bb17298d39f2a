import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { duckDbEnv, duckDbFolder, hasDuckDb, runDuckDb } from '../servers/duckdb.ts';
import { differences } from './close.ts';
import { cutover, fixture } from './cutover.ts';

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'cutover-parquet-'));
});
afterAll(() => rmSync(dir, { recursive: true }));

describe.skipIf(!hasDuckDb())('assess on Parquet', () => {
  const run = (...args: string[]) => cutover(['assess', ...args], { cwd: dir, env: duckDbEnv() });
  const log = fixture('demo/usage.jsonl');

  it('gives the report of the same records as JSON lines, however the file is named', async () => {
    const names = ['usage.parquet', 'no extension', 'odd[1]*?.parquet'];
    const select = `SELECT * REPLACE (CAST(timestamp AS TIMESTAMP) AS timestamp), repeat('prompt ', 20) AS prompt, 'x'::BLOB AS payload
      FROM read_json('${log}')`;
    await runDuckDb(
      ...names.map((name) => `COPY (${select}) TO '${join(dir, name)}' (FORMAT parquet, ROW_GROUP_SIZE 512)`),
    );
    const theirs = JSON.parse(
      (await run(log, '--json', '--by', 'user', '--dedupe', '--since', '2026-07-03')).stdout,
    );
    for (const name of names) {
      const mine = await run(name, '--json', '--by', 'user', '--dedupe', '--since', '2026-07-03');
      expect(mine.stderr).toBe('');
      expect(differences(JSON.parse(mine.stdout), theirs)).toEqual([]);
    }
  });

  it('reads other formats, a mapping into nested columns, and every type of number', async () => {
    await runDuckDb(
      `COPY (SELECT 'm' || (i % 2) AS name, {'in': 100 + i, 'cached': i % 7, 'out': i * 2} AS usage, TIMESTAMPTZ '2026-08-01 00:00:00+02' + INTERVAL (i) HOUR AS began,
          (0.1 + i)::FLOAT AS seconds, (i / 4.0)::DECIMAL(12, 4) AS cents, 200 + (i % 3 = 0)::INTEGER * 229 AS code,
          9007199254740993 + i * 2 AS id FROM range(90) t(i)) TO '${join(dir, 'mapped.parquet')}' (FORMAT parquet)`,
    );
    const lines = Array.from({ length: 90 }, (_, i) => ({
      name: `m${i % 2}`,
      usage: { in: 100 + i, cached: i % 7, out: i * 2 },
      began: Date.parse('2026-08-01T00:00:00+02:00') + i * 3_600_000,
      seconds: Number((0.1 + i).toFixed(1)),
      cents: i / 4,
      code: i % 3 === 0 ? 429 : 200,
      id: String(9_007_199_254_740_993n + BigInt(i) * 2n),
    }));
    writeFileSync(join(dir, 'mapped.jsonl'), lines.map((line) => JSON.stringify(line)).join('\n'));
    writeFileSync(
      join(dir, 'map.yaml'),
      `id: id
at: began
model: name
inputTokens: usage.in
cachedInputTokens: usage.cached
outputTokens: usage.out
latency: { path: seconds, unit: s }
cost: { path: cents, unit: cents }
status: code
`,
    );
    const [mine, theirs] = [
      await run('mapped.parquet', '--map', 'map.yaml', '--dedupe', '--json'),
      await run('mapped.jsonl', '--map', 'map.yaml', '--dedupe', '--json'),
    ];
    expect(mine.stderr).toBe('');
    expect(differences(JSON.parse(mine.stdout), JSON.parse(theirs.stdout))).toEqual([]);
    expect(JSON.parse(mine.stdout).records.used).toBe(90);
  });

  it('unusable rows are counted and named by their number', async () => {
    await runDuckDb(
      `COPY (SELECT 'm' AS model, CASE WHEN i = 49 THEN -1 ELSE 10 END AS input_tokens, 5 AS output_tokens,
          CASE WHEN i = 99 THEN TIMESTAMP '1970-01-20' ELSE TIMESTAMP '2026-08-01' END AS timestamp FROM range(200) t(i)) TO '${join(dir, 'bad.parquet')}' (FORMAT parquet)`,
    );
    const { code, stdout, stderr } = await run('bad.parquet', '--json');
    expect(code).toBe(0);
    expect(JSON.parse(stdout).records).toMatchObject({ read: 200, used: 198, rejected: 2 });
    expect(stderr).toContain('bad.parquet:50: input_tokens is negative');
    expect(stderr).toContain('bad.parquet:100: timestamp is not a time');
  });

  it('a folder of them is read, an empty one holds nothing, and what is none is refused', async () => {
    mkdirSync(join(dir, 'many'));
    const rows = (count: number) =>
      `SELECT 'm' AS model, 1 AS input_tokens, 1 AS output_tokens FROM range(${count})`;
    await runDuckDb(
      ...[1, 2].map((n) => `COPY (${rows(n)}) TO '${join(dir, 'many', `${n}.parquet`)}' (FORMAT parquet)`),
      `COPY (${rows(0)}) TO '${join(dir, 'empty.parquet')}' (FORMAT parquet)`,
      `COPY (SELECT 1 AS x) TO '${join(dir, 'other.parquet')}' (FORMAT parquet)`,
    );
    expect(JSON.parse((await run('many', '--json')).stdout).records.used).toBe(3);
    expect((await run('empty.parquet')).code).toBe(3);
    writeFileSync(join(dir, 'broken.parquet'), 'PAR1 and then nothing');
    const broken = await run('broken.parquet');
    expect(broken.code).toBe(65);
    expect(broken.stderr).toContain('broken.parquet: not a Parquet file that can be read');
    const other = await run('other.parquet');
    expect(other.code).toBe(65);
    expect(other.stderr).toContain('not a log format that cutover knows (its fields: x)');
  });
});

describe('assess on Parquet without DuckDB', () => {
  // Where DuckDB is installed beside cutover, it cannot be missed; the unit tests then say what the message is.
  const beside = duckDbFolder() !== undefined && process.env.CUTOVER_BENCH_MODULES === undefined;

  it.skipIf(beside)('is exit 69 and names the command that installs it', async () => {
    writeFileSync(join(dir, 'usage.parquet'), 'PAR1');
    const { code, stdout, stderr } = await cutover(['assess', 'usage.parquet'], { cwd: dir });
    expect(code).toBe(69);
    expect(stdout).toBe('');
    expect(stderr).toContain('usage.parquet: reading Parquet needs the optional package @duckdb/node-api');
    expect(stderr).toContain('npm install @duckdb/node-api');
  });
});
