import { createHmac, timingSafeEqual } from 'node:crypto';
import { chmodSync, existsSync, readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { ALERTMANAGER, type AlertmanagerBench, startAlertmanager } from '../servers/alertmanager.ts';
import { faultOf, hookEvent, hooksOf, rollbackEvent, soon } from '../servers/hooks.ts';
import { startHttpReceiver } from '../servers/http-receiver.ts';
import { temporaryFolder } from '../servers/process.ts';
import { installed } from '../servers/require.ts';
import { SMTP, type SmtpBench, startSmtp } from '../servers/smtp.ts';

/** What only one notify driver has, each against its real receiver. */

const notifier = (entry: unknown, host: Parameters<typeof hooksOf>[1]) => {
  const [hook] = hooksOf({ notify: [entry] }, host).notify;
  if (!hook) throw new Error('no hook');
  return hook;
};

describe('a signed webhook', () => {
  it('can be checked by its receiver, and by its receiver alone', async () => {
    const receiver = await startHttpReceiver();
    onTestFinished(() => receiver.stop());
    const hook = notifier(
      { driver: 'webhook', url: receiver.url, secret: '${env:SIGNING}' },
      { dir: '/', env: { SIGNING: 'shared-secret' }, now: () => 1_700_000_000_999 },
    );
    await hook.run(hookEvent({ evidence: { verdict: 'PASS' } }), soon());
    const [call] = receiver.received;
    const timestamp = String(call?.headers['cutover-timestamp']);
    const expected = (secret: string) =>
      `sha256=${createHmac('sha256', secret).update(`${timestamp}.${call?.body}`).digest('hex')}`;
    const given = Buffer.from(String(call?.headers['cutover-signature']));
    expect(timestamp).toBe('1700000000');
    expect(timingSafeEqual(given, Buffer.from(expected('shared-secret')))).toBe(true);
    expect(timingSafeEqual(given, Buffer.from(expected('another-secret')))).toBe(false);
    expect(call?.headers['idempotency-key']).toBe('op-1:2');
    expect(JSON.parse(call?.body ?? '')).toEqual(hookEvent({ evidence: { verdict: 'PASS' } }));
  });

  it('follows no redirect', async () => {
    const receiver = await startHttpReceiver();
    onTestFinished(() => receiver.stop());
    receiver.answer({ status: 302, body: 'elsewhere' });
    const hook = notifier({ driver: 'webhook', url: receiver.url }, { dir: '/' });
    expect((await faultOf(hook.run(hookEvent(), soon()))).message).toMatch(/HTTP 302/);
    expect(receiver.received).toHaveLength(1);
  });
});

describe('a failure that answers 200', () => {
  it('is found in what Teams says', async () => {
    const receiver = await startHttpReceiver();
    onTestFinished(() => receiver.stop());
    receiver.answer({ status: 200, body: 'Webhook message delivery failed with error: too large' });
    const hook = notifier({ driver: 'teams', url: '${env:URL}' }, { dir: '/', env: { URL: receiver.url } });
    expect((await faultOf(hook.run(hookEvent(), soon()))).message).toMatch(/delivery failed/);
  });
});

describe('exec', () => {
  it('gets the documented variables and the event on stdin', async () => {
    const { dir, remove } = temporaryFolder();
    onTestFinished(remove);
    writeFileSync(join(dir, 'tell'), `#!/bin/sh\nenv | grep ^CUTOVER_ | sort > variables; cat > event\n`);
    chmodSync(join(dir, 'tell'), 0o755);
    const hook = notifier({ driver: 'exec', command: ['./tell'] }, { dir, env: { PATH: process.env.PATH } });
    await hook.run(rollbackEvent({ reason: 'slow\u001b[31m' }), soon());
    expect(readFileSync(join(dir, 'variables'), 'utf8').split('\n').filter(Boolean)).toEqual([
      'CUTOVER_ACTOR=ann@laptop',
      'CUTOVER_FROM_RATIO=0.25',
      'CUTOVER_FROM_STATUS=rolling',
      'CUTOVER_IDEMPOTENCY_KEY=op-2:2',
      'CUTOVER_LEVEL=critical',
      'CUTOVER_MESSAGE=chat-prod: rollback, 25 % → 0 %, but dns failed',
      'CUTOVER_MIGRATION=chat-prod',
      'CUTOVER_OPERATION_ID=op-2',
      'CUTOVER_OPERATION_KIND=rollback',
      'CUTOVER_PROVIDER=legacy',
      'CUTOVER_REASON=slow\\x1b[31m',
      'CUTOVER_STATUS=rollback',
      'CUTOVER_STEP=notify',
      'CUTOVER_TO_RATIO=0',
      'CUTOVER_UNDO=cutover rollback --to 9 --force --reason "…"',
    ]);
    expect(JSON.parse(readFileSync(join(dir, 'event'), 'utf8'))).toMatchObject({ operation: { id: 'op-2' } });
  });
});

describe('exec, DNS or notify', () => {
  const started = (text: string, command: string[] = ['./tell']) => {
    const { dir, remove } = temporaryFolder();
    onTestFinished(remove);
    writeFileSync(join(dir, 'tell'), `#!/bin/sh\n${text}\n`, { mode: 0o755 });
    return { dir, hook: notifier({ driver: 'exec', command }, { dir, env: { PATH: process.env.PATH } }) };
  };

  it("runs in the config's folder, without a shell", async () => {
    const { dir, hook } = started('pwd > where; printf %s "$1" > argument', ['./tell', '$HOME; touch shell']);
    await hook.run(hookEvent(), soon());
    expect(readFileSync(join(dir, 'where'), 'utf8').trim()).toBe(realpathSync(dir));
    expect(readFileSync(join(dir, 'argument'), 'utf8')).toBe('$HOME; touch shell');
    expect(existsSync(join(dir, 'shell'))).toBe(false);
  });

  it('ends with its children when its time is over', async () => {
    const { dir, hook } = started("sh -c 'echo $$ > child; exec sleep 60' &\nwait");
    const stop = new AbortController();
    const fault = faultOf(hook.run(hookEvent(), stop.signal));
    const child = () => Number(existsSync(join(dir, 'child')) && readFileSync(join(dir, 'child'), 'utf8'));
    await expect.poll(child, { timeout: 10_000 }).toBeGreaterThan(0);
    stop.abort(new Error('out of time'));
    expect((await fault).message).toMatch(/out of time/);
    await expect.poll(() => isAlive(child()), { timeout: 5000 }).toBe(false);
  });
});

/** Whether a process is there and no zombie. */
function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch (error) {
    // Gone.
    void error;
    return false;
  }
}

