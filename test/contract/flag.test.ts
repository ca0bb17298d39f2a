import { lstatSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createSecrets } from '../../src/config/secrets.ts';
import { createFlag } from '../../src/flag/create.ts';
import type { FlagChange, FlagDriver } from '../../src/flag/driver.ts';
import { readFlag } from '../../src/flag/flagd.ts';
import { runFlag } from '../../src/operation/flag-step.ts';
import type { StepContext } from '../../src/operation/step-run.ts';
import { sameRatio } from '../../src/world.ts';

/** What every flag driver has to do, run over each of them on real files, processes and sockets. */

function folder(): string {
  const dir = mkdtempSync(join(tmpdir(), 'cutover-flag-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

const host = (dir: string) => ({
  dir,
  env: process.env,
  secrets: createSecrets({}, dir),
  migration: 'm',
});

async function fileDriver(): Promise<FlagDriver> {
  const dir = folder();
  return createFlag({ driver: 'file', path: 'flags.json', key: 'llm' }, host(dir));
}

async function execDriver(): Promise<FlagDriver> {
  const dir = folder();
  const script = 'if [ $1 = get ]; then cat change 2>/dev/null || true; else cat > change; fi';
  writeFileSync(join(dir, 'flag.sh'), script);
  return createFlag({ driver: 'exec', command: ['sh', 'flag.sh'], timeout: 5000, retries: 0 }, host(dir));
}

async function webhookDriver(): Promise<FlagDriver> {
  let stored = '';
  const server = createServer((request, response) => {
    if (request.method === 'GET') return response.end(stored);
    let body = '';
    request.on('data', (chunk) => {
      body += chunk;
    });
    request.on('end', () => {
      stored = body;
      response.end('{}');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/flag`;
  return createFlag({ driver: 'webhook', url, headers: {}, timeout: 5000, retries: 0 }, host(folder()));
}

const signal = () => AbortSignal.timeout(5000);
const change = (ratio: number, token: number, operation = `op-${token}`): FlagChange => ({
  ratio,
  token,
  operation,
  kind: 'shift',
});

const stepTo = (ratio: number) =>
  ({
    plan: { kind: ratio > 0 ? 'shift' : 'rollback', to: { ratio } },
    operation: { id: 'op-1', token: 7 },
    deadline: Date.now() + 5000,
    clock: { now: () => Date.now(), random: () => 0 },
    redact: (text: string) => text,
  }) as unknown as StepContext;

describe.each([
  ['file', fileDriver],
  ['exec', execDriver],
  ['webhook', webhookDriver],
])('the flag driver %s', (_name, make) => {
  it('says that there is no flag before the first write', async () => {
    expect(await (await make()).get(signal())).toBeNull();
  });

  it.each([0, 0.01, 0.1, 1 / 3, 0.5, 0.99, 1])('reads back the ratio %d that it set', async (ratio) => {
    const flag = await make();
    await flag.set(change(ratio, 7), signal());
    const read = await flag.get(signal());
    expect(read?.ratio).toBeCloseTo(ratio, 5);
    expect(read).toMatchObject({ token: 7, operation: 'op-7', kind: 'shift' });
  });

  it('sets the same value twice without harm', async () => {
    const flag = await make();
    await flag.set(change(0.25, 3), signal());
    await flag.set(change(0.25, 3), signal());
    expect(await flag.get(signal())).toMatchObject({ ratio: 0.25, token: 3 });
  });
});

describe('a webhook that does not say that it has set the flag', () => {
  it.each<[string, (request: IncomingMessage, response: ServerResponse) => unknown, boolean]>([
    ['is silent', () => {}, true],
    ['cuts the connection', ({ socket }) => socket.destroy(), true],
    ['stands behind a proxy that gave up', (_, response) => response.writeHead(504).end(), true],
    ['refuses', (_, response) => response.writeHead(500).end(), false],
  ])('and %s', async (_name, onPost, unanswered) => {
    const server = createServer((request, response) =>
      request.method === 'GET' ? response.end('{"ratio":0}') : onPost(request, response),
    );
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => {
      server.close();
      server.closeAllConnections();
    });
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/flag`;
    const more = { headers: {}, timeout: 300, retries: 0 };
    const flag = createFlag({ driver: 'webhook', url, ...more }, host(folder()));
    const end = await runFlag(flag, stepTo(0.1));
    expect([end.outcome, end.unanswered ?? false]).toEqual(['failed', unanswered]);
  });

  it('and cannot be reached: then it was not asked', async () => {
    const more = { headers: {}, timeout: 5000, retries: 0 };
    const flag = createFlag({ driver: 'webhook', url: 'http://127.0.0.1:9/flag', ...more }, host(folder()));
    const found = { before: { ratio: 0 } };
    expect((await runFlag(flag, { ...stepTo(0.1), found } as StepContext)).unanswered).toBeUndefined();
  });
});

describe('a flag that says almost 0 %', () => {
  it.each([1e-6, 1e-9, 0.00001])('is not set to 0 when %d is read back', async (ratio) => {
    const dir = folder();
    const flag = createFlag(
      {
        driver: 'exec',
        command: ['sh', '-c', `[ $0 = set ] || echo ${ratio.toFixed(12)}`],
        timeout: 5000,
        retries: 0,
      },
      host(dir),
    );
    expect(await runFlag(flag, stepTo(0))).toMatchObject({ outcome: 'failed', code: 'FLAG_READ_BACK' });
  });

  it('is read as it is from a file, however great the weights', () => {
    const targeting = {
      fractional: [
        ['target', 1],
        ['legacy', 2_000_000_000],
      ],
    };
    const variants = { legacy: 'legacy', target: 'target' };
    const flag = { state: 'ENABLED', variants, defaultVariant: 'legacy', targeting };
    expect(sameRatio(readFlag({ flags: { llm: flag } }, 'llm').ratio, 0)).toBe(false);
  });
});

describe('the flag file', () => {
  it('refuses a writer whose token is not the greatest, and keeps what stands there', async () => {
    const flag = await fileDriver();
    await flag.set(change(0, 9), signal());
    await expect(flag.set(change(0.5, 8), signal())).rejects.toMatchObject({ code: 'FENCED', exitCode: 75 });
    await expect(flag.set(change(0.5, 9, 'op-other'), signal())).rejects.toMatchObject({ code: 'FENCED' });
    expect(await flag.get(signal())).toMatchObject({ ratio: 0, token: 9 });
  });

  it('removes what older writers left behind, and nothing else', async () => {
    const dir = folder();
    const flag = createFlag({ driver: 'file', path: 'flags.json', key: 'llm' }, host(dir));
    writeFileSync(join(dir, 'flags.json.cutover-3-1.tmp'), 'old');
    writeFileSync(join(dir, 'flags.json.cutover-99-1.tmp'), 'newer');
    writeFileSync(join(dir, 'other.tmp'), 'not ours');
    await flag.set(change(0.5, 9), signal());
    expect(readdirSync(dir).sort()).toEqual(['flags.json', 'flags.json.cutover-99-1.tmp', 'other.tmp']);
  });

  it('takes no link that leads nowhere for a flag that is not there: its readers are elsewhere', async () => {
    const dir = folder();
    symlinkSync(join(dir, 'away', 'flags.json'), join(dir, 'flags.json'));
    const flag = createFlag({ driver: 'file', path: 'flags.json', key: 'llm' }, host(dir));
    await expect(flag.set(change(0, 1), signal())).rejects.toMatchObject({
      code: 'FLAG_UNWRITABLE',
      message: expect.stringContaining('away/flags.json, which is not there'),
    });
    expect(lstatSync(join(dir, 'flags.json')).isSymbolicLink()).toBe(true);
  });

  it('keeps a link a link', async () => {
    const dir = folder();
    const real = join(folder(), 'real.json');
    writeFileSync(real, '');
    symlinkSync(real, join(dir, 'flags.json'));
    const flag = createFlag({ driver: 'file', path: 'flags.json', key: 'llm' }, host(dir));
    await flag.set(change(0.5, 1), signal());
    expect(lstatSync(join(dir, 'flags.json')).isSymbolicLink()).toBe(true);
    expect(await flag.get(signal())).toMatchObject({ ratio: 0.5 });
  });

  it.each([
    ['half a file', '{"flags": {', 'FLAG_INVALID'],
    ['something else', '[1, 2]', 'FLAG_INVALID'],
    [
      'a disabled flag',
      '{"flags":{"llm":{"state":"DISABLED","variants":{},"defaultVariant":"legacy"}}}',
      'FLAG_DISABLED',
    ],
  ])('does not guess what %s means', async (_name, text, code) => {
    const dir = folder();
    writeFileSync(join(dir, 'flags.json'), text);
    const flag = createFlag({ driver: 'file', path: 'flags.json', key: 'llm' }, host(dir));
    await expect(flag.get(signal())).rejects.toMatchObject({ code });
  });
});
