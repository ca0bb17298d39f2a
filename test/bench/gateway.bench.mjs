// What the gateway adds to a request: latency and throughput through it against a direct call, side by side in one
// run, so that a slow or busy machine slows both alike. Bounded to about 15 seconds; reports, and never fails on time.
//
//   node test/bench/gateway.mjs [--json]
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { Pool } from 'undici';

const root = fileURLToPath(new URL('../..', import.meta.url));
const ROUND_MS = 800;
const ROUNDS = 3;
const CONCURRENCY = 16;

async function start(args, options = {}) {
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'], ...options });
  const [line] = await once(createInterface({ input: child.stdout }), 'line');
  return { child, ready: JSON.parse(line) };
}

async function stop({ child }) {
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  await ended;
}

function quantile(sorted, p) {
  const at = (sorted.length - 1) * p;
  const low = sorted[Math.floor(at)];
  return low + (sorted[Math.ceil(at)] - low) * (at % 1);
}

function caller(url) {
  const pool = new Pool(url);
  return {
    async call(body) {
      const started = performance.now();
      const answer = await pool.request({
        path: '/v1/chat/completions',
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: 'Bearer client' },
        body,
      });
      let bytes = 0;
      for await (const chunk of answer.body) bytes += chunk.length;
      if (answer.statusCode !== 200 || bytes === 0) throw new Error(`status ${answer.statusCode}`);
      return performance.now() - started;
    },
    close: () => pool.close(),
  };
}

/** Calls one after the other, or CONCURRENCY at a time, for ROUND_MS. */
async function round(target, body, workers) {
  const latencies = [];
  const started = performance.now();
  const end = started + ROUND_MS;
  const work = async () => {
    while (performance.now() < end) latencies.push(await target.call(body));
  };
  await Promise.all(Array.from({ length: workers }, work));
  return { latencies, seconds: (performance.now() - started) / 1000 };
}

async function compare(name, sides, body, workers) {
  const results = sides.map(() => ({ latencies: [], seconds: 0 }));
  for (let i = 0; i < ROUNDS; i++) {
    for (const [at, side] of sides.entries()) {
      const { latencies, seconds } = await round(side, body, workers);
      results[at].latencies.push(...latencies);
      results[at].seconds += seconds;
    }
  }
  const [direct, gateway] = results.map(({ latencies, seconds }) => {
    latencies.sort((a, b) => a - b);
    return {
      p50Ms: quantile(latencies, 0.5),
      p99Ms: quantile(latencies, 0.99),
      perSecond: latencies.length / seconds,
      requests: latencies.length,
    };
  });
  return {
    name,
    direct,
    gateway,
    ratio: {
      p50: gateway.p50Ms / direct.p50Ms,
      p99: gateway.p99Ms / direct.p99Ms,
      perSecond: gateway.perSecond / direct.perSecond,
    },
    addedP50Ms: gateway.p50Ms - direct.p50Ms,
  };
}

const dir = mkdtempSync(join(tmpdir(), 'cutover-bench-'));
const running = [];
try {
  const server = await start([join(root, 'test/servers/openai-server.mjs'), '--name', 'target']);
  running.push(server);
  const upstream = `http://127.0.0.1:${server.ready.port}`;
  const provider = { name: 'bench', baseUrl: `${upstream}/v1`, prices: { '*': 1 } };
  // JSON is YAML.
  const config = {
    migration: 'bench',
    providers: { legacy: provider, target: provider },
    models: { m: 'm2' },
  };
  writeFileSync(join(dir, 'cutover.yaml'), JSON.stringify(config));
  const gateway = await start(
    [join(root, 'bin/cutover.js'), 'gateway', '--json', '--listen', '127.0.0.1:0'],
    {
      cwd: dir,
      stdio: ['ignore', 'pipe', 'ignore'],
    },
  );
  running.push(gateway);
  const sides = [caller(upstream), caller(gateway.ready.listen)];
  const plain = JSON.stringify({
    model: 'm',
    user: 'u',
    messages: [{ role: 'user', content: 'ping '.repeat(200) }],
  });
  const stream = JSON.stringify({ ...JSON.parse(plain), stream: true });
  for (const side of sides) for (let i = 0; i < 200; i++) await side.call(i % 2 ? plain : stream);

  const results = [
    await compare('plain, one at a time', sides, plain, 1),
    await compare(`plain, ${CONCURRENCY} at a time`, sides, plain, CONCURRENCY),
    await compare('stream, one at a time', sides, stream, 1),
  ];
  await Promise.all(sides.map((side) => side.close()));
  if (process.argv.includes('--json')) {
    process.stdout.write(`${JSON.stringify({ bench: 'gateway', results })}\n`);
  } else {
    for (const { name, direct, gateway: through, ratio, addedP50Ms } of results) {
      const pair = (key, unit, digits) =>
        `${direct[key].toFixed(digits)} → ${through[key].toFixed(digits)} ${unit}`;
      process.stdout.write(
        `${name}: p50 ${pair('p50Ms', 'ms', 2)} (× ${ratio.p50.toFixed(2)}, + ${addedP50Ms.toFixed(2)} ms), ` +
          `p99 ${pair('p99Ms', 'ms', 2)} (× ${ratio.p99.toFixed(2)}), ` +
          `${pair('perSecond', 'requests/s', 0)} (× ${ratio.perSecond.toFixed(2)})\n`,
      );
    }
  }
} finally {
  await Promise.all(running.map(stop));
  rmSync(dir, { recursive: true, force: true });
}
