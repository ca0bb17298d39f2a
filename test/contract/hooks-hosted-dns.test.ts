import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { type CloudflareBench, startCloudflareStandIn } from '../servers/cloudflare-stand-in.ts';
import type { DnsBench } from '../servers/dns-bench.ts';
import { faultOf, hookEvent, hooksOf, soon } from '../servers/hooks.ts';
import { startHttpReceiver } from '../servers/http-receiver.ts';
import { movesOf, restoring } from '../servers/moves.ts';
import { type Route53Bench, startRoute53StandIn } from '../servers/route53-stand-in.ts';

/** What only one hosted DNS has, against its stand-in. */

const toTarget = hookEvent({ step: 'dns' });
const toLegacy = hookEvent({ step: 'dns', provider: 'legacy' });
const hookFor = (bench: DnsBench, records: unknown[], more: object = {}) => {
  const [hook] = hooksOf({ dns: [bench.entry(records, more)] }, bench).dns;
  if (!hook) throw new Error('no hook');
  return hook;
};
const cname = (name: string) => ({
  name,
  type: 'CNAME',
  ttl: 60,
  legacy: 'a.example.net',
  target: 'b.example.net',
});

describe('cloudflare', () => {
  let bench: CloudflareBench;
  beforeAll(async () => {
    bench = await startCloudflareStandIn();
  });
  afterAll(async () => {
    await bench?.stop();
  });

  it('changes a proxied record in place and leaves it proxied', async () => {
    const made = bench.zone.add({
      name: 'p.example.test.',
      type: 'CNAME',
      ttl: 1,
      content: 'a.example.net',
      proxied: true,
    });
    const hook = hookFor(bench, [cname('p.example.test')]);
    expect((await hook.run(toTarget, soon())).after).toMatchObject(hook.expected?.('target') ?? []);
    expect(bench.zone.find('p.example.test.', 'CNAME')).toEqual([{ ...made, content: 'b.example.net' }]);
  });

  it('keeps what can stay of a set, and makes or deletes the rest in one batch', async () => {
    await bench.put('s.example.test.', 'A', 60, ['192.0.2.1', '192.0.2.2']);
    const before = bench.zone.find('s.example.test.', 'A').map(({ id }) => id);
    const record = {
      name: 's.example.test',
      type: 'A',
      ttl: 60,
      legacy: [],
      target: ['192.0.2.2', '192.0.2.3', '192.0.2.4'],
    };
    bench.calls.length = 0;
    await hookFor(bench, [record]).run(toTarget, soon());
    const after = bench.zone.find('s.example.test.', 'A');
    expect(after.map(({ id, content }) => [before.indexOf(id), content])).toEqual([
      [0, '192.0.2.3'],
      [1, '192.0.2.2'],
      [-1, '192.0.2.4'],
    ]);
    expect(bench.calls.filter(({ method }) => method === 'POST')).toHaveLength(1);
  });

  describe('keeps what it has to a record:', () => {
    const proxied = { proxied: true, comment: 'asked for by Ann', tags: ['team:llm', 'tier:1'] };
    const alias = (name: string) => ({
      name,
      type: 'CNAME',
      ttl: 60,
      legacy: 'legacy.example.net',
      target: [],
    });
    const addresses = (name: string) => ({
      name,
      type: 'A',
      ttl: 60,
      legacy: [],
      target: ['192.0.2.8', '192.0.2.9'],
    });

    it('a proxied CNAME becomes proxied addresses, and is what it was on the way back', async () => {
      const name = 'shield.example.test.';
      bench.zone.add({
        ...proxied,
        name,
        type: 'CNAME',
        ttl: 1,
        content: 'Legacy.example.net',
        settings: { flatten_cname: true },
      });
      const was = await bench.exact(name);
      const hook = hookFor(bench, [alias(name), addresses(name)]);
      const moved = await hook.run(toTarget, soon());
      expect(await bench.exact(name)).toEqual(
        ['192.0.2.8', '192.0.2.9'].map(
          (to) => `A | 1 | ${to} | true | asked for by Ann | team:llm,tier:1 | `,
        ),
      );
      expect(await hook.read?.(soon())).toMatchObject(hook.expected?.('target') ?? []);
      await hook.run(restoring(movesOf(moved)), soon());
      expect(await bench.exact(name)).toEqual(was);
    });

    it('by the config alone a proxied record stays proxied too', async () => {
      const name = 'config.example.test.';
      bench.zone.add({ ...proxied, name, type: 'CNAME', ttl: 1, content: 'legacy.example.net' });
      const was = await bench.exact(name);
      const hook = hookFor(bench, [alias(name), addresses(name)]);
      await hook.run(toTarget, soon());
      await hook.run(toLegacy, soon());
      expect(await bench.exact(name)).toEqual(was);
    });

    it('each of several records gets back its own', async () => {
      const name = 'several.example.test.';
      bench.zone.add({ name, type: 'A', ttl: 300, content: '192.0.2.1', proxied: false, comment: 'one' });
      bench.zone.add({
        name,
        type: 'A',
        ttl: 120,
        content: '192.0.2.2',
        proxied: false,
        comment: 'two',
        tags: ['b'],
      });
      bench.zone.add({ name, type: 'A', ttl: 300, content: '192.0.2.3', proxied: false });
      const was = await bench.exact(name);
      const hook = hookFor(bench, [{ ...addresses(name), target: '192.0.2.2' }]);
      const moved = await hook.run(toTarget, soon());
      expect(await bench.exact(name)).toEqual(['A | 60 | 192.0.2.2 | false | two | b | ']);
      await hook.run(restoring(movesOf(moved)), soon());
      expect(await bench.exact(name)).toEqual(was);
    });

    it('what somebody else has changed of a record since stays changed', async () => {
      const name = 'edited.example.test.';
      bench.zone.add({ ...proxied, name, type: 'CNAME', ttl: 1, content: 'legacy.example.net' });
      const hook = hookFor(bench, [alias(name), { ...addresses(name), target: '192.0.2.9' }]);
      const moved = await hook.run(toTarget, soon());
      Object.assign(bench.zone.find(name, 'A')[0] ?? {}, { proxied: false, ttl: 60, comment: 'edited' });
      await hook.run(restoring(movesOf(moved)), soon());
      expect(await bench.exact(name)).toEqual([
        'CNAME | 60 | legacy.example.net | false | edited | team:llm,tier:1 | ',
      ]);
    });

    it('a journal without any word of it loses nothing', async () => {
      const name = 'older.example.test.';
      bench.zone.add({ ...proxied, name, type: 'CNAME', ttl: 1, content: 'target.example.net' });
      const set = (value: string) => ({ name, type: 'CNAME' as const, ttl: 60, values: [value] });
      const hook = hookFor(bench, [{ ...alias(name), target: 'target.example.net' }]);
      const move = { from: set('target.example.net.'), to: set('legacy.example.net.') };
      expect((await hook.run(restoring([move]), soon())).foreign).toBeUndefined();
      expect(await bench.exact(name)).toEqual([
        'CNAME | 1 | legacy.example.net | true | asked for by Ann | team:llm,tier:1 | ',
      ]);
    });

    it('a text is never proxied for the sake of an address', async () => {
      const name = 'text.example.test.';
      bench.zone.add({ ...proxied, name, type: 'A', ttl: 1, content: '192.0.2.1' });
      const hook = hookFor(bench, [
        { ...addresses(name), legacy: '192.0.2.1', target: [] },
        { name, type: 'TXT', ttl: 60, legacy: [], target: 'moved' },
      ]);
      await hook.run(toTarget, soon());
      expect(await bench.exact(name)).toEqual(['TXT | 60 | "moved" | false |  |  | ']);
    });
  });

  it('names a zone that is not there', async () => {
    const hook = hookFor(bench, [cname('x.example.test')], { zoneId: 'nosuchzone' });
    expect(await faultOf(hook.run(toTarget, soon()))).toMatchObject({
      code: 'DNS_ZONE_UNKNOWN',
      hint: expect.stringContaining('hooks.dns[0].zoneId'),
    });
  });
});

