import { copyFileSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { BIND, type BindBench, KEYS, startBind } from '../servers/bind.ts';
import { type HttpReceiver, startHttpReceiver } from '../servers/http-receiver.ts';
import { freePort } from '../servers/process.ts';
import { installed } from '../servers/require.ts';
import { cutover, cutoverJson, makeFolder } from './cli.ts';

const SECRET_PATH = '/services/T0/B0/planted-webhook-token';
const FORCE = ['--yes', '--force', '--reason', 'test'];

interface Trials {
  hooks: { kind: string; driver: string; outcome: string; detail: string; error?: string; hint?: string }[];
}

function folder(extra: string): string {
  const dir = makeFolder(extra);
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

async function receiver(): Promise<HttpReceiver> {
  const started = await startHttpReceiver();
  onTestFinished(() => started.stop());
  return started;
}

describe('hooks test', () => {
  it('runs each hook of your own and each notify hook with a marked event, and changes nothing', async () => {
    const { url, received } = await receiver();
    const dir = folder(`hooks:
  dns:
    - { driver: exec, command: [sh, -c, 'cat > dns.json; echo "test $CUTOVER_TEST, to $CUTOVER_PROVIDER"'] }
    - { driver: webhook, url: ${url}/dns }
  notify:
    - { driver: slack, url: "\${env:SLACK}" }
    - { driver: webhook, url: ${url}/hook }
    - { driver: exec, command: [sh, -c, 'echo "told: $CUTOVER_MESSAGE"'] }
`);
    const env = { SLACK: `${url}${SECRET_PATH}` };
    const before = await cutoverJson(dir, ['status'], env);
    const { hooks } = await cutoverJson<Trials>(dir, ['hooks', 'test'], env);
    expect(hooks.map(({ kind, driver, outcome }) => `${kind} ${driver} ${outcome}`)).toEqual([
      'dns exec ok',
      'dns webhook ok',
      'notify slack ok',
      'notify webhook ok',
      'notify exec ok',
    ]);
    expect(hooks[0]?.detail).toBe('test 1, to legacy');
    expect(hooks[4]?.detail).toBe('told: [TEST] chat-prod: a test message of cutover');
    expect(received.map(({ body }) => /\[TEST\]|"test":true/.test(body))).toEqual([true, true, true]);
    // One that does not look at the mark is told what is so already.
    const asked = JSON.parse(received.find(({ path }) => path === '/dns')?.body ?? '') as object;
    const world = { status: 'idle', ratio: 0, activeProvider: 'legacy' };
    expect(asked).toMatchObject({ test: true, step: 'dns', provider: 'legacy', from: world, to: world });
    expect(JSON.parse(readFileSync(join(dir, 'dns.json'), 'utf8'))).toMatchObject({ test: true, to: world });
    expect(await cutoverJson(dir, ['status'], env)).toEqual(before);
    // Nothing was made that a change would have made.
    expect(readdirSync(dir).sort()).toEqual(['cutover.yaml', 'dns.json']);
  });

  it('fails with the command or the address of your own that fails', async () => {
    const { url, answer } = await receiver();
    answer(() => ({ status: 500, body: 'no such zone' }));
    const dir = folder(`hooks:
  dns:
    - { driver: exec, command: [./route-dns.sh], retries: 0 }
    - { driver: exec, command: [sh, -c, 'echo no right to do this >&2; exit 3'], retries: 0 }
    - { driver: webhook, url: ${url}, retries: 0 }
`);
    const ran = await cutover(dir, ['hooks', 'test', '--json']);
    expect(ran.code).toBe(4);
    expect((JSON.parse(ran.stdout) as Trials).hooks).toMatchObject(
      [
        { outcome: 'failed', code: 'HOOK_FAILED', error: /ENOENT/, hint: /executable/ },
        { outcome: 'failed', code: 'HOOK_FAILED', error: /exit 3: no right to do this/ },
        { outcome: 'failed', code: 'HOOK_FAILED', error: /HTTP 500: no such zone/ },
      ].map(({ error, hint, ...rest }) => ({
        ...rest,
        error: expect.stringMatching(error),
        ...(hint && { hint: expect.stringMatching(hint) }),
      })),
    );
  });

  it('keeps to the timeout of a command, and waits for nothing that it has left behind', async () => {
    const dir = folder(`hooks:
  notify:
    - { driver: exec, command: [sh, -c, 'setsid sleep 30 & echo $! >> left; sleep 30'], timeout: 1s, retries: 0 }
    - { driver: exec, command: [sh, -c, 'setsid sleep 30 & echo $! >> left; echo told'], timeout: 20s, retries: 0 }
`);
    const left = () => readFileSync(join(dir, 'left'), 'utf8').trim().split('\n').map(Number);
    const began = Date.now();
    const ran = await cutover(dir, ['hooks', 'test', '--json']);
    onTestFinished(() => {
      for (const pid of left()) process.kill(pid);
    });
    expect(Date.now() - began).toBeLessThan(15_000);
    expect(ran.code).toBe(4);
    expect((JSON.parse(ran.stdout) as Trials).hooks).toMatchObject([
      { outcome: 'failed', error: 'no answer within 1000 ms' },
      { outcome: 'ok', detail: 'told' },
    ]);
  });

  it('is told where traffic is, and runs no DNS hook beside an operation that is not finished', async () => {
    const dir = folder(`hooks:
  dns: [{ driver: exec, command: [sh, -c, 'echo "test=$CUTOVER_TEST $CUTOVER_PROVIDER" >> ran; [ ! -e broken ]'], retries: 0 }]
`);
    const confirmed = [...FORCE, '--confirm', 'chat-prod'];
    await cutoverJson(dir, ['canary', 'start', '--yes']);
    await cutoverJson(dir, ['shift', '100%', ...confirmed], { CUTOVER_TEST: '1' });
    const lines = () => readFileSync(join(dir, 'ran'), 'utf8').trim().split('\n');
    expect((await cutover(dir, ['hooks', 'test'])).code).toBe(0);
    expect(lines()).toEqual(['test= target', 'test=1 target']);

    writeFileSync(join(dir, 'broken'), '');
    expect((await cutover(dir, ['rollback', '--anyway', ...confirmed])).code).toBe(4);
    expect(lines()).toHaveLength(3);
    const { hooks } = await cutoverJson<Trials>(dir, ['hooks', 'test']);
    expect(hooks).toMatchObject([{ outcome: 'skipped', detail: expect.stringContaining('is not finished') }]);
    expect(lines()).toHaveLength(3);
  });

  it('runs no DNS hook beside an operation that runs', async () => {
    const dir = folder(`hooks:
  dns: [{ driver: exec, command: [touch, ran] }]
  notify: [{ driver: exec, command: [sh, -c, '[ "$CUTOVER_TEST" ] || { touch running; while [ ! -e go ]; do sleep 0.1; done; }'], timeout: 60s }]
`);
    const shift = cutoverJson(dir, ['canary', 'start', '--yes']);
    await vi.waitFor(() => expect(readdirSync(dir)).toContain('running'), { timeout: 20_000 });
    const { hooks } = await cutoverJson<Trials>(dir, ['hooks', 'test']);
    expect(hooks).toMatchObject([
      { outcome: 'skipped', detail: expect.stringMatching(/^not run: canary start op-\S+ is running$/) },
      { outcome: 'ok' },
    ]);
    writeFileSync(join(dir, 'go'), '');
    await shift;
    expect(readdirSync(dir)).not.toContain('ran');
  });

  it('has each of its fields in docs/json.md', async () => {
    const dir = folder(`hooks:
  notify: [{ driver: exec, command: [./nowhere], retries: 0 }, { driver: exec, command: ['true'] }]
`);
    const text = readFileSync(new URL('../../docs/json.md', import.meta.url), 'utf8');
    const told = /^\| `hooks test` \| (.*) \|$/m.exec(text)?.[1] ?? '';
    const fields = /hooks: \[\{([^}]*)\}\]/
      .exec(told)?.[1]
      ?.split(', ')
      .map((field) => field.replace('?', ''));
    const ran = await cutover(dir, ['hooks', 'test', '--json']);
    for (const hook of (JSON.parse(ran.stdout) as Trials).hooks) {
      for (const field of Object.keys(hook)) expect(fields, told).toContain(field);
    }
  });

  it('exits with 4 when one fails, and tells which, why and how to mend it', async () => {
    const { url, answer } = await receiver();
    answer(({ path }) => ({ status: 410, body: `no_service: ${path}` }));
    const dir = folder(`hooks:
  notify:
    - { driver: slack, url: "\${env:SLACK}", retries: 0 }
    - { driver: teams, url: "\${env:TEAMS}", retries: 0 }
    - { driver: exec, command: ['true'] }
`);
    const ran = await cutover(dir, ['hooks', 'test'], { env: { SLACK: `${url}${SECRET_PATH}` } });
    expect(ran.code).toBe(4);
    expect(ran.stdout).toMatch(/^failed +notify +notify\[0\] slack .*HTTP 410: no_service: \*\*\*$/m);
    expect(ran.stdout).toMatch(/^failed +notify +notify\[1\] teams .*TEAMS is not set$/m);
    expect(ran.stdout).toMatch(/^ok +notify +notify\[2\] exec/m);
    expect(ran.stdout).toMatch(/^ +notify\[1\] teams: export TEAMS=…$/m);
    expect(ran.stdout + ran.stderr).not.toContain('planted');
  });

  it('says so when there are no hooks', async () => {
    const ran = await cutover(folder(''), ['hooks', 'test']);
    expect([ran.code, ran.stdout]).toEqual([0, 'the config has no hooks; add some below `hooks:`\n']);
  });
});

describe.skipIf(!installed(BIND))('a migration with a real name server', () => {
  let bench: BindBench;
  beforeAll(async () => {
    bench = await startBind();
  });
  afterAll(async () => {
    await bench?.stop();
  });

  const withDns = (name: string, port: number, more = '') => {
    const dir = folder(`hooks:
  dns:
    - driver: rfc2136
      server: 127.0.0.1:${port}
      keyFile: tsig.key
      zone: example.test
      retries: 0
      records: [{ name: ${name}, type: CNAME, ttl: 30, legacy: legacy.example.net., target: target.example.net. }]
${more}`);
    copyFileSync(join(bench.dir, KEYS.right), join(dir, 'tsig.key'));
    return dir;
  };

  it('moves DNS at 100 %, tells of it once, and puts back what was there', async () => {
    const { url, received } = await receiver();
    const name = 'llm.example.test.';
    await bench.put(name, 'CNAME', 3600, ['elsewhere.example.org.']);
    const dir = withDns(name, bench.port, `  notify: [{ driver: webhook, url: ${url} }]\n`);
    await cutoverJson(dir, ['canary', 'start', '--yes']);
    expect(await bench.look(name, 'CNAME')).toEqual(['elsewhere.example.org.']);
    await cutoverJson(dir, ['shift', '100%', ...FORCE, '--confirm', 'chat-prod']);
    expect(await bench.look(name, 'CNAME')).toEqual(['target.example.net.']);
    await cutoverJson(dir, ['rollback', '--anyway', ...FORCE, '--confirm', 'chat-prod']);
    expect(await bench.look(name, 'CNAME')).toEqual(['elsewhere.example.org.']);
    const told = received.map(
      ({ body }) => (JSON.parse(body) as { operation: { kind: string } }).operation.kind,
    );
    expect(told).toEqual(['canary start', 'shift', 'rollback']);
    const secret = /secret "([^"]+)"/.exec(readFileSync(join(dir, 'tsig.key'), 'utf8'))?.[1] ?? '?';
    for (const file of readdirSync(join(dir, '.cutover'))) {
      expect(readFileSync(join(dir, '.cutover', file)).includes(secret)).toBe(false);
    }
  });

  it.each([
    ['the right key', KEYS.right, { outcome: 'ok' }],
    ['a wrong secret', KEYS.otherSecret, { outcome: 'failed', code: 'DNS_BADSIG' }],
    ['a key that the server does not know', KEYS.unknown, { outcome: 'failed', code: 'DNS_BADKEY' }],
    ['a key that may change nothing', KEYS.powerless, { outcome: 'failed', code: 'DNS_REFUSED' }],
    ['no key file', null, { outcome: 'failed', code: 'KEY_FILE', error: expect.stringContaining('keyFile') }],
  ])('hooks test with %s', async (_what, key, expected) => {
    const name = 'proved.example.test.';
    await bench.put(name, 'CNAME', 60, ['Legacy.example.net.']);
    const was = [await bench.exact(name), await bench.serial()];
    const dir = withDns(name, bench.port);
    rmSync(join(dir, 'tsig.key'));
    if (key) copyFileSync(join(bench.dir, key), join(dir, 'tsig.key'));
    const ran = await cutover(dir, ['hooks', 'test', '--json']);
    expect(JSON.parse(ran.stdout)).toMatchObject({ hooks: [expected] });
    expect(ran.code).toBe(expected.outcome === 'ok' ? 0 : 4);
    expect([await bench.exact(name), await bench.serial()]).toEqual(was);
  });

  it('sets the flag and says what is left when the name server is down', async () => {
    const dir = withDns('down.example.test.', await freePort());
    await cutoverJson(dir, ['canary', 'start', '--yes']);
    const ran = await cutover(dir, ['rollback', '--emergency', '--json']);
    expect(ran.code).toBe(4);
    expect(JSON.parse(ran.stdout)).toMatchObject({
      operation: { outcome: 'partial' },
      steps: [
        { kind: 'flag', outcome: 'done' },
        {
          kind: 'dns',
          driver: 'rfc2136',
          outcome: 'failed',
          code: 'DNS_UNREACHABLE',
          hint: expect.stringContaining('primary'),
          error: expect.stringContaining('ECONNREFUSED'),
        },
      ],
    });
  });
});

describe('DNS hooks that cannot be read', () => {
  it.each(['status', 'diff'])('are no records that `dns %s` could call right', async (command) => {
    const dir = folder('hooks: { dns: [{ driver: exec, command: [cat] }] }\n');
    const { code, stdout } = await cutover(dir, ['dns', command]);
    expect(code).toBe(0);
    expect(stdout).toContain('no record is known');
  });
});
