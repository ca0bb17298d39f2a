// `cutover assess` of a large JSONL log against DuckDB on the same columns, whole processes in turn, results compared.
// 1 M lines (255 MB); with --full 10 M too (2.5 GB). DuckDB is not a dependency of the project: it is installed in the
// temporary folder, or found where CUTOVER_BENCH_MODULES says.
import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { comparePair } from './pair.mjs';
import { usageLog } from './usage-log.mjs';

const bin = fileURLToPath(new URL('../../bin/cutover.js', import.meta.url));
const peer = fileURLToPath(new URL('./duckdb.mjs', import.meta.url));
const modules = process.env.CUTOVER_BENCH_MODULES ?? join(tmpdir(), 'cutover-bench', 'modules');
const full = process.argv.includes('--full');

const DUCKDB = '@duckdb/node-api@1.5.6-r.1';

/** Whether there is a DuckDB; one that is not there is installed first, where that is possible. */
function hasDuckDb() {
  const require = createRequire(join(modules, 'package.json'));
  for (const mayInstall of [true, false]) {
    try {
      require.resolve('@duckdb/node-api');
      return true;
    } catch {
      if (!mayInstall) return false;
      process.stdout.write(`  (installing ${DUCKDB}, once)\n`);
      mkdirSync(modules, { recursive: true });
      spawnSync('npm', ['install', '--prefix', modules, DUCKDB], { stdio: 'ignore' });
    }
  }
}

/** Peak memory of one run in MiB, from the process itself. */
function peak(args) {
  const script = `process.argv.splice(1, 0); process.on('exit', () => process.stderr.write('peak ' + process.resourceUsage().maxRSS));`;
  const hook = `data:text/javascript,${encodeURIComponent(script)}`;
  const { stderr, stdout } = spawnSync(process.execPath, ['--import', hook, ...args], { encoding: 'utf8' });
  return { mib: Number(/peak (\d+)$/.exec(stderr)?.[1]) / 1024, stdout };
}

/** The largest relative difference between what the two found; throws where a count differs at all. */
function difference(ours, theirs) {
  const exact = ['requests', 'ok', 'input', 'output', 'cached', 'from', 'to'];
  for (const key of exact) {
    if (ours[key] !== theirs[key]) throw new Error(`${key}: ${ours[key]} here, ${theirs[key]} there`);
  }
  const close = Object.keys(theirs).filter((key) => !exact.includes(key) && typeof theirs[key] === 'number');
  return Math.max(...close.map((key) => Math.abs(ours[key] / theirs[key] - 1)));
}

function factsOf(document) {
  const { requests, tokens, latencyMs, ttftMs, cost, period } = document;
  return {
    requests: requests.total,
    ok: requests.ok,
    input: tokens.input,
    cached: tokens.cachedInput,
    output: tokens.output,
    cost: cost.reportedUsd,
    from: Date.parse(period.from),
    to: Date.parse(period.to),
    ...Object.fromEntries(Object.entries(latencyMs).map(([key, value]) => [`latency ${key}`, value])),
    ...Object.fromEntries(Object.entries(ttftMs).map(([key, value]) => [`ttft ${key}`, value])),
  };
}

const duckDb = hasDuckDb();
const lines = full ? [1_000_000, 10_000_000] : [1_000_000];
const perRecord = [];
for (const count of lines) {
  const { path } = usageLog(count);
  const ours = { args: [bin, 'assess', path, '--json'] };
  const { mib, stdout } = peak(ours.args);
  const facts = factsOf(JSON.parse(stdout));
  const label = `assess, ${count / 1e6} M lines`;
  if (duckDb) {
    const theirs = { name: 'DuckDB', args: [peer, path, modules] };
    const found = JSON.parse(spawnSync(process.execPath, theirs.args, { encoding: 'utf8' }).stdout);
    const ratio = comparePair(label, ours, theirs, count > 1e6 ? 3 : 7);
    process.stdout.write(
      `  throughput ${(1 / ratio).toFixed(2)} × DuckDB's; counts equal, the rest within ${difference(facts, found).toExponential(1)}\n`,
    );
  } else {
    process.stdout.write('  (no DuckDB: it could not be installed)\n');
    comparePair(label, ours, { name: 'node -e 0', args: ['-e', '0'] }, 5);
  }
  process.stdout.write(
    `  peak memory ${mib.toFixed(0)} MiB, ${(count / 1e6) * 10} MB of it allowed for records\n`,
  );
  perRecord.push(timeOf(ours) / count);
  if (count > 1e6) rmSync(path);
}
if (perRecord.length === 2) {
  process.stdout.write(
    `  time per record at 10 M: ${(perRecord[1] / perRecord[0]).toFixed(2)} × that at 1 M\n`,
  );
}

function timeOf({ args }) {
  const times = Array.from({ length: 3 }, () => {
    const start = process.hrtime.bigint();
    spawnSync(process.execPath, args, { stdio: 'ignore' });
    return Number(process.hrtime.bigint() - start) / 1e6;
  });
  return times.sort((a, b) => a - b)[1];
}