describe.skipIf(!installed(ALERTMANAGER))('Alertmanager', () => {
  let bench: AlertmanagerBench;
  beforeAll(async () => {
    bench = await startAlertmanager();
  });
  afterAll(async () => {
    await bench?.stop();
  });

  it('has one alert from a rollback until the next operation that goes forward', async () => {
    const hook = notifier(bench.entry(), bench);
    const names = async () => (await bench.alerts()).map(({ labels }) => labels.alertname).sort();
    await hook.run(rollbackEvent({ steps: [] }), soon());
    await hook.run(rollbackEvent({ steps: [] }), soon());
    expect(await names()).toEqual(['CutoverRollback']);
    await hook.run(hookEvent(), soon());
    expect(await names()).toEqual(['CutoverChange']);
  });
});

describe.skipIf(!installed(SMTP))('SMTP', () => {
  let bench: SmtpBench;
  beforeAll(async () => {
    bench = await startSmtp();
  });
  afterAll(async () => {
    await bench?.stop();
  });

  it('tells each recipient for himself: one who is not accepted is named, and the others have one mail each', async () => {
    const to = ['ops@example.com', 'Nobody <nobody@example.org>', 'dev@example.com'];
    const hooks = hooksOf({ notify: [bench.entry({ to })] }, bench).notify;
    expect(hooks.map(({ label }) => label)).toEqual([
      'notify[0] email ops@example.com',
      'notify[0] email nobody@example.org',
      'notify[0] email dev@example.com',
    ]);
    const before = bench.mails.length;
    const ends = await Promise.all(
      hooks.map((hook) => hook.run(hookEvent(), soon()).then(() => 'sent', String)),
    );
    expect(ends).toEqual(['sent', expect.stringContaining('no such mailbox'), 'sent']);
    expect(bench.mails).toHaveLength(before + 2);
    expect(bench.mails.at(-1)).toMatch(/^To: .*nobody@example\.org/m);
  });

  it('insists on TLS unless the config says otherwise', async () => {
    const { tls: _tls, ...entry } = bench.entry();
    const before = bench.mails.length;
    expect((await faultOf(notifier(entry, bench).run(hookEvent(), soon()))).message).toMatch(/TLS|upgrad/i);
    expect(bench.mails).toHaveLength(before);
  });
});
