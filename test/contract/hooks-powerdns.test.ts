import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { faultOf, hookEvent, hooksOf, soon } from '../servers/hooks.ts';
import { startHttpProxy } from '../servers/http-proxy.ts';
import { movesOf, restoring } from '../servers/moves.ts';
import { POWERDNS, type PowerDnsBench, startPowerDns } from '../servers/powerdns.ts';
import { installed } from '../servers/require.ts';

/** What only PowerDNS keeps: disabled records and comments. */
describe.skipIf(!installed(POWERDNS))('powerdns and what PowerDNS keeps besides', () => {
  let bench: PowerDnsBench;
  beforeAll(async () => {
    bench = await startPowerDns();
  });
  afterAll(async () => {
    await bench?.stop();
  });

  let serial = 0;
  const freshName = () => `k${++serial}.example.test.`;
  const on = (content: string) => ({ content, disabled: false });
  const off = (content: string) => ({ content, disabled: true });
  const COMMENTS = [
    { content: 'asked for by Ann', account: 'ann', modified_at: 1_700_000_000 },
    { content: 'ticket 7', account: '', modified_at: 1_700_000_001 },
  ];
  const keep = (name: string, type: string, records: object[], ttl = 300, comments: object[] = COMMENTS) =>
    bench.api('PATCH', '/example.test.', {
      rrsets: [{ name, type, ttl, changetype: 'REPLACE', records, comments }],
    });
  const hookFor = (...records: object[]) => {
    const [hook] = hooksOf({ dns: [bench.entry(records)] }, bench).dns;
    if (!hook) throw new Error('no hook');
    return hook;
  };
  const address = (name: string, legacy: string[], target: string[]) => ({
    name,
    type: 'A',
    ttl: 60,
    legacy,
    target,
  });
  const alias = (name: string, legacy: string[], target: string[]) => ({
    name,
    type: 'CNAME',
    ttl: 60,
    legacy,
    target,
  });
  const toTarget = hookEvent({ step: 'dns', provider: 'target' });
  const toLegacy = hookEvent({ step: 'dns', provider: 'legacy' });

  it.each<[string, (name: string) => Promise<unknown>, (name: string) => object[]]>([
    [
      'disabled addresses beside those that move',
      (name) => keep(name, 'A', [on('192.0.2.1'), off('192.0.2.2')]),
      (name) => [address(name, ['192.0.2.1'], ['192.0.2.9'])],
    ],
    [
      'a target that stood there disabled',
      (name) => keep(name, 'A', [on('192.0.2.1'), off('192.0.2.9')]),
      (name) => [address(name, ['192.0.2.1'], ['192.0.2.9'])],
    ],
    [
      'disabled addresses alone, made way for a CNAME',
      (name) => keep(name, 'A', [on('192.0.2.1'), off('192.0.2.2')]),
      (name) => [address(name, ['192.0.2.1'], []), alias(name, [], ['t.example.net'])],
    ],
    [
      'the comments of a CNAME that becomes an address',
      (name) => keep(name, 'CNAME', [on('Legacy.example.net.')]),
      (name) => [alias(name, ['legacy.example.net'], []), address(name, [], ['192.0.2.9'])],
    ],
    [
      'a disabled CNAME behind an address that becomes another CNAME',
      async (name) => {
        await keep(name, 'CNAME', [off('spare.example.net.')]);
        await keep(name, 'A', [on('192.0.2.1')]);
      },
      (name) => [address(name, ['192.0.2.1'], []), alias(name, [], ['t.example.net'])],
    ],
  ])('keeps or puts back %s', async (_what, prepare, records) => {
    const name = freshName();
    await prepare(name);
    const was = await bench.exact(name);
    const hook = hookFor(...records(name));
    const moved = await hook.run(toTarget, soon());
    expect(await hook.read?.(soon())).toMatchObject(hook.expected?.('target') ?? []);
    expect(await bench.exact(name)).not.toEqual(was);
    await hook.run(restoring(movesOf(moved)), soon());
    expect(await bench.exact(name)).toEqual(was);
  });

  it('keeps disabled records and comments in place while target has the traffic, and on the way by the config', async () => {
    const name = freshName();
    await keep(name, 'A', [on('192.0.2.1'), off('192.0.2.2')]);
    const rest = (await bench.exact(name)).filter((line) => !line.includes('192.0.2.1'));
    const hook = hookFor(address(name, ['192.0.2.1'], ['192.0.2.9']));
    const kept = async () => (await bench.exact(name)).map((line) => line.replace('|60|1', '|300|1'));
    await hook.run(toTarget, soon());
    expect(await kept()).toEqual(expect.arrayContaining(rest));
    await hook.run(toLegacy, soon());
    expect(await kept()).toEqual(expect.arrayContaining(rest));
  });

  it('keeps them where the interface does not let it search, too', async () => {
    const name = freshName();
    await keep(name, 'A', [on('192.0.2.1'), off('192.0.2.2')]);
    const was = await bench.exact(name);
    const proxy = await startHttpProxy(bench.url, { refuses: /search-data/ });
    onTestFinished(proxy.stop);
    const entry = bench.entry([address(name, ['192.0.2.1'], [])], { url: proxy.url });
    const [hook] = hooksOf({ dns: [entry] }, bench).dns;
    const moved = (await hook?.run(toTarget, soon())) ?? {};
    expect((await bench.exact(name)).filter((line) => line.includes('192.'))).toEqual(['A|192.0.2.2|300|1']);
    await hook?.run(restoring(movesOf(moved)), soon());
    expect(await bench.exact(name)).toEqual(was);
  });

  it('leaves alone what somebody else has changed of the disabled records since', async () => {
    const name = freshName();
    await keep(name, 'A', [on('192.0.2.1'), off('192.0.2.2'), off('192.0.2.3')]);
    const hook = hookFor(address(name, ['192.0.2.1'], ['192.0.2.9']));
    const moved = await hook.run(toTarget, soon());
    await keep(name, 'A', [on('192.0.2.9'), off('192.0.2.3'), off('192.0.2.4')], 60, []);
    const ran = await hook.run(restoring(movesOf(moved)), soon());
    expect(ran.foreign).toBeUndefined();
    expect(await bench.exact(name)).toEqual(['A|192.0.2.1|300|0', 'A|192.0.2.3|300|1', 'A|192.0.2.4|300|1']);
  });

  it('changes nothing where PowerDNS refuses', async () => {
    const name = freshName();
    await bench.put(name, 'CNAME', 60, ['in-the-way.example.net.']);
    const was = await bench.exact(name);
    expect(await faultOf(hookFor(address(name, [], ['192.0.2.9'])).run(toTarget, soon()))).toMatchObject({
      code: 'DNS_NOT_ALONE',
    });
    expect(await bench.exact(name)).toEqual(was);
  });
});
