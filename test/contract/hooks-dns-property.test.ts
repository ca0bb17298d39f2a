import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RecordType } from '../../src/config/dns-values.ts';
import type { DnsRecordSet } from '../../src/world.ts';
import { BIND, startBind } from '../servers/bind.ts';
import { startCloudflareStandIn } from '../servers/cloudflare-stand-in.ts';
import type { DnsBench } from '../servers/dns-bench.ts';
import { hookEvent, hooksOf } from '../servers/hooks.ts';
import { movesOf, restoring } from '../servers/moves.ts';
import { POWERDNS, startPowerDns } from '../servers/powerdns.ts';
import { installed, type Required } from '../servers/require.ts';
import { startRoute53StandIn } from '../servers/route53-stand-in.ts';

const BENCHES: { title: string; server?: Required; start(): Promise<DnsBench> }[] = [
  { title: 'BIND', server: BIND, start: () => startBind() },
  { title: 'BIND that signs the zone', server: BIND, start: () => startBind({ signed: true }) },
  { title: 'PowerDNS', server: POWERDNS, start: startPowerDns },
  { title: 'a stand-in for Cloudflare', start: startCloudflareStandIn },
  { title: 'a stand-in for Route 53', start: startRoute53StandIn },
];
/** Each run is a dozen calls of a real server. */
const RUNS = 5;
const LIMIT_MS = 180_000;

const ttl = fc.integer({ min: 1, max: 100_000 });
const octet = fc.integer({ min: 0, max: 255 });
const address = fc.tuple(octet, octet).map(([a, b]) => `192.0.${a}.${b}`);
const address6 = fc.tuple(octet, octet).map(([a, b]) => `2001:DB8:0:0:${a.toString(16)}::${b.toString(16)}`);
const host = fc.stringMatching(/^[a-zA-Z][a-zA-Z0-9]{0,8}$/).map((label) => `${label}.Example.NET.`);
const string = fc.array(octet, { maxLength: 12 });
const text = fc.array(string, { minLength: 1, maxLength: 3 });

/** The sets of one name: a CNAME alone, or anything else. */
const sets = fc.oneof(
  fc.record({ type: fc.constant<RecordType>('CNAME'), ttl, values: fc.tuple(host) }).map((set) => [set]),
  fc
    .tuple(
      fc.record({
        type: fc.constant<RecordType>('A'),
        ttl,
        values: fc.uniqueArray(address, { minLength: 1, maxLength: 3 }),
      }),
      fc.record({
        type: fc.constant<RecordType>('AAAA'),
        ttl,
        values: fc.uniqueArray(address6, { minLength: 1, maxLength: 2 }),
      }),
      fc.record({
        type: fc.constant<RecordType>('TXT'),
        ttl,
        values: fc.array(text, { minLength: 1, maxLength: 3 }),
      }),
    )
    .chain((all) => fc.subarray(all)),
);
const names = fc.array(
  fc.record({
    found: sets,
    /** What the config has for target: nothing of the name, an alias, or addresses and a text. */
    target: fc.constantFrom('nothing', 'alias', 'rest'),
    /** Who else writes there in the meantime. */
    foreign: fc.constantFrom('nobody', 'nobody', 'nobody', 'a TTL', 'a value'),
  }),
  { minLength: 1, maxLength: 3 },
);

const TYPES: readonly RecordType[] = ['CNAME', 'A', 'AAAA', 'TXT'];
const TARGETS: Record<string, Partial<Record<RecordType, string[]>>> = {
  nothing: {},
  alias: { CNAME: ['target.example.net.'] },
  rest: { A: ['198.51.100.1', '198.51.100.2'], AAAA: ['2001:db8:ffff::1'], TXT: ['target "é" \\'] },
};

describe.each(BENCHES)('on $title', ({ server, start }) => {
  describe.skipIf(server !== undefined && !installed(server))('a way back', () => {
    let bench: DnsBench;
    beforeAll(async () => {
      bench = await start();
    });
    afterAll(async () => {
      await bench?.stop();
    });

    const written = (value: string | number[][]) =>
      typeof value === 'string'
        ? value
        : value.map((bytes) => `"${bytes.map((byte) => bench.byte(byte)).join('')}"`).join(' ');
    let serial = 0;

    it(
      'leaves every record byte for byte as it was found, or as somebody else has made it',
      async () => {
        await fc.assert(
          fc.asyncProperty(names, async (drawn) => {
            const zone = drawn.map((each) => ({ ...each, name: `p${++serial}.example.test.` }));
            for (const { name, found } of zone) {
              for (const { type, ttl, values } of found) {
                const contents = (values as (string | number[][])[]).map((value) => written(value));
                await bench.put(name, type, ttl, [...new Set(contents)]);
              }
            }
            const exact = () => Promise.all(zone.map(({ name }) => bench.exact(name)));
            const was = await exact();
            const records = zone.flatMap(({ name, target }) =>
              TYPES.map((type) => ({
                name,
                type,
                ttl: 77,
                legacy: [],
                target: TARGETS[target]?.[type] ?? [],
              })),
            );
            const [hook] = hooksOf({ dns: [bench.entry(records)] }, bench).dns;
            if (!hook) throw new Error('no hook');
            const signal = AbortSignal.timeout(30_000);
            const moved = await hook.run(hookEvent({ step: 'dns' }), signal);
            expect(await hook.read?.(signal)).toMatchObject(hook.expected?.('target') ?? []);

            const theirs = zone.map(({ foreign, target }) => (target === 'nothing' ? 'nobody' : foreign));
            for (const [index, { name, target }] of zone.entries()) {
              const type = target === 'alias' ? 'CNAME' : 'A';
              const now = TARGETS[target]?.[type] ?? [];
              if (theirs[index] === 'a TTL') await bench.put(name, type, 78, now);
              if (theirs[index] === 'a value')
                await bench.put(name, type, 77, [type === 'A' ? '203.0.113.9' : 'theirs.example.org.']);
            }
            const before = (await hook.read?.(signal)) ?? [];
            const ran = await hook.run(restoring(movesOf(moved)), signal);
            const changed = zone.filter((_, index) => ['a TTL', 'a value'].includes(theirs[index] ?? ''));
            expect(new Set(ran.foreign?.map(({ name }) => name))).toEqual(
              new Set(changed.map(({ name }) => name)),
            );
            const after = await exact();
            const read = (await hook.read?.(signal)) ?? [];
            for (const [index, { name, target, found }] of zone.entries()) {
              if (!changed.some((each) => each.name === name)) {
                expect(after[index]).toEqual(was[index]);
                continue;
              }
              // Of a name with somebody else's set the others are put back, unless a CNAME would stand beside one.
              const type = target === 'alias' ? 'CNAME' : 'A';
              const alone = found.some((set) => (set.type === 'CNAME') !== (type === 'CNAME'));
              const of = (sets: DnsRecordSet[], its: boolean) =>
                sets.filter((set) => set.name === name && (set.type === type) === its);
              expect(of(read, true)).toEqual(of(before, true));
              expect(of(read, false)).toEqual(of(alone ? before : (moved.before as DnsRecordSet[]), false));
            }
          }),
          { numRuns: RUNS },
        );
      },
      LIMIT_MS,
    );
  });
});
