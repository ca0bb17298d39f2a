import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CloudflareBench, startCloudflareStandIn } from '../servers/cloudflare-stand-in.ts';
import type { DnsBench } from '../servers/dns-bench.ts';
import { faultOf, hookEvent, hooksOf, soon } from '../servers/hooks.ts';
import { type Route53Bench, startRoute53StandIn } from '../servers/route53-stand-in.ts';

/** What only one hosted DNS has, against its stand-in. */

const toTarget = hookEvent({ step: 'dns' });
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
    expect((await hook.run(toTarget, soon())).after).toEqual(hook.expected?.('target'));
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

  it('names a zone that is not there', async () => {
    const hook = hookFor(bench, [cname('x.example.test')], { zoneId: 'nosuchzone' });
    expect(await faultOf(hook.run(toTarget, soon()))).toMatchObject({
      code: 'DNS_ZONE_UNKNOWN',
      hint: expect.stringContaining('hooks.dns[0].zoneId'),
    });
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
