import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { askServer } from '../../src/hooks/dns/query.ts';
import { BIND, type BindBench, KEYS, startBind } from '../servers/bind.ts';
import { faultOf, hookEvent, hooksOf, soon } from '../servers/hooks.ts';
import { movesOf, restoring } from '../servers/moves.ts';
import { temporaryFolder } from '../servers/process.ts';
import { installed, pathOf } from '../servers/require.ts';

/** What only the rfc2136 driver has: its faults told apart, and a write that compares before it swaps. */
describe.skipIf(!installed(BIND))('rfc2136 and BIND', () => {
  let bench: BindBench;
  beforeAll(async () => {
    bench = await startBind();
    await bench.put('llm.example.test.', 'CNAME', 60, ['legacy.example.net.']);
  });
  afterAll(async () => {
    await bench?.stop();
  });

  const records = [
    {
      name: 'llm.example.test',
      type: 'CNAME',
      ttl: 60,
      legacy: 'legacy.example.net',
      target: 't.example.net',
    },
  ];
  const faultWith = (more: object, env: Readonly<Record<string, string | undefined>> = bench.env) => {
    const [hook] = hooksOf({ dns: [bench.entry(records, more)] }, { dir: bench.dir, env }).dns;
    return faultOf(hook?.run(hookEvent({ step: 'dns' }), soon()) ?? Promise.resolve());
  };
  const nothingChanged = async () =>
    expect(await bench.look('llm.example.test', 'CNAME')).toEqual(['legacy.example.net.']);

  it.each([
    ['another secret', { keyFile: KEYS.otherSecret }, 'DNS_BADSIG', /BADSIG/, /copy the key/],
    ['a key the server does not know', { keyFile: KEYS.unknown }, 'DNS_BADKEY', /BADKEY/, /same name/],
    ['a key without rights', { keyFile: KEYS.powerless }, 'DNS_REFUSED', /REFUSED/, /update-policy/],
    ['no key', { keyFile: undefined }, 'DNS_REFUSED', /REFUSED/, /update-policy/],
    ['a missing key file', { keyFile: 'nowhere.key' }, 'KEY_FILE', /hooks\.dns\[0\]\.keyFile/, /tsig-keygen/],
    ['a key file that is none', { keyFile: 'named.conf' }, 'KEY_FILE', /no TSIG key/, /tsig-keygen/],
  ])('%s is an error of its own', async (_what, more, code, message, hint) => {
    const fault = await faultWith(more);
    expect(fault).toMatchObject({
      code,
      message: expect.stringMatching(message),
      hint: expect.stringMatching(hint),
    });
    await nothingChanged();
  });

  it('a server of another zone is an error of its own', async () => {
    const other = [{ ...records[0], name: 'llm.other.test' }];
    expect(await faultWith({ zone: 'other.test', records: other })).toMatchObject({ code: 'DNS_READ' });
  });

  it('a zone that is only a part of one of the server is an error of its own', async () => {
    const part = [{ ...records[0], name: 'llm.part.example.test' }];
    expect(await faultWith({ zone: 'part.example.test', records: part })).toMatchObject({
      code: 'DNS_NOT_AUTHORITATIVE',
      hint: expect.stringContaining('`zone`'),
    });
  });

  it('a missing nsupdate is a clear error', async () => {
    expect(await faultWith({}, { PATH: '/nowhere' })).toMatchObject({
      code: 'NSUPDATE_MISSING',
      exitCode: 78,
      hint: expect.stringContaining('bind9-dnsutils'),
    });
    await nothingChanged();
  });

  it('takes a change for done whose message was sent twice, as after a lost answer', async () => {
    const bin = temporaryFolder();
    onTestFinished(bin.remove);
    const nsupdate = pathOf('nsupdate');
    const script = `#!/bin/sh\ncat > ${bin.dir}/in\n${nsupdate} "$@" < ${bin.dir}/in > /dev/null 2>&1\nexec ${nsupdate} "$@" < ${bin.dir}/in\n`;
    writeFileSync(join(bin.dir, 'nsupdate'), script, { mode: 0o755 });
    const env = { ...bench.env, PATH: `${bin.dir}:${process.env.PATH}` };
    await bench.put('twice.example.test.', 'CNAME', 60, ['legacy.example.net.']);
    const twice = [{ ...records[0], name: 'twice.example.test' }];
    const [hook] = hooksOf({ dns: [bench.entry(twice)] }, { dir: bench.dir, env }).dns;
    expect(await hook?.run(hookEvent({ step: 'dns' }), soon())).toMatchObject({
      after: hook?.expected?.('target'),
    });
  });

  it('keeps the case in which the zone has a name', async () => {
    const zone = async () => {
      const { stdout } = await promisify(execFile)('dig', [
        '@127.0.0.1',
        '-p',
        String(bench.port),
        'example.test',
        'AXFR',
      ]);
      return stdout.split('\n').filter((line) => /^mixed/i.test(line));
    };
    await bench.put('MiXed.Example.TEST.', 'CNAME', 60, ['Legacy.example.net.']);
    const was = await zone();
    const moves = [
      { ...records[0], name: 'mixed.example.test', target: [] },
      { name: 'mixed.example.test', type: 'A', ttl: 60, legacy: [], target: '192.0.2.9' },
    ];
    const [hook] = hooksOf({ dns: [bench.entry(moves)] }, bench).dns;
    const moved = (await hook?.run(hookEvent({ step: 'dns' }), soon())) ?? {};
    expect(await zone()).toHaveLength(1);
    await hook?.run(restoring(movesOf(moved)), soon());
    expect(await zone()).toEqual(was);
    expect(was.join()).toMatch(/^MiXed\.Example\.TEST\./);
  });

  it('gets an answer that is too long for a datagram over TCP', async () => {
    const addresses = Array.from({ length: 60 }, (_, i) => `192.0.2.${i + 1}`);
    await bench.put('many.example.test.', 'A', 60, addresses);
    const server = { host: 'localhost', port: bench.port };
    const { records: found } = await askServer(server, { name: 'many.example.test.', type: 'A' }, soon());
    expect(found.map(({ value }) => value).sort()).toEqual(addresses.sort());
  });
});
