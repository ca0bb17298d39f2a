import { createSocket } from 'node:dgram';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { serverOf } from '../../src/config/server-address.ts';
import { askServer } from '../../src/hooks/dns/query.ts';
import { untilServed } from '../../src/hooks/dns/served.ts';
import { BIND, type BindBench, startBind } from '../servers/bind.ts';
import { startCloudflareStandIn } from '../servers/cloudflare-stand-in.ts';
import { faultOf, hookEvent, hooksOf, soon } from '../servers/hooks.ts';
import { movesOf, restoring } from '../servers/moves.ts';
import { freePort } from '../servers/process.ts';
import { installed } from '../servers/require.ts';

const toTarget = hookEvent({ step: 'dns' });

/** `verify`: a change counts as done when the servers that users ask say it. */
describe.skipIf(!installed(BIND))('verify and a secondary of BIND', () => {
  let [prompt, late] = [undefined, undefined] as unknown as BindBench[];
  beforeAll(async () => {
    [prompt, late] = await Promise.all([startBind({ secondary: true }), startBind({ secondary: 'late' })]);
  });
  afterAll(async () => {
    await Promise.all([prompt?.stop(), late?.stop()]);
  });

  const hookFor = (bench: BindBench | undefined, verify: string[], more: object = {}) => {
    const record = {
      name: 'llm.example.test',
      type: 'CNAME',
      ttl: 60,
      legacy: 'l.example.net',
      target: 't.example.net',
    };
    const [hook] = bench ? hooksOf({ dns: [bench.entry([record], { verify, ...more })] }, bench).dns : [];
    if (!bench || !hook) throw new Error('no hook');
    return hook;
  };
  const saidBy = async (server: string) => {
    const { records } = await askServer(
      serverOf(server),
      { name: 'llm.example.test.', type: 'CNAME' },
      soon(),
    );
    return records.map(({ value, ttl }) => `${value} ${ttl}`);
  };

  it('waits until the secondary says it, on the way and back', async () => {
    const hook = hookFor(prompt, [prompt?.secondary ?? '']);
    const moved = await hook.run(toTarget, soon());
    expect(await saidBy(prompt?.secondary ?? '')).toEqual(['t.example.net. 60']);
    await hook.run(restoring(movesOf(moved)), soon());
    expect(await saidBy(prompt?.secondary ?? '')).toEqual([]);
    await hook.run(hookEvent({ step: 'dns', provider: 'legacy' }), soon());
    await hook.run(hookEvent({ step: 'dns', lowerTtl: 10 }), soon());
    expect(await saidBy(prompt?.secondary ?? '')).toEqual(['l.example.net. 10']);
  });

  it('names the server that does not say it in time, and what it says; the change stays and is told', async () => {
    const hook = hookFor(late, [late?.secondary ?? ''], { timeout: '3s' });
    const told: unknown[] = [];
    const fault = await faultOf(hook.run(toTarget, soon(), (before, after) => told.push([before, after])));
    expect(fault).toMatchObject({
      code: 'DNS_NOT_SERVED',
      message: `not what the zone’s own server says: ${late?.secondary} says llm.example.test. CNAME nothing`,
      hint: expect.stringContaining('timeout'),
    });
    const nothing = { name: 'llm.example.test.', type: 'CNAME', ttl: 0, values: [] };
    expect(told).toEqual([[[nothing], hook.expected?.('target')]]);
    expect(await late?.look('llm.example.test.', 'CNAME')).toEqual(['t.example.net.']);
    await late?.refreshSecondary();
    expect(await hook.run(toTarget, soon())).toEqual({
      before: hook.expected?.('target'),
      after: hook.expected?.('target'),
    });
  });

  it('names a server that does not answer at all', async () => {
    const dead = `127.0.0.1:${await freePort()}`;
    const fault = await faultOf(hookFor(prompt, [dead], { timeout: '3s' }).run(toTarget, soon()));
    expect(fault).toMatchObject({
      code: 'DNS_NOT_SERVED',
      message: expect.stringContaining('ECONNREFUSED'),
      hint: expect.stringContaining('one that is gone: take it out of `verify`'),
    });
  });

  it('does not take a server that refuses for one that says nothing', async () => {
    const record = { name: 'none.elsewhere.test', type: 'A', ttl: 60, legacy: '192.0.2.1', target: [] };
    // The stand-in for Cloudflare has the record; the name server has no such zone.
    const cloudflare = await startCloudflareStandIn();
    onTestFinished(cloudflare.stop);
    await cloudflare.put('none.elsewhere.test.', 'A', 60, ['192.0.2.1']);
    const entry = cloudflare.entry([record], { verify: [prompt?.secondary], timeout: '3s' });
    const [hook] = hooksOf({ dns: [entry] }, cloudflare).dns;
    const fault = await faultOf(hook?.run(toTarget, soon()) ?? Promise.resolve());
    expect(fault).toMatchObject({ code: 'DNS_NOT_SERVED', message: expect.stringContaining('REFUSED') });
  });

  it('keeps what a server said before it fell silent', async () => {
    const server = createSocket('udp4');
    onTestFinished(() => void server.close());
    server.once('message', (query, { port, address }) => {
      const refused = Buffer.from(query);
      refused.writeUInt16BE(0x8005, 2);
      server.send(refused, port, address);
    });
    await new Promise<void>((bound) => server.bind(0, '127.0.0.1', bound));
    const set = { name: 'llm.example.test.', type: 'CNAME' as const, ttl: 60, values: ['t.example.net.'] };
    const asked = untilServed(
      [serverOf(`127.0.0.1:${server.address().port}`)],
      [set],
      Date.now() + 600,
      soon(),
    );
    expect(await faultOf(asked)).toMatchObject({ message: expect.stringContaining('REFUSED') });
  });

  it('names what is somebody else’s and who does not say the rest, both', async () => {
    const dead = `127.0.0.1:${await freePort()}`;
    const set = (value: string) => ({
      name: 'llm.example.test.',
      type: 'CNAME' as const,
      ttl: 60,
      values: [value],
    });
    const move = { from: set('ours.example.net.'), to: set('found.example.net.') };
    await prompt?.put('llm.example.test.', 'CNAME', 60, ['theirs.example.net.']);
    await prompt?.put('other.example.test.', 'CNAME', 60, ['ours.example.net.']);
    const other = {
      from: { ...move.from, name: 'other.example.test.' },
      to: { ...move.to, name: 'other.example.test.' },
    };
    const ran = await hookFor(prompt, [dead], { timeout: '3s' }).run(restoring([move, other]), soon());
    expect(ran).toMatchObject({
      foreign: [set('theirs.example.net.')],
      notes: [expect.stringContaining('60 s more'), expect.stringContaining(dead)],
    });
  });

  it('a secondary that lets users keep the record for longer does not say it', async () => {
    const name = 'llm.example.test.';
    const hook = hookFor(late, [late?.secondary ?? ''], { timeout: '3s' });
    await late?.put(name, 'CNAME', 900, ['t.example.net.']);
    await late?.refreshSecondary();
    expect(await faultOf(hook.run(toTarget, soon()))).toMatchObject({
      code: 'DNS_NOT_SERVED',
      message: expect.stringContaining(`${late?.secondary} says ${name} CNAME t.example.net. (TTL 900 s)`),
    });
    await late?.refreshSecondary();
    await expect(hook.run(toTarget, soon())).resolves.toBeDefined();
  });

  it('are asked by `hooks test` too, which changes nothing', async () => {
    const prove = async (server: string) => {
      const hook = hookFor(prompt, [server], { timeout: '3s' });
      await hook.prove?.((await hook.read?.(soon())) ?? [], soon());
    };
    await prompt?.put('llm.example.test.', 'CNAME', 60, ['anything.example.net.']);
    await prove(prompt?.secondary ?? '');
    const fault = await faultOf(prove(`127.0.0.1:${await freePort()}`));
    expect(fault).toMatchObject({ code: 'DNS_NOT_SERVED', message: expect.stringContaining('ECONNREFUSED') });
    expect(await prompt?.look('llm.example.test.', 'CNAME')).toEqual(['anything.example.net.']);
  });

  it('cannot say a proxied record: users are answered with addresses of the proxy', async () => {
    const cloudflare = await startCloudflareStandIn();
    onTestFinished(cloudflare.stop);
    const name = 'proxied.example.test.';
    cloudflare.zone.add({ name, type: 'A', ttl: 1, content: '192.0.2.1', proxied: true });
    await prompt?.put(name, 'A', 60, ['203.0.113.80']);
    const record = { name, type: 'A', ttl: 60, legacy: '192.0.2.1', target: '192.0.2.9' };
    const entry = cloudflare.entry([record], { verify: [`127.0.0.1:${prompt?.port}`], timeout: '3s' });
    const [hook] = hooksOf({ dns: [entry] }, cloudflare).dns;
    expect(await faultOf(hook?.run(toTarget, soon()) ?? Promise.resolve())).toMatchObject({
      code: 'DNS_NOT_SERVED',
      message: expect.stringContaining('203.0.113.80'),
    });
  });

  it('asks nobody where nothing was moved', async () => {
    const hook = hookFor(prompt, [`127.0.0.1:${await freePort()}`], { timeout: '3s' });
    await expect(hook.run(restoring([]), soon())).resolves.toBeDefined();
  });
});
