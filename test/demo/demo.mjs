// A whole migration on this machine in about a minute: two OpenAI-compatible servers, the gateway between them and
// the official client, and cutover's commands as a user would type them. Ends with 1 if any step did not happen.
import { spawn } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import OpenAI from 'openai';
import { ownEnvironment } from '../../build/own-environment.mjs';
import { check, explain, run, startLine, stopAll, title } from './stage.mjs';

process.env = ownEnvironment(process.env);
const root = fileURLToPath(new URL('../..', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'cutover-demo-'));
const REQUESTS = 300;
let users = 0;

/** Real requests of as many different users through the gateway; returns what the gateway itself counted. */
async function sendTraffic(gateway, count = REQUESTS) {
  const client = new OpenAI({ baseURL: `${gateway}/v1`, apiKey: 'not-used', maxRetries: 0 });
  const before = await gatewayCounts(gateway);
  let failed = 0;
  const send = async () => {
    for (; left > 0; ) {
      left -= 1;
      users += 1;
      const messages = [{ role: 'user', content: 'ping' }];
      await client.chat.completions
        .create({ model: 'deepseek-chat', messages, user: `user-${users}` })
        .catch(() => {
          failed += 1;
        });
    }
  };
  let left = count;
  await Promise.all(Array.from({ length: 8 }, send));
  const after = await gatewayCounts(gateway);
  return { legacy: after.legacy - before.legacy, target: after.target - before.target, failed };
}

async function gatewayCounts(gateway) {
  const text = await (await fetch(`${gateway}/metrics`)).text();
  const counts = { legacy: 0, target: 0 };
  for (const [, side, value] of text.matchAll(
    /^cutover_gateway_requests_total\{[^}]*side="(\w+)"[^}]*\} (\d+)/gm,
  )) {
    counts[side] += Number(value);
  }
  return counts;
}

function flagRatio() {
  const flag = JSON.parse(readFileSync(join(folder, 'flags.json'), 'utf8')).flags['llm-provider'];
  if (!flag.targeting) return flag.defaultVariant === 'target' ? 1 : 0;
  const [[, target], [, legacy]] = flag.targeting.fractional;
  return target / (target + legacy);
}

/** Waits until the gateway follows the flag, sends traffic, and holds state, flag and counts against one another. */
async function showTraffic(gateway, expected) {
  for (let tries = 0; (await (await fetch(`${gateway}/health`)).json()).ratio !== expected; tries++) {
    check(tries < 40, `the gateway follows the flag to ${expected * 100} %`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  const status = JSON.parse((await run(folder, ['status', '--json'], { quiet: true })).stdout);
  const counts = await sendTraffic(gateway);
  const total = counts.legacy + counts.target;
  const share = counts.target / total;
  // Four standard deviations of a share of so many users: a right gateway is outside once in 15,000 demos.
  const slack = 4 * Math.sqrt((expected * (1 - expected)) / total);
  explain(
    `gateway: ${total} requests, ${counts.legacy} to legacy, ${counts.target} to target (${(share * 100).toFixed(1)} %)`,
  );
  check(status.ratio === expected, `status says ${expected * 100} %`);
  check(flagRatio() === expected, `the flag file says ${expected * 100} %`);
  check(Math.abs(share - expected) <= slack, `the gateway's counts say ${expected * 100} %`);
}

async function control(url, settings) {
  await fetch(`${url}/__control`, { method: 'POST', body: JSON.stringify(settings) });
}

async function startServer(name, latency) {
  const script = join(root, 'test/servers/openai-server.mjs');
  const flags = ['--name', name, '--latency', String(latency), '--jitter', '1'];
  const line = await startLine(
    spawn(process.execPath, [script, ...flags], { stdio: ['ignore', 'pipe', 'inherit'] }),
  );
  return `http://127.0.0.1:${JSON.parse(line).port}`;
}

async function passCanary() {
  const { code } = await run(folder, ['canary', 'run', '--duration', '30s', '--interval', '200ms']);
  check(code === 0, 'the canary passes');
  await new Promise((resolve) => setTimeout(resolve, 1000));
}

async function demo() {
  for (const name of ['cutover.yaml', 'usage.jsonl', 'probes.jsonl'])
    cpSync(join(root, 'fixtures/demo', name), join(folder, name));

  title('Two providers, 12 ms and 6 ms away; a config; 14 days of usage logs');
  const legacy = await startServer('legacy', 12);
  const target = await startServer('target', 6);
  process.env.LEGACY_URL = `${legacy}/v1`;
  process.env.TARGET_URL = `${target}/v1`;
  explain(`legacy ${legacy}, target ${target}, in ${folder}`);

  title('1. Is it worth it?');
  const assessed = await run(folder, ['assess', 'usage.jsonl']);
  check(assessed.code === 0, 'the logs are assessed');

  title('2. A way back, before anything is touched');
  await run(folder, ['checkpoint', 'create', '--reason', 'baseline', '--pin']);

  title('3. The gateway carries the traffic; the first 10 % go to target');
  const gatewayProcess = spawn(process.execPath, [join(root, 'bin/cutover.js'), 'gateway', '--json'], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  explain('$ cutover gateway &');
  const gateway = JSON.parse(await startLine(gatewayProcess)).listen;
  check((await run(folder, ['canary', 'start', '--yes'])).code === 0, 'the canary starts');
  await showTraffic(gateway, 0.1);

  title('4. Up the ladder, each step on its own evidence');
  const early = await run(folder, ['shift', '--next', '--yes']);
  check(early.code === 3, 'a shift without evidence is refused');
  for (const ratio of [0.25, 0.5]) {
    await passCanary();
    check((await run(folder, ['shift', '--next', '--yes'])).code === 0, `traffic moves to ${ratio * 100} %`);
    await showTraffic(gateway, ratio);
  }

  title('5. Target turns slow and starts to fail');
  await control(target, { latencyMs: 60, errorRate: 0.3 });
  explain('target: 60 ms, 30 % errors');
  const failing = await sendTraffic(gateway, 60);
  check(failing.failed === 0, 'no client sees an error: the gateway falls back to legacy');
  explain(`60 requests, ${failing.failed} failed: what target failed, legacy answered`);

  title('6. The cron job notices, and rolls back');
  let verdict = await run(folder, ['canary', 'check', '--auto-rollback']);
  for (let looks = 1; verdict.code === 3 && looks < 10; looks++) {
    verdict = await run(folder, ['canary', 'check', '--auto-rollback']);
  }
  check(verdict.code === 2, 'the canary fails and rolls back by itself');
  await showTraffic(gateway, 0);

  title('7. Where are we, and what has happened?');
  const status = JSON.parse((await run(folder, ['status', '--json'], { quiet: true })).stdout);
  await run(folder, ['status']);
  await run(folder, ['history', '--limit', '12']);
  check(
    status.ratio === 0 && status.status === 'idle' && status.drift.length === 0,
    'all traffic is on legacy',
  );
  const notified = readFileSync(join(folder, 'notifications.jsonl'), 'utf8').trim().split('\n').length;
  check(notified === 4, 'each of the four transitions was told once');

  title('What to do next');
  explain('your own logs:      node bin/cutover.js assess your-usage.jsonl');
  explain('your own config:    start from fixtures/demo/cutover.yaml (see README.md)');
  explain('when it burns:      cutover rollback --emergency');
}

try {
  await demo();
} catch (error) {
  process.stderr.write(`\n${error.message}\n`);
  process.exitCode = 1;
} finally {
  await stopAll();
  rmSync(folder, { recursive: true, force: true });
}
