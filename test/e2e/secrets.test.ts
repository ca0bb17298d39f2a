import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
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
}, 90_000);

const PEM = `-----BEGIN PRIVATE KEY-----
MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj
MzEfYyjiWA4R4/M2bS1GB4t7NXp98C3SC6dVMvDuictGeurT8jNbvJZHtCSuYEvu
-----END PRIVATE KEY-----`;
const FORMS = { KEY: 'sk-"quoted"+and/slashed\\5f1e', PASSWORD: 'only-by-its-name-19ab', CERT: PEM };
const encoded = (text: string) => Buffer.from(text).toString('base64');
/** What must not be found anywhere: the secrets in every form that a careless program gives them. */
const TRACES = Object.entries({
  key: FORMS.KEY,
  'key in JSON': JSON.stringify(FORMS.KEY).slice(1, -1),
  'key in JSON in JSON': JSON.stringify(JSON.stringify(FORMS.KEY)).slice(3, -3),
  'key in a URL': encodeURIComponent(FORMS.KEY),
  'key in base64': encoded(FORMS.KEY),
  'key in base64url': Buffer.from(FORMS.KEY).toString('base64url'),
  'key in Basic': encoded(`user:${FORMS.KEY}`),
  'key in hexadecimal': Buffer.from(FORMS.KEY).toString('hex'),
  'a name in the environment': FORMS.PASSWORD,
  'a line of the PEM': PEM.split('\n')[1] as string,
  'a line of the PEM in base64': encoded(PEM).slice(60, 110),
});
/** A program of the user's own that prints all it knows, in every form, and then fails or answers. */
const CARELESS = `
const { env } = process;
const b = (text) => Buffer.from(text);
const said = [JSON.stringify(env), JSON.stringify({ said: JSON.stringify(env) }), env.KEY, env.CERT, b(env.KEY).toString('base64'),
  b(env.KEY).toString('base64url'), b('user:' + env.KEY).toString('base64'), b(env.KEY).toString('hex'),
  encodeURIComponent(env.KEY), b(env.CERT).toString('base64').replace(/.{76}/g, '$&\\n'), env.CERT.split('\\n').join(' ')];
// A little of each: what is said is kept in part only.
for (const text of said) console.error(text.slice(-1900));
`;

function everythingIn(dir: string, except: string[]): string {
  return readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !except.includes(entry.name))
    .map((entry) => `file ${entry.name}\n${readFileSync(join(entry.parentPath, entry.name), 'latin1')}`)
    .join('\n');
}

function expectNoTrace(everything: string): void {
  for (const [name, trace] of TRACES) {
    const at = everything.indexOf(trace);
    expect(at === -1 ? '' : `${name}: …${everything.slice(Math.max(0, at - 200), at + 80)}`).toBe('');
  }
}

const PROVIDERS = `
models: { a: b }
hooks: { notify: [{ driver: webhook, url: 'http://127.0.0.1:9/', headers: { a: '\${env:KEY}', b: '\${file:cert.pem}' }, retries: 0 }] }
`;

describe('a flag that tells all it knows', () => {
  const COMMANDS = [
    ['status'],
    ['canary', 'start', '--yes', '--force', '--reason', `because of ${FORMS.KEY}`],
    ['canary', 'start', '--yes', '--json'],
    ['checkpoint', 'create', '--reason', `before ${encoded(FORMS.KEY)}`],
    ['checkpoint', 'diff', '1'],
    ['freeze', '--reason', encodeURIComponent(FORMS.KEY)],
    ['unfreeze', '--reason', PEM],
    ['rollback', '--emergency', '--reason', `of ${FORMS.KEY}`],
    ['rollback', '--emergency', '--json'],
    ['resume'],
    ['status', '--json'],
    ['history', '--json'],
    ['checkpoint', 'export'],
  ];

  it.each(['says it and fails', 'answers with it', 'answers, with it beside the ratio'])(
    'in a command that %s',
    async (manner) => {
      const dir = makeFolder(`${PROVIDERS}
flag: { driver: exec, command: [node, flag.cjs], timeout: 5s, retries: 0 }`);
      onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
      const ends = {
        'says it and fails': 'process.exitCode = 1;',
        'answers with it': "console.log('no ratio: ' + JSON.stringify(env));",
        'answers, with it beside the ratio':
          "console.log(JSON.stringify({ ratio: 0, token: 1, operation: said.join(' '), kind: env.PASSWORD }));",
      }[manner];
      writeFileSync(join(dir, 'flag.cjs'), CARELESS + ends);
      writeFileSync(join(dir, 'cert.pem'), `${PEM}\n`);
      const outputs: string[] = [];
      for (const args of COMMANDS) {
        const ran = await cutover(dir, args, { env: { ...FORMS } });
        outputs.push(`$ ${args[0]}\n${ran.stdout}\n${ran.stderr}`);
        if (args.includes('--json')) JSON.parse(ran.stdout);
      }
      expect(outputs.join()).toContain('***');
      expectNoTrace(outputs.join('\n') + everythingIn(dir, ['cert.pem']));
    },
    120_000,
  );

  it('in a server that echoes what it was sent', async () => {
    const { port } = await echoing();
    const dir = makeFolder(`${PROVIDERS}
flag:
  driver: webhook
  url: 'http://user:\${env:PASSWORD}@127.0.0.1:${port}/flag/some-secret-path-in-it?key=\${env:KEY}'
  headers: { authorization: '\${env:KEY}' }
  retries: 0`);
    onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
    writeFileSync(join(dir, 'cert.pem'), PEM);
    const env = { ...FORMS, KEY: 'sk-plain-enough-for-a-header' };
    const outputs: string[] = [];
    for (const args of COMMANDS) {
      const ran = await cutover(dir, args, { env });
      outputs.push(`$ ${args[0]}\n${ran.stdout}\n${ran.stderr}`);
    }
    const everything =
      outputs.join('\n') + everythingIn(dir, ['cert.pem', 'cutover.yaml', 'last-config.json']);
    expect(everything).toContain('HTTP 500');
    for (const trace of [env.KEY, env.PASSWORD, encoded(`user:${env.PASSWORD}`), 'some-secret-path']) {
      expect(everything).not.toContain(trace);
    }
  }, 90_000);
});

it('a stack trace holds no secret, wherever the fault that was not foreseen came from', async () => {
  const dir = makeFolder(PROVIDERS);
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  writeFileSync(join(dir, 'cert.pem'), PEM);
  await cutover(dir, ['canary', 'start', '--yes'], { env: FORMS });
  const fault = 'new Error(process.env.KEY + JSON.stringify([process.env.KEY, process.env.CERT]))';
  for (const [args, shim] of [
    [['history'], `Array.prototype.toReversed = () => { throw ${fault}; };`],
    [['history', '--json'], `Date.prototype.toISOString = () => { throw ${fault}; };`],
    [
      ['history'],
      `Array.prototype.toReversed = function () { setImmediate(() => { throw ${fault}; }); return this; };`,
    ],
    [['history'], `Array.prototype.toReversed = function () { Promise.reject(${fault}); return this; };`],
  ] as const) {
    writeFileSync(join(dir, 'shim.cjs'), shim);
    const ran = await cutover(dir, [...args], { env: FORMS, node: ['--require', join(dir, 'shim.cjs')] });
    expect(ran.code).toBe(1);
    expect(ran.stderr).toMatch(/\n\s+at /);
    expectNoTrace(`${ran.stdout}\n${ran.stderr}`);
  }
});
