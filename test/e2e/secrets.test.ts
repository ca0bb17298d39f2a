import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { cutover, makeFolder } from './cli.ts';

/** Secrets that a config refers to, each of its own text, so that a leak names its source. */
const SECRETS = {
  LEGACY_KEY: 'sk-legacy-5f1e9c7d',
  TARGET_KEY: 'sk-target-8a2b4c6e',
  HOOK_PATH: 'T0000/B0000/xoxb-hook-path-31d7',
  HOOK_TOKEN: 'hook-token-77aa99ee',
  URL_PASSWORD: 'p4ss-in-url-12ab',
};

/** A server that tells everything it was sent back to the client, as careless ones do. */
async function echoing(): Promise<{ port: number; bodies: string[] }> {
  const bodies: string[] = [];
  const server = createServer(async (request: IncomingMessage, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    bodies.push(body);
    response.statusCode = request.url?.includes('/v1') ? 401 : 500;
    response.end(JSON.stringify({ error: `no: ${request.url} ${JSON.stringify(request.headers)} ${body}` }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  return { port: (server.address() as AddressInfo).port, bodies };
}

it('no secret of the config appears in output, state, flag, usage log or notifications', async () => {
  const { port, bodies } = await echoing();
  const dir = makeFolder();
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  const base = `http://127.0.0.1:${port}`;
  writeFileSync(join(dir, 'legacy.key'), `${SECRETS.LEGACY_KEY}\n`);
  writeFileSync(
    join(dir, 'cutover.yaml'),
    `migration: chat-prod
providers:
  legacy: { name: deepseek, baseUrl: '${base}/v1', apiKey: '\${file:legacy.key}' }
  target: { name: holysheep, baseUrl: '${base}/v1', apiKey: '\${env:TARGET_KEY}' }
models: { a: b }
stage: { bake: 0s }
canary: { pairsPerRun: 3 }
hooks:
  dns:
    - { driver: exec, command: [sh, -c, 'echo "$HOOK_TOKEN $TARGET_KEY"; echo "$URL_PASSWORD" >&2; cat legacy.key >&2; exit 1'], retries: 0 }
    - { driver: webhook, url: 'http://user:\${env:URL_PASSWORD}@127.0.0.1:${port}/dns', retries: 0 }
  notify:
    - { driver: webhook, url: '${base}/\${env:HOOK_PATH}', headers: { authorization: 'Bearer \${env:HOOK_TOKEN}' }, retries: 0 }
    - { driver: exec, command: [sh, -c, 'echo "$HOOK_TOKEN" "$HOOK_PATH" >&2; exit 1'], retries: 0 }
`,
  );
  const outputs: string[] = [];
  const force = ['--yes', '--force', '--reason', 'test'];
  for (const args of [
    ['status'],
    ['canary', 'start', '--yes'],
    ['canary', 'check'],
    ['canary', 'check', '--json'],
    ['shift', '50%', ...force],
    ['shift', '100%', '--confirm', 'chat-prod', '--force', '--reason', 'test'],
    ['rollback', '--dry-run', '--json'],
    ['rollback', '--confirm', 'chat-prod'],
    ['rollback', '--confirm', 'chat-prod', '--anyway', '--json'],
    ['resume', '--json'],
    ['rollback', '--emergency'],
    ['rollback', '--emergency', '--json'],
    ['status', '--json'],
    ['status', '--check'],
    ['checkpoint', 'export'],
    ['checkpoint', 'show', '2'],
    ['history', '--json'],
    ['lease', '--json'],
  ]) {
    const ran = await cutover(dir, args, { env: SECRETS });
    outputs.push(`$ ${args.join(' ')}\n${ran.stdout}\n${ran.stderr}`);
  }
  for (const name of readdirSync(dir, { recursive: true, withFileTypes: true })) {
    if (!name.isFile() || name.name === 'legacy.key') continue;
    outputs.push(`file ${name.name}\n${readFileSync(join(name.parentPath, name.name), 'latin1')}`);
  }
  expect(bodies.length).toBeGreaterThan(10);
  outputs.push(...bodies.map((body) => `sent: ${body}`));
  const everything = outputs.join('\n');
  expect(everything).toContain('401');
  for (const [name, secret] of Object.entries(SECRETS)) {
    const at = everything.indexOf(secret);
    expect(at === -1 ? '' : `${name}: …${everything.slice(Math.max(0, at - 300), at + 60)}`).toBe('');
    expect(everything).not.toContain(encodeURIComponent(secret));
    expect(everything).not.toContain(Buffer.from(secret).toString('base64'));
  }
});
