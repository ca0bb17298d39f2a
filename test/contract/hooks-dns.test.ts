import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import type { RecordType } from '../../src/config/dns-values.ts';
import type { Hook, HookEvent } from '../../src/hooks/hook.ts';
import { attempt } from '../../src/operation/attempt.ts';
import type { RecordMove } from '../../src/world.ts';
import { BIND, startBind } from '../servers/bind.ts';
import { startCloudflareStandIn } from '../servers/cloudflare-stand-in.ts';
import type { DnsBench } from '../servers/dns-bench.ts';
import { faultOf, hookEvent, hooksOf, soon } from '../servers/hooks.ts';
import { movesOf, restoring } from '../servers/moves.ts';
import { POWERDNS, startPowerDns } from '../servers/powerdns.ts';
import { installed, type Required } from '../servers/require.ts';
import { startRoute53StandIn } from '../servers/route53-stand-in.ts';

/** Every DNS driver that reads and writes records, with what it is run against. */
const BENCHES: { title: string; server?: Required; start(): Promise<DnsBench> }[] = [
  { title: 'rfc2136 and BIND', server: BIND, start: () => startBind() },
  {
    title: 'rfc2136 and BIND that signs the zone',
    server: BIND,
    start: () => startBind({ signed: true }),
  },
  { title: 'powerdns and PowerDNS', server: POWERDNS, start: startPowerDns },
  { title: 'cloudflare and a stand-in', start: startCloudflareStandIn },
  { title: 'route53 and a stand-in', start: startRoute53StandIn },
];

/** Names of their own for each test: none sees what another left. */
let serial = 0;
const freshName = () => `r${++serial}.example.test.`;

const toTarget = () => hookEvent({ step: 'dns', provider: 'target' });
const toLegacy = () => hookEvent({ step: 'dns', provider: 'legacy' });

