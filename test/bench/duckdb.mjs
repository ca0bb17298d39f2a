// The peer of `cutover assess` in the benchmark: the same figures by DuckDB with two threads, in one pass over the file.
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const [path, modules] = process.argv.slice(2);
const require = createRequire(join(modules, 'package.json'));
const { DuckDBInstance } = await import(pathToFileURL(require.resolve('@duckdb/node-api')).href);

const file = path.replaceAll("'", "''");
const db = await DuckDBInstance.create(':memory:', { threads: '2' });
const connection = await db.connect();
const columns = `{timestamp:'TIMESTAMP', model:'VARCHAR', input_tokens:'BIGINT', cached_input_tokens:'BIGINT',
  output_tokens:'BIGINT', latency_ms:'DOUBLE', ttft_ms:'DOUBLE', status:'VARCHAR', cost:'DOUBLE'}`;
// Grouped first, as errors are counted by class and tokens by model; of the ways tried the fastest that gives it all.
const result = await connection.runAndReadAll(`
  WITH g AS MATERIALIZED (
    SELECT model, status, count(*) AS n, sum(input_tokens) AS i, sum(cached_input_tokens) AS c, sum(output_tokens) AS o,
           sum(cost) AS usd, min(timestamp) AS a, max(timestamp) AS b,
           list(latency_ms) FILTER (status = '200') AS l, list(ttft_ms) FILTER (status = '200') AS t
      FROM read_json('${file}', format='newline_delimited', columns=${columns}) GROUP BY ALL)
  SELECT sum(n), sum(n) FILTER (status = '200'), sum(i), sum(c), sum(o), sum(usd), epoch_ms(min(a)), epoch_ms(max(b)),
         (SELECT quantile_cont(x, [0.5, 0.95, 0.99]) FROM (SELECT unnest(l) AS x FROM g)),
         (SELECT quantile_cont(x, [0.5, 0.95, 0.99]) FROM (SELECT unnest(t) AS x FROM g)),
         (SELECT list((model, status, n, i + o)) FROM g)
    FROM g`);
const [row] = result.getRowsJson();
const [requests, ok, input, cached, output, cost, from, to, latency, ttft] = row;
const named = (name, values) =>
  Object.fromEntries(['p50', 'p95', 'p99'].map((key, i) => [`${name} ${key}`, Number(values[i])]));
const numbers = { requests, ok, input, cached, output, cost, from, to };
process.stdout.write(
  JSON.stringify({
    ...Object.fromEntries(Object.entries(numbers).map(([key, value]) => [key, Number(value)])),
    ...named('latency', latency),
    ...named('ttft', ttft),
  }),
);
