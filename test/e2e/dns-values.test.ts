import { copyFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { BIND, type BindBench, KEYS, startBind } from '../servers/bind.ts';
import { installed } from '../servers/require.ts';
import { cutover, cutoverJson, makeFolder } from './cli.ts';

const FORCE = ['--yes', '--force', '--reason', 'test'];
const COMPLETE = ['shift', '100%', ...FORCE, '--confirm', 'chat-prod'];
const BACK = ['rollback', '--anyway', ...FORCE, '--confirm', 'chat-prod'];

interface Done {
  operation: { outcome: string };
  steps: { kind: string; outcome: string; attempts: number; code?: string; notes?: string[] }[];
}

describe.skipIf(!installed(BIND))('a migration on a name server with a secondary', () => {
  let bench: BindBench;
  beforeAll(async () => {
    bench = await startBind({ secondary: true });
  });
  afterAll(async () => {
    await bench?.stop();
  });

  const folder = (
    name: string,
    more: string,
    type = 'CNAME',
    values = ['legacy.example.net.', 'target.example.net.'],
  ) => {
    const dir = makeFolder(`hooks:
  dns:
    - driver: rfc2136
      server: 127.0.0.1:${bench.port}
      keyFile: tsig.key
      zone: example.test
      ${more}
      records: [{ name: ${name}, type: ${type}, ttl: 60, legacy: ${values[0]}, target: ${values[1]} }]
`);
    onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
    copyFileSync(join(bench.dir, KEYS.right), join(dir, 'tsig.key'));
    return dir;
  };
  const dnsOf = ({ steps }: Done) => steps.find(({ kind }) => kind === 'dns');

  it('lowers TTLs from the canary on, says how long resolvers keep legacy, and puts all back', async () => {
    const name = 'ahead.example.test.';
    await bench.put(name, 'CNAME', 300, ['Legacy.Example.net.']);
    const was = await bench.exact(name);
    const dir = folder(name, `lowerTtl: 30\n      verify: ['${bench.secondary}']`);
    const start = await cutover(dir, ['canary', 'start', '--dry-run']);
    expect(start.stdout).toMatch(/dns +dns\[0\] rfc2136 example\.test +lower TTLs to 30 s ahead of the move/);
    expect(await bench.exact(name)).toEqual(was);
    const started = await cutoverJson<Done>(dir, ['canary', 'start', '--yes']);
    expect(dnsOf(started)).toMatchObject({ outcome: 'done', notes: [expect.stringContaining('300 s more')] });
    expect(await bench.exact(name)).toEqual(was.map((line) => line.replace('300', '30')));
    const plan = await cutover(dir, [...COMPLETE, '--dry-run']);
    // Who asked before it was lowered keeps it for as long as was said then.
    const early =
      /^resolvers may keep what ahead\.example\.test\. CNAME says now for (2[5-9]\d|300) s more: its TTL was 300 s until \d+ s ago; the move comes early: 2\d\d s later they would keep it for 30 s$/;
    expect(plan.stdout.replace(/\s+/g, ' ')).toMatch(new RegExp(early.source.replace(/[\^$]/g, '')));
    expect(plan.stdout).toMatch(/point to target/);
    expect(dnsOf(await cutoverJson<Done>(dir, COMPLETE))).toMatchObject({
      outcome: 'done',
      notes: [expect.stringMatching(early)],
    });
    expect((await bench.exact(name)).join()).toMatch(/60\s+IN\s+CNAME\s+target\.example\.net\.$/);
    await cutoverJson(dir, [...BACK, '--to', '1']);
    expect(await bench.exact(name)).toEqual(was);
  });

  it('keeps TTLs lowered on the way back to a rung, from 100 % and from another, and puts all back from there', async () => {
    const name = 'rung.example.test.';
    await bench.put(name, 'CNAME', 300, ['Legacy.Example.net.']);
    const was = await bench.exact(name);
    const lowered = was.map((line) => line.replace('300', '30'));
    const dir = folder(name, 'lowerTtl: 30');
    const calm = async () => {
      expect(await cutoverJson(dir, ['status'])).toMatchObject({ safe: true, drift: [] });
      expect((await cutover(dir, ['dns', 'diff'])).stdout).toBe('every record says what it should\n');
    };
    await cutoverJson(dir, ['canary', 'start', '--yes']);
    await cutoverJson(dir, ['shift', '50%', ...FORCE]);
    await cutoverJson(dir, COMPLETE);
    await cutoverJson(dir, BACK);
    expect(await bench.exact(name)).toEqual(lowered);
    await calm();
    const again = await cutover(dir, [...COMPLETE, '--dry-run']);
    expect(again.stdout.replace(/\s+/g, ' ')).toMatch(
      /says now for (2\d\d|300) s more: its TTL was 300 s until/,
    );
    await cutoverJson(dir, ['shift', '75%', ...FORCE]);
    await cutoverJson(dir, BACK);
    expect(await bench.exact(name)).toEqual(lowered);
    await calm();
    await cutoverJson(dir, COMPLETE);
    await cutoverJson(dir, BACK);
    expect(await bench.exact(name)).toEqual(lowered);
    await cutoverJson(dir, ['rollback', '--emergency']);
    expect(await bench.exact(name)).toEqual(was);
    await calm();
  });

  it('lowers what has come into the zone since, on the way back to a rung, and no address of before comes back', async () => {
    const name = 'renewed.example.test.';
    await bench.put(name, 'CNAME', 300, ['legacy.example.net.']);
    const dir = folder(name, 'lowerTtl: 30');
    await cutoverJson(dir, ['canary', 'start', '--yes']);
    await cutoverJson(dir, ['shift', '50%', ...FORCE]);
    await bench.put(name, 'CNAME', 600, ['renewed.example.net.']);
    await cutoverJson(dir, COMPLETE);
    await cutoverJson(dir, BACK);
    expect((await bench.exact(name)).join()).toMatch(/\s30\s+IN\s+CNAME\s+renewed\.example\.net\.$/);
    await cutoverJson(dir, [...BACK, '--to', '1']);
    expect((await bench.exact(name)).join()).toMatch(/\s600\s+IN\s+CNAME\s+renewed\.example\.net\.$/);
  });

  it('without lowerTtl it moves nothing before 100 %, and tells the TTL that stands', async () => {
    const name = 'asitis.example.test.';
    await bench.put(name, 'CNAME', 300, ['legacy.example.net.']);
    const dir = folder(name, 'retries: 2');
    const started = await cutoverJson<Done>(dir, ['canary', 'start', '--yes']);
    expect(dnsOf(started)).toBeUndefined();
    const plan = await cutoverJson<{ plan: { notes: string[] } }>(dir, [...COMPLETE, '--dry-run']);
    expect(plan.plan.notes).toEqual([`resolvers may keep what ${name} CNAME says now for 300 s more`]);
  });

  it('moves a text that is cut in two and puts it back byte for byte, in the emergency too', async () => {
    const name = 'text.example.test.';
    await bench.put(name, 'TXT', 60, ['"v=one" "two"']);
    const was = await bench.exact(name);
    const dir = folder(name, 'retries: 0', 'TXT', ['v=onetwo', 'v=target']);
    await cutoverJson(dir, ['canary', 'start', '--yes']);
    await cutoverJson(dir, COMPLETE);
    expect(await bench.look(name, 'TXT')).toEqual(['v=target']);
    await cutoverJson(dir, BACK);
    expect(await bench.exact(name)).toEqual(was);
    await bench.put('odd.example.test.', 'TXT', 60, ['"\\255"']);
    const odd = folder('odd.example.test.', 'retries: 0', 'TXT', ['legacy', 'target']);
    await cutoverJson(odd, ['canary', 'start', '--yes']);
    await cutoverJson(odd, COMPLETE);
    expect(await bench.look('odd.example.test.', 'TXT')).toEqual(['target']);
    const emergency = await cutoverJson<Done>(odd, ['rollback', '--emergency']);
    expect(emergency.operation.outcome).toBe('done');
    expect(await bench.look('odd.example.test.', 'TXT')).not.toEqual(['target']);
  });

  it('ends a step at once where something else writes in between, whatever its retries', async () => {
    const name = 'race.example.test.';
    await bench.put(name, 'CNAME', 60, ['legacy.example.net.']);
    const dir = folder(name, 'retries: 2');
    await cutoverJson(dir, ['canary', 'start', '--yes']);
    const { env, stop } = await bench.withWriterBetween(name, 'CNAME', 60, ['other.example.net.']);
    onTestFinished(stop);
    const ran = await cutover(dir, [...COMPLETE, '--json'], { env: { PATH: env.PATH ?? '' } });
    expect(ran.code).toBe(4);
    const done = JSON.parse(ran.stdout) as Done;
    expect(dnsOf(done)).toMatchObject({ outcome: 'failed', attempts: 1, code: 'DNS_CHANGED' });
    expect(await bench.look(name, 'CNAME')).toEqual(['other.example.net.']);
  });
});