describe('a service that is none', () => {
  it.each([
    [{ status: 500, body: 'out of order' }, 'DNS_FAILED'],
    [{ status: 429, body: 'slow down' }, 'DNS_FAILED'],
    [{ status: 200, body: '<html>a web page</html>' }, 'DNS_ANSWER'],
  ])('that answers %o is an error of its own', async (answer, code) => {
    const receiver = await startHttpReceiver();
    onTestFinished(() => receiver.stop());
    receiver.answer(answer);
    const entry = { driver: 'powerdns', url: receiver.url, apiKey: '${env:KEY}', zone: 'example.test' };
    const [hook] = hooksOf(
      { dns: [{ ...entry, records: [cname('s.example.test')] }] },
      { dir: '/', env: { KEY: 'planted-key' } },
    ).dns;
    expect(await faultOf(hook?.run(toTarget, soon()) ?? Promise.resolve())).toMatchObject({
      code,
      hint: expect.any(String),
    });
  });
});

describe('a zone of PowerDNS that has to be read whole', () => {
  it.each([
    [63, true],
    [65, false],
  ])('of %i MB: %s', async (megabytes, taken) => {
    const receiver = await startHttpReceiver();
    onTestFinished(() => receiver.stop());
    const zone = JSON.stringify({ rrsets: [], padding: 'x'.repeat(megabytes * 1_000_000) });
    // It does not let the search in.
    receiver.answer(({ path }) => ({
      status: path.includes('/search-data') ? 404 : 200,
      body: path.includes('rrset_name') ? '{"rrsets":[]}' : zone,
    }));
    const entry = { driver: 'powerdns', url: receiver.url, apiKey: '${env:KEY}', zone: 'example.test' };
    const hooks = { dns: [{ ...entry, records: [cname('s.example.test')] }] };
    const [hook] = hooksOf(hooks, { dir: '/', env: { KEY: 'planted-key' } }).dns;
    const read = hook?.read?.(soon()) ?? Promise.reject(new Error('it cannot be read'));
    if (taken) return expect(await read).toMatchObject([{ values: [] }]);
    expect((await faultOf(read)).message).toContain('longer than 64000000 bytes');
  });
});