describe.each(BENCHES)('DNS driver $title', ({ server, start }) => {
  describe.skipIf(server !== undefined && !installed(server))('keeps the contract:', () => {
    let bench: DnsBench;
    beforeAll(async () => {
      bench = await start();
    });
    afterAll(async () => {
      await bench?.stop();
    });

    const hookFor = (records: unknown[], more: object = {}): Hook => {
      const [hook] = hooksOf({ dns: [bench.entry(records, more)] }, bench).dns;
      if (!hook) throw new Error('no hook');
      return hook;
    };
    const cname = (name: string) => ({
      name,
      type: 'CNAME',
      ttl: 120,
      legacy: 'legacy.example.net.',
      target: 'Target.Example.NET',
    });

    it('reads nothing as empty sets', async () => {
      const name = freshName();
      expect(await hookFor([cname(name)]).read?.(soon())).toEqual([
        { name, type: 'CNAME', ttl: 0, values: [] },
      ]);
    });

    it('makes, moves and reads back a record, and says what was there', async () => {
      const name = freshName();
      const hook = hookFor([cname(name)]);
      const made = await hook.run(toLegacy(), soon());
      expect(made).toEqual({
        before: [{ name, type: 'CNAME', ttl: 0, values: [] }],
        after: hook.expected?.('legacy'),
      });
      expect(await bench.look(name, 'CNAME')).toEqual(['legacy.example.net.']);
      const moved = await hook.run(toTarget(), soon());
      expect(moved).toMatchObject({ before: hook.expected?.('legacy'), after: hook.expected?.('target') });
      expect(await bench.look(name, 'CNAME')).toEqual(['target.example.net.']);
      expect(await hook.read?.(soon())).toEqual([
        { name, type: 'CNAME', ttl: 120, values: ['target.example.net.'] },
      ]);
    });

    it('does the same again without a difference', async () => {
      const name = freshName();
      const hook = hookFor([cname(name)]);
      await hook.run(toTarget(), soon());
      const again = await hook.run(toTarget(), soon());
      expect(again).toEqual({ before: hook.expected?.('target'), after: hook.expected?.('target') });
      expect(await bench.look(name, 'CNAME')).toEqual(['target.example.net.']);
    });

    it.each<[RecordType, string[], string[]]>([
      ['A', ['192.0.2.1', '192.0.2.2'], ['198.51.100.7']],
      ['AAAA', ['2001:db8:0:0::1'], ['2001:db8::2', '2001:db8::3']],
      ['TXT', ['legacy'], ['say "hi" \\ to é', `long ${'x'.repeat(300)}`]],
    ])('moves %s records with several values', async (type, legacy, target) => {
      const name = freshName();
      const hook = hookFor([{ name, type, ttl: 300, legacy, target }]);
      await hook.run(toLegacy(), soon());
      const { after } = await hook.run(toTarget(), soon());
      expect(after).toEqual([{ name, type, ttl: 300, values: [...target].sort() }]);
      expect(await bench.look(name, type)).toEqual([...target].sort());
    });

    it('moves several records in one step', async () => {
      const [one, two] = [freshName(), freshName()];
      const hook = hookFor([
        cname(one),
        { name: two, type: 'A', ttl: 60, legacy: '192.0.2.1', target: '192.0.2.9' },
      ]);
      await hook.run(toLegacy(), soon());
      await hook.run(toTarget(), soon());
      expect(await bench.look(one, 'CNAME')).toEqual(['target.example.net.']);
      expect(await bench.look(two, 'A')).toEqual(['192.0.2.9']);
    });

    it('replaces a CNAME by an address of the same name, and back', async () => {
      const name = freshName();
      const hook = hookFor([
        { name, type: 'CNAME', ttl: 60, legacy: 'legacy.example.net.', target: [] },
        { name, type: 'A', ttl: 60, legacy: [], target: '192.0.2.9' },
      ]);
      await hook.run(toLegacy(), soon());
      await hook.run(toTarget(), soon());
      expect([await bench.look(name, 'CNAME'), await bench.look(name, 'A')]).toEqual([[], ['192.0.2.9']]);
      await hook.run(toLegacy(), soon());
      expect(await hook.read?.(soon())).toEqual(hook.expected?.('legacy'));
    });

    /** A name that our step moved to target, and how to put back what it had found. */
    const moved = async (): Promise<{ name: string; hook: Hook; move: RecordMove }> => {
      const name = freshName();
      await bench.put(name, 'CNAME', 3600, ['elsewhere.example.org.']);
      const hook = hookFor([cname(name)]);
      const [move] = movesOf(await hook.run(toTarget(), soon()));
      if (!move) throw new Error('nothing was moved');
      return { name, hook, move };
    };

    it('puts back exactly what it had found, whatever the config says', async () => {
      const [one, two] = [await moved(), freshName()];
      const made = hookFor([cname(two)]);
      const moves = [one.move, ...movesOf(await made.run(toTarget(), soon()))];
      const back = await one.hook.run(restoring(moves), soon());
      expect(back).toMatchObject({ before: moves.map(({ from }) => from), after: moves.map(({ to }) => to) });
      expect(back.after).toEqual([
        { name: one.name, type: 'CNAME', ttl: 3600, values: ['elsewhere.example.org.'] },
        { name: two, type: 'CNAME', ttl: 0, values: [] },
      ]);
      expect(await bench.look(one.name, 'CNAME')).toEqual(['elsewhere.example.org.']);
      expect(await bench.look(two, 'CNAME')).toEqual([]);
    });

    it('writes nothing where nothing was moved, or all is back already', async () => {
      const { name, hook, move } = await moved();
      await bench.put(name, 'CNAME', 60, ['anything.example.org.']);
      const found = [{ name, type: 'CNAME', ttl: 60, values: ['anything.example.org.'] }];
      expect(await hook.run(restoring([]), soon())).toEqual({ before: found, after: found });
      await bench.put(name, 'CNAME', 3600, ['elsewhere.example.org.']);
      expect(await hook.run(restoring([move]), soon())).toEqual({ before: [move.to], after: [move.to] });
      expect(await bench.look(name, 'CNAME')).toEqual(['elsewhere.example.org.']);
    });

    it('leaves what somebody else has changed alone, names it, and puts back the rest', async () => {
      const [ours, theirs] = [await moved(), await moved()];
      await bench.put(theirs.name, 'CNAME', 60, ['theirs.example.org.']);
      const now = { name: theirs.name, type: 'CNAME', ttl: 60, values: ['theirs.example.org.'] };
      const moves = [ours.move, theirs.move];
      const told: unknown[] = [];
      const ran = await ours.hook.run(restoring(moves), soon(), (...sets) => told.push(sets));
      expect(ran).toMatchObject({
        before: [ours.move.from, now],
        after: [ours.move.to, now],
        foreign: [now],
      });
      expect(told).toEqual([
        [
          [ours.move.from, now],
          [ours.move.to, now],
        ],
      ]);
      expect(await bench.look(ours.name, 'CNAME')).toEqual(['elsewhere.example.org.']);
      expect(await bench.look(theirs.name, 'CNAME')).toEqual(['theirs.example.org.']);
      const decided = await ours.hook.run(restoring(moves, { overwriteDns: true }), soon());
      expect(decided).toMatchObject({ before: [ours.move.to, now], after: [ours.move.to, theirs.move.to] });
      expect(await bench.look(theirs.name, 'CNAME')).toEqual(['elsewhere.example.org.']);
    });

    it('puts back every other name where something stands beside one that excludes what was found', async () => {
      const [free, taken] = [freshName(), freshName()];
      const records = [free, taken].flatMap((name) => [
        { name, type: 'CNAME', ttl: 60, legacy: 'legacy.example.net', target: [] },
        { name, type: 'A', ttl: 60, legacy: [], target: '192.0.2.9' },
      ]);
      for (const name of [free, taken]) await bench.put(name, 'CNAME', 60, ['legacy.example.net.']);
      const hook = hookFor(records);
      const moved = await hook.run(toTarget(), soon());
      await bench.put(taken, 'TXT', 60, ['"theirs"']);
      for (const event of [restoring(movesOf(moved)), toLegacy()]) {
        expect((await faultOf(hook.run(event, soon()))).code).toBe('DNS_NOT_ALONE');
        expect(await bench.look(free, 'CNAME')).toEqual(['legacy.example.net.']);
        expect([await bench.look(taken, 'A'), await bench.look(taken, 'TXT')]).toEqual([
          ['192.0.2.9'],
          ['theirs'],
        ]);
        await bench.put(free, 'CNAME', 60, []);
        await bench.put(free, 'A', 60, ['192.0.2.9']);
      }
    });

    it('reads and moves many records without a warning', async () => {
      // Of more than ten listeners of one signal Node.js would warn.
      const warned: Error[] = [];
      const keep = (warning: Error) => warned.push(warning);
      process.on('warning', keep);
      onTestFinished(() => void process.off('warning', keep));
      const hook = hookFor(Array.from({ length: 12 }, () => cname(freshName())));
      await hook.run(toTarget(), soon());
      expect(await hook.read?.(soon())).toEqual(hook.expected?.('target'));
      await new Promise((resolve) => setImmediate(resolve));
      expect(warned).toEqual([]);
    });

    it('does not overwrite what something else wrote after it was read, however often it may try', async () => {
      const name = freshName();
      await bench.put(name, 'CNAME', 120, ['legacy.example.net.']);
      const { change, env, stop } = await bench.withWriterBetween(name, 'CNAME', 120, ['other.example.net.']);
      onTestFinished(stop);
      const [hook] = hooksOf({ dns: [bench.entry([cname(name)], change)] }, { ...bench, env }).dns;
      const bounds = { timeoutMs: 10_000, retries: 2, deadline: Date.now() + 30_000 };
      const ran = await attempt(async (signal) => hook?.run(toTarget(), signal), bounds, {
        now: Date.now,
        random: Math.random,
      });
      expect(ran).toMatchObject({ error: { code: 'DNS_CHANGED' }, attempts: 1 });
      expect(await bench.look(name, 'CNAME')).toEqual(['other.example.net.']);
    });

    it('goes again on a way back where it was an operation of ours that wrote in between, and only there', async () => {
      const between = async (event: HookEvent, value: string, record: (name: string) => object = cname) => {
        const name = freshName();
        await bench.put(name, 'CNAME', 300, ['legacy.example.net.']);
        const { change, env, stop } = await bench.withWriterBetween(name, 'CNAME', 120, [value]);
        onTestFinished(stop);
        const [hook] = hooksOf({ dns: [bench.entry([record(name)], change)] }, { ...bench, env }).dns;
        const outcome = await hook?.run(event, soon()).then(
          () => 'done',
          (error: { code: string }) => error.code,
        );
        return [outcome, ...(await bench.look(name, 'CNAME'))];
      };
      expect(await between(toLegacy(), 'target.example.net.')).toEqual(['done', 'legacy.example.net.']);
      expect(await between(toLegacy(), 'theirs.example.net.')).toEqual([
        'DNS_CHANGED',
        'theirs.example.net.',
      ]);
      // A way forward that has lost does not overwrite what the way back has written.
      const other = (name: string) => ({ ...cname(name), legacy: 'other.example.net' });
      expect(await between(toTarget(), 'other.example.net.', other)).toEqual([
        'DNS_CHANGED',
        'other.example.net.',
      ]);
    });

    it('is known by its server, wherever it stands in the config', () => {
      const entries = [freshName(), freshName()].map((name) => bench.entry([cname(name)]));
      const [first, second] = hooksOf({ dns: entries }, bench).dns;
      expect(first?.server).toBe(second?.server);
      expect(first?.server).not.toContain('dns[');
      expect(first?.records).toEqual([{ name: expect.stringMatching(/^r\d/), type: 'CNAME' }]);
    });

    it('puts back texts as they were cut, bytes that are no text, and the case of names', async () => {
      const [text, alias] = [freshName(), freshName()];
      const odd = [
        '"v=one" "two"',
        `"bytes ${bench.byte(255)}${bench.byte(10)}"`,
        `"${'x'.repeat(200)}" "${'y'.repeat(200)}"`,
      ];
      await bench.put(text, 'TXT', 300, odd);
      await bench.put(alias, 'CNAME', 300, ['Legacy-Host.Example.NET.']);
      const was = [await bench.exact(text), await bench.exact(alias)];
      const hook = hookFor([
        { name: text, type: 'TXT', ttl: 60, legacy: 'gone', target: ['v=target é', 'v=onetwo'] },
        { ...cname(alias), target: [] },
        { name: alias, type: 'A', ttl: 60, legacy: [], target: '192.0.2.9' },
      ]);
      const { before, after } = await hook.run(toTarget(), soon());
      expect(await bench.look(text, 'TXT')).toEqual(['v=onetwo', 'v=target é']);
      expect((await bench.exact(text)).join()).toContain('"v=one" "two"');
      expect(await bench.look(alias, 'A')).toEqual(['192.0.2.9']);
      const moves = movesOf({ before, after });
      expect(await hook.run(restoring(moves), soon())).toMatchObject({
        before: after,
        after: before,
      });
      expect([await bench.exact(text), await bench.exact(alias)]).toEqual(was);
    });

    it('moves a record that is no text, and keeps the cut where only the TTL changes', async () => {
      const [bytes, cut] = [freshName(), freshName()];
      await bench.put(bytes, 'TXT', 60, [`"${bench.byte(255)}"`]);
      await bench.put(cut, 'TXT', 300, ['"v=one" "two"']);
      const hook = hookFor([
        { name: bytes, type: 'TXT', ttl: 60, legacy: [], target: 'ok' },
        { name: cut, type: 'TXT', ttl: 60, legacy: [], target: 'v=onetwo' },
      ]);
      await hook.run(toTarget(), soon());
      expect(await bench.look(bytes, 'TXT')).toEqual(['ok']);
      const kept = (await bench.exact(cut)).join();
      expect(kept).toContain('"v=one" "two"');
      expect(kept).not.toContain('300');
    });

    it('changes a TTL alone', async () => {
      const name = freshName();
      await bench.put(name, 'CNAME', 3600, ['target.example.net.']);
      const hook = hookFor([cname(name)]);
      expect((await hook.run(toTarget(), soon())).after).toEqual(hook.expected?.('target'));
    });

    it('lowers TTLs ahead of a move, changes nothing else, and puts them back', async () => {
      const [long, short, none] = [freshName(), freshName(), freshName()];
      await bench.put(long, 'TXT', 3600, ['"v=one" "two"']);
      await bench.put(short, 'CNAME', 20, ['elsewhere.example.org.']);
      const was = [await bench.exact(long), await bench.exact(short)];
      const text = { name: long, type: 'TXT', ttl: 60, legacy: 'legacy', target: 'target' };
      const hook = hookFor([text, cname(short), cname(none)], { lowerTtl: 30 });
      expect(hook.lowerTtl).toBe(30);
      const lowering = hookEvent({ step: 'dns', provider: 'legacy', lowerTtl: 30 });
      const ran = await hook.run(lowering, soon());
      expect(ran.notes).toEqual([`resolvers may keep what ${long} TXT says now for 3600 s more`]);
      const lowered = was.map((lines) => lines.map((line) => line.replace('3600', '30')));
      expect([await bench.exact(long), await bench.exact(short)]).toEqual(lowered);
      const again = await hook.run(lowering, soon());
      expect(again).toEqual({ before: ran.after, after: ran.after });
      await hook.run(restoring(movesOf(ran)), soon());
      expect([await bench.exact(long), await bench.exact(short)]).toEqual(was);
    });

    it('leaves everything as it was when one record cannot be', async () => {
      const [one, two] = [freshName(), freshName()];
      const hook = hookFor([cname(one), { name: two, type: 'A', ttl: 60, legacy: [], target: '192.0.2.9' }]);
      await hook.run(toLegacy(), soon());
      await bench.put(two, 'CNAME', 60, ['in-the-way.example.net.']);
      const fault = await faultOf(hook.run(toTarget(), soon()));
      expect(fault.code).toBe('DNS_NOT_ALONE');
      expect(await bench.look(one, 'CNAME')).toEqual(['legacy.example.net.']);
      expect(await bench.look(two, 'CNAME')).toEqual(['in-the-way.example.net.']);
    });

    it('does not read an address through a CNAME as its own', async () => {
      const [alias, real] = [freshName(), freshName()];
      await bench.put(real, 'A', 60, ['192.0.2.9']);
      await bench.put(alias, 'CNAME', 60, [real]);
      const hook = hookFor([{ name: alias, type: 'A', ttl: 60, legacy: [], target: '192.0.2.9' }]);
      expect(await hook.read?.(soon())).toEqual([{ name: alias, type: 'A', ttl: 0, values: [] }]);
      expect((await faultOf(hook.run(toTarget(), soon()))).code).toMatch(/^DNS_/);
    });

    it('proves that records could be changed, and changes none', async () => {
      const [name, none] = [freshName(), freshName()];
      await bench.put(name, 'TXT', 120, ['"v=one" "two"']);
      const was = await bench.exact(name);
      const records = [{ name, type: 'TXT', ttl: 60, legacy: 'l', target: 't' }, cname(none)];
      const prove = async (more: object) => {
        const hook = hookFor(records, more);
        await hook.prove?.((await hook.read?.(soon())) ?? [], soon());
      };
      await prove({});
      await expect(prove(bench.wrongSecret.change)).rejects.toMatchObject({ code: bench.wrongSecret.code });
      expect([await bench.exact(name), await bench.look(none, 'CNAME')]).toEqual([was, []]);
    });

    it('names wrong credentials, and changes nothing', async () => {
      const name = freshName();
      await bench.put(name, 'CNAME', 120, ['legacy.example.net.']);
      const fault = await faultOf(hookFor([cname(name)], bench.wrongSecret.change).run(toTarget(), soon()));
      expect(fault.code).toBe(bench.wrongSecret.code);
      expect(await bench.look(name, 'CNAME')).toEqual(['legacy.example.net.']);
    });

    it('names a server that does not answer', async () => {
      const hook = hookFor([cname(freshName())], await bench.unreachable());
      for (const work of [() => hook.run(toTarget(), soon()), async () => hook.read?.(soon())]) {
        expect(await faultOf(work())).toMatchObject({ exitCode: 69 });
      }
    });

    it('ends when it is told to', async () => {
      const stop = new AbortController();
      stop.abort(new Error('out of time'));
      expect((await faultOf(hookFor([cname(freshName())]).run(toTarget(), stop.signal))).message).toMatch(
        /out of time/,
      );
    });

    it('shows no secret in any result or error', async () => {
      const name = freshName();
      const seen: unknown[] = [];
      const keep = async (work: Promise<unknown>) => {
        seen.push(await work.catch((error: Error & { hint?: string }) => [error.message, error.hint]));
      };
      await keep(hookFor([cname(name)]).run(toTarget(), soon()));
      await keep(hookFor([cname(name)], bench.wrongSecret.change).run(toLegacy(), soon()));
      await keep(hookFor([cname(name)], await bench.unreachable()).run(toLegacy(), soon()));
      const shown = JSON.stringify(seen);
      for (const secret of bench.secrets) expect(shown).not.toContain(secret);
    });
  });
});
