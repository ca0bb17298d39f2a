import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Hook } from '../../src/hooks/hook.ts';
import { attempt } from '../../src/operation/attempt.ts';
import { BIND, startBind } from '../servers/bind.ts';
import { startCloudflareStandIn } from '../servers/cloudflare-stand-in.ts';
import type { DnsBench } from '../servers/dns-bench.ts';
import { hookEvent, hooksOf, soon } from '../servers/hooks.ts';
import { POWERDNS, startPowerDns } from '../servers/powerdns.ts';
import { installed, type Required } from '../servers/require.ts';
import { startRoute53StandIn } from '../servers/route53-stand-in.ts';

/** A name that is to become a CNAME and has something else beside what makes way for it. */
const BENCHES: {
  title: string;
  server?: Required;
  /** Whether it looks before it writes; the services are left to refuse what cannot be. */
  looks?: true;
  /** What is told beforehand to be in the way: Cloudflare lets texts stand beside a CNAME that it flattens. */
  beside?: ['AAAA', string];
  start(): Promise<DnsBench>;
}[] = [
  { title: 'rfc2136 and BIND', server: BIND, looks: true, start: () => startBind() },
  { title: 'BIND that signs', server: BIND, looks: true, start: () => startBind({ signed: true }) },
  {
    title: 'BIND that answers ANY in part',
    server: BIND,
    looks: true,
    start: () => startBind({ minimalAny: true }),
  },
  { title: 'powerdns and PowerDNS', server: POWERDNS, looks: true, start: startPowerDns },
  { title: 'cloudflare and a stand-in', beside: ['AAAA', '2001:db8::1'], start: startCloudflareStandIn },
  { title: 'route53 and a stand-in', start: startRoute53StandIn },
];

const clock = { now: Date.now, random: () => 0 };
const toTarget = hookEvent({ step: 'dns', provider: 'target' });
let serial = 0;
const freshName = () => `c${++serial}.example.test.`;

describe.each(BENCHES)('a CNAME that cannot stand alone, $title', ({ server, looks, beside, start }) => {
  describe.skipIf(server !== undefined && !installed(server))('', () => {
    let bench: DnsBench;
    beforeAll(async () => {
      bench = await start();
    });
    afterAll(async () => {
      await bench?.stop();
    });

    const hookFor = (records: unknown[]): Hook => {
      const [hook] = hooksOf({ dns: [bench.entry(records)] }, bench).dns;
      if (!hook) throw new Error('no hook');
      return hook;
    };
    const toCname = (name: string) => [
      { name, type: 'A', ttl: 60, legacy: '192.0.2.1', target: [] },
      { name, type: 'CNAME', ttl: 60, legacy: [], target: 'target.example.net.' },
    ];
    const tries = (hook: Hook) => {
      const bounds = { timeoutMs: 5000, retries: 2, deadline: Date.now() + 20_000 };
      return attempt((signal) => hook.run(toTarget, signal), bounds, clock);
    };

    it('is refused once, and the name is never off the air', async () => {
      const [name, other] = [freshName(), freshName()];
      await bench.put(name, 'A', 60, ['192.0.2.1']);
      await bench.put(name, 'TXT', 60, ['"theirs"']);
      await bench.put(other, 'A', 60, ['192.0.2.2']);
      const hook = hookFor([
        ...toCname(name),
        { name: other, type: 'A', ttl: 60, legacy: '192.0.2.2', target: '192.0.2.9' },
      ]);
      const was = [await bench.exact(name), await bench.exact(other)];
      let done = false;
      const seen = new Set<string>();
      const watching = (async () => {
        while (!done) {
          seen.add(String(await bench.look(name, 'A')));
          await new Promise((go) => setTimeout(go, 20));
        }
      })();
      const { error, attempts } = await tries(hook);
      done = true;
      await watching;
      expect([...seen]).toEqual(['192.0.2.1']);
      expect([await bench.exact(name), await bench.exact(other)]).toEqual(was);
      expect(error).toMatchObject({
        code: 'DNS_NOT_ALONE',
        ...(looks && { message: expect.stringContaining(name.slice(0, -1)) }),
        hint: expect.stringMatching(/cannot stand beside/),
      });
      expect(attempts).toBe(1);
    });

    it('is told before, by name and type', async () => {
      const [name, free] = [freshName(), freshName()];
      for (const one of [name, free]) await bench.put(one, 'A', 60, ['192.0.2.1']);
      const [type, value] = beside ?? (['TXT', '"theirs"'] as const);
      await bench.put(name, type, 60, [value]);
      const hook = hookFor([...toCname(name), ...toCname(free)]);
      const told = await hook.obstacles?.(hook.expected?.('target') ?? [], soon());
      expect(told).toEqual([`${name} cannot become a CNAME: it has ${type}, too`]);
      expect(await hook.obstacles?.(hook.expected?.('legacy') ?? [], soon())).toEqual([]);
    });

    it('nor can anything come beside a CNAME that the config does not take away', async () => {
      const name = freshName();
      await bench.put(name, 'CNAME', 60, ['in-the-way.example.net.']);
      const hook = hookFor([{ name, type: 'A', ttl: 60, legacy: [], target: '192.0.2.9' }]);
      expect(await tries(hook)).toMatchObject({ error: { code: 'DNS_NOT_ALONE' }, attempts: 1 });
      const told = await hook.obstacles?.(hook.expected?.('target') ?? [], soon());
      expect(told).toEqual([`${name} cannot have A: it has a CNAME`]);
    });
  });
});

describe.skipIf(!installed(BIND))('a CNAME on BIND', () => {
  let bench: DnsBench;
  beforeAll(async () => {
    bench = await startBind();
  });
  afterAll(async () => {
    await bench?.stop();
  });

  const hookFor = (name: string, env = bench.env) => {
    const records = [
      { name, type: 'A', ttl: 60, legacy: '192.0.2.1', target: [] },
      { name, type: 'CNAME', ttl: 60, legacy: [], target: 'target.example.net.' },
    ];
    return hooksOf({ dns: [bench.entry(records)] }, { dir: bench.dir, env }).dns[0] as Hook;
  };

  it('is not written where something comes beside it after the look', async () => {
    const name = freshName();
    await bench.put(name, 'A', 60, ['192.0.2.1']);
    const { env, stop } = await bench.withWriterBetween(name, 'TXT', 60, ['"theirs"']);
    const fault = await hookFor(name, env)
      .run(toTarget, soon())
      .catch((error: unknown) => error);
    await stop();
    expect(fault).toMatchObject({ code: 'DNS_CHANGED' });
    expect(await bench.look(name, 'A')).toEqual(['192.0.2.1']);
  });

  it('is written below a wildcard, which is no record of its name', async () => {
    await bench.put('*.wild.example.test.', 'TXT', 60, ['"any"']);
    const hook = hookFor('fresh.wild.example.test.');
    expect(await hook.obstacles?.(hook.expected?.('target') ?? [], soon())).toEqual([]);
    await hook.run(toTarget, soon());
    expect(await bench.look('fresh.wild.example.test.', 'CNAME')).toEqual(['target.example.net.']);
  });

  it('sees a type that it does not know by name', async () => {
    const name = freshName();
    await bench.put(name, 'A', 60, ['192.0.2.1']);
    await bench.put(name, 'TYPE65280' as 'TXT', 60, ['\\# 1 ff']);
    expect(await hookFor(name).run(toTarget, soon()).catch(String)).toMatch(/it has TYPE65280, too/);
    expect(await bench.look(name, 'A')).toEqual(['192.0.2.1']);
  });
});