describe('route53', () => {
  let bench: Route53Bench;
  beforeAll(async () => {
    bench = await startRoute53StandIn();
  });
  afterAll(async () => {
    await bench?.stop();
  });

  it('refuses records that are not plain', async () => {
    bench.special.set(
      'alias.example.test.',
      '<ResourceRecordSet><Name>alias.example.test.</Name><Type>A</Type><AliasTarget><HostedZoneId>Z2</HostedZoneId></AliasTarget></ResourceRecordSet>',
    );
    const record = { name: 'alias.example.test', type: 'A', legacy: '192.0.2.1', target: '192.0.2.2' };
    expect((await faultOf(hookFor(bench, [record]).run(toTarget, soon()))).message).toMatch(
      /alias or has a routing policy/,
    );
  });

  it('does not overwrite what something else wrote after it was read', async () => {
    await bench.put('race.example.test.', 'CNAME', 60, ['other.example.net.']);
    bench.special.set(
      'race.example.test.',
      '<ResourceRecordSet><Name>race.example.test.</Name><Type>CNAME</Type><TTL>60</TTL><ResourceRecords><ResourceRecord><Value>a.example.net</Value></ResourceRecord></ResourceRecords></ResourceRecordSet>',
    );
    const fault = await faultOf(hookFor(bench, [cname('race.example.test')]).run(toTarget, soon()));
    expect(fault).toMatchObject({
      code: 'DNS_CHANGED',
      message: expect.stringContaining('do not match the current values'),
    });
    expect(await bench.look('race.example.test.', 'CNAME')).toEqual(['other.example.net.']);
  });

  it('knows a wildcard under the name that Route 53 gives it', async () => {
    const hook = hookFor(bench, [cname('*.example.test')]);
    await hook.run(toTarget, soon());
    expect(await hook.read?.(soon())).toEqual(hook.expected?.('target'));
  });
});
