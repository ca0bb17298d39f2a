import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { absoluteName, isWithin, recordValue } from '../../../src/config/dns-values.ts';
import { serverOf } from '../../../src/config/server-address.ts';
import { contentsOf, isZoneFileContent, setOfContents } from '../../../src/hooks/dns/contents.ts';
import { updateFault } from '../../../src/hooks/dns/nsupdate-faults.ts';
import { updateScript } from '../../../src/hooks/dns/nsupdate-script.ts';
import { changesBetween, recordSet, setsFor } from '../../../src/hooks/dns/records.ts';
import { quoteStrings, quoteTxt, unquoteTxt } from '../../../src/hooks/dns/txt.ts';
import { wayBack } from '../../../src/hooks/dns/wanted.ts';
import type { DnsRecordSet, RecordMove } from '../../../src/world.ts';

const set = (name: string, type: DnsRecordSet['type'], ttl: number, ...values: string[]) =>
  recordSet({ name, type }, ttl, values);

describe('names and values', () => {
  it.each([
    ['LLM.Example.test', 'llm.example.test.'],
    ['llm.example.test.', 'llm.example.test.'],
    ['*.example.test', '*.example.test.'],
    ['_acme.example.test', '_acme.example.test.'],
  ])('%s is the name %s', (text, name) => expect(absoluteName(text)).toBe(name));

  it.each([
    '',
    '.',
    '*',
    'a..b',
    'a b',
    'a\nb',
    '-a.test',
    'a.*.test',
    `${'x'.repeat(64)}.test`,
    'x.'.repeat(130),
  ])('%j is no name', (text) => expect(absoluteName(text)).toBeUndefined());

  it('compares values in one form', () => {
    expect(recordValue('AAAA', '2001:DB8:0:0::1')).toBe('2001:db8::1');
    expect(recordValue('AAAA', 'fe80::1%eth0')).toBeUndefined();
    expect(recordValue('A', '192.0.2.256')).toBeUndefined();
    expect(recordValue('TXT', 'two\nlines')).toBeUndefined();
    expect(recordValue('CNAME', 'Target.example.NET')).toBe('target.example.net.');
  });

  it('knows what is in a zone', () => {
    expect(isWithin('llm.example.test.', 'example.test.')).toBe(true);
    expect(isWithin('example.test.', 'example.test.')).toBe(true);
    expect(isWithin('notexample.test.', 'example.test.')).toBe(false);
  });

  it.each([
    ['127.0.0.1:5300', '127.0.0.1', 5300],
    ['ns1.example.test', 'ns1.example.test', 53],
    ['[::1]:5300', '::1', 5300],
    ['[2001:db8::1]', '2001:db8::1', 53],
  ])('%s is a server', (text, host, port) => expect(serverOf(text)).toEqual({ host, port }));
});

describe('TXT', () => {
  it('is quoted, escaped and split', () => {
    expect(quoteTxt('say "hi" \\ é')).toBe('"say \\"hi\\" \\\\ \\195\\169"');
    expect(quoteTxt('x'.repeat(300))).toBe(`"${'x'.repeat(255)}" "${'x'.repeat(45)}"`);
    expect(quoteTxt('')).toBe('""');
  });

  it('comes back as it was', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (text) => {
        const clean = Buffer.from(text).toString();
        expect(unquoteTxt(quoteTxt(clean))).toBe(clean);
      }),
    );
  });
});

describe('an update', () => {
  const name = 'llm.example.test.';

  it('asks for what was read, deletes, then adds', () => {
    const changes = [
      { from: set(name, 'CNAME', 30, 'legacy.example.net.'), to: set(name, 'CNAME', 30) },
      { from: set(name, 'A', 60), to: set(name, 'A', 60, '192.0.2.2', '192.0.2.1') },
    ];
    expect(
      updateScript({ server: { host: '::1', port: 53 }, zone: 'example.test.' }, changes).split('\n'),
    ).toEqual([
      'server ::1 53',
      'zone example.test.',
      'prereq yxrrset llm.example.test. CNAME legacy.example.net.',
      'prereq nxrrset llm.example.test. A',
      'update delete llm.example.test. CNAME',
      'update add llm.example.test. 60 A 192.0.2.1',
      'update add llm.example.test. 60 A 192.0.2.2',
      'send',
      '',
    ]);
  });

  it('that fails for a clock says so', () => {
    const said = '; TSIG error with server: clocks are unsynchronized\nupdate failed: NOTAUTH(BADTIME)\n';
    expect(updateFault(said, { server: 'ns1:53', zone: 'example.test.' })).toMatchObject({
      code: 'DNS_BADTIME',
      hint: expect.stringContaining('NTP'),
    });
  });

  it('never holds a line that a value smuggled in', () => {
    const evil = 'x.example.net.\nupdate delete example.test. SOA';
    for (const bad of [set(name, 'CNAME', 30, evil), set(name, 'A', 30, evil), set(evil, 'TXT', 30, 'x')]) {
      const changes = [{ from: bad, to: bad }];
      expect(() => updateScript({ server: { host: '::1', port: 53 }, zone: 'z.' }, changes)).toThrow(
        /cannot be written/,
      );
    }
    const carried = { ...set(name, 'CNAME', 30, evil), raw: { content: [evil], name: evil } };
    expect(() =>
      updateScript({ server: { host: '::1', port: 53 }, zone: 'z.' }, [{ from: carried, to: carried }]),
    ).toThrow(/cannot be written/);
    const owner = { ...set(name, 'A', 30, '192.0.2.1'), raw: { name: `${name} 1 A 192.0.2.9\nsend` } };
    expect(
      updateScript({ server: { host: '::1', port: 53 }, zone: 'z.' }, [{ from: owner, to: owner }]),
    ).not.toContain('192.0.2.9');
    const text = { from: set(name, 'TXT', 30), to: set(name, 'TXT', 30, 'a\nsend') };
    expect(updateScript({ server: { host: '::1', port: 53 }, zone: 'z.' }, [text])).toContain('"a\\010send"');
  });
});

describe('contents', () => {
  const key = { name: 'a.test.', type: 'TXT' as const };
  const strings = fc.array(fc.uint8Array({ maxLength: 20 }), { minLength: 1, maxLength: 4 });

  it('come back byte for byte from a set that went through a journal, in decimal and in octal', () => {
    fc.assert(
      fc.property(
        fc.array(strings, { minLength: 1, maxLength: 3 }),
        fc.constantFrom<8 | 10>(8, 10),
        (texts, base) => {
          const contents = [...new Set(texts.map((text) => quoteStrings(text, base)))].sort();
          const kept = JSON.parse(JSON.stringify(setOfContents(key, 60, contents, { base }))) as DnsRecordSet;
          expect(contentsOf(kept, { base }).sort()).toEqual(contents);
          expect(contents.every((content) => isZoneFileContent('TXT', content))).toBe(true);
        },
      ),
    );
  });

  it('differ in value where the bytes differ, be they text or not', () => {
    const valueFor = (bytes: Uint8Array) => setOfContents(key, 60, [quoteStrings([bytes])]).values[0];
    const bytes = fc.uint8Array({ minLength: 1, maxLength: 4 }).filter((each) => each[0] !== 0x22);
    fc.assert(
      fc.property(bytes, bytes, (a, b) => {
        expect(valueFor(a) === valueFor(b)).toBe(Buffer.from(a).equals(Buffer.from(b)));
      }),
    );
  });

  it('are not kept where the values tell all', () => {
    expect(setOfContents(key, 60, ['"plain"'])).toEqual({ ...key, ttl: 60, values: ['plain'] });
    expect(setOfContents({ name: 'a.test.', type: 'CNAME' }, 60, ['B.test.'])).toMatchObject({
      values: ['b.test.'],
      raw: { content: ['B.test.'] },
    });
  });

  it('are those of the set, else those that are there, and never say another value', () => {
    const now = setOfContents(key, 60, ['"v=one" "two"', '"other"']);
    expect(contentsOf(recordSet(key, 60, ['v=onetwo']), { now })).toEqual(['"v=one" "two"']);
    const own = { ...recordSet(key, 60, ['v=onetwo']), raw: { content: ['"v=onet" "wo"', '"smuggled"'] } };
    expect(contentsOf(own, { now })).toEqual(['"v=onet" "wo"']);
    expect(contentsOf({ ...own, raw: 'nonsense' })).toEqual(['"v=onetwo"']);
  });

  it.each(['a b.example.net.', 'x.\nsend', 'x. ; comment', '"x.', 'x(.', ''])(
    '%j is no name on a line of an update',
    (content) => expect(isZoneFileContent('CNAME', content)).toBe(false),
  );
});

describe('a way back', () => {
  const [found, wrote, theirs] = ['192.0.2.1', '192.0.2.2', '192.0.2.3'].map((value) =>
    set('a.test.', 'A', 60, value),
  );
  const move = { from: wrote, to: found } as RecordMove;
  const back = (now: DnsRecordSet | undefined, overwrite = false) =>
    wayBack([move], [now as DnsRecordSet], { overwrite });

  it('goes from what we wrote to what we found, and nowhere else', () => {
    expect(back(wrote)).toEqual({ changes: [{ from: wrote, to: found, wrote }], foreign: [] });
    expect(back(found)).toEqual({ changes: [], foreign: [] });
    expect(back(theirs)).toEqual({ changes: [], foreign: [theirs] });
    expect(back(set('a.test.', 'A', 61, '192.0.2.2'))).toMatchObject({ changes: [], foreign: [{ ttl: 61 }] });
    expect(back(theirs, true)).toEqual({ changes: [{ from: theirs, to: found }], foreign: [] });
  });

  it('takes a server at its values, however it writes them', () => {
    const cut = { ...(wrote as DnsRecordSet), raw: { content: ['another form'] } };
    expect(back(cut)).toMatchObject({ changes: [{ from: cut, to: found }] });
  });

  it('leaves a name whole where a CNAME would stand beside what is somebody else’s', () => {
    const [alias, none] = [set('a.test.', 'CNAME', 60, 'x.test.'), set('a.test.', 'CNAME', 0)];
    const text = [set('a.test.', 'TXT', 60, 'ours'), set('a.test.', 'TXT', 0)] as const;
    const other = { from: set('b.test.', 'A', 60, '192.0.2.2'), to: set('b.test.', 'A', 60, '192.0.2.1') };
    const moves = [
      { from: none, to: alias },
      { from: wrote as DnsRecordSet, to: set('a.test.', 'A', 0) },
      { from: text[0], to: text[1] },
      other,
    ];
    const now = [none, theirs as DnsRecordSet, text[0], other.from];
    const { changes, foreign } = wayBack(moves, now, { overwrite: false });
    expect(changes.map(({ to }) => to)).toEqual([other.to]);
    expect(foreign).toEqual([theirs, none, text[0]]);
  });
});

describe('record sets', () => {
  const record = { name: 'a.test.', type: 'A' as const, ttl: 60, legacy: ['192.0.2.1'], target: [] };

  it('are those of a side', () => {
    expect(setsFor([record], 'legacy')).toEqual([
      { name: 'a.test.', type: 'A', ttl: 60, values: ['192.0.2.1'] },
    ]);
    expect(setsFor([record], 'target')).toEqual([{ name: 'a.test.', type: 'A', ttl: 0, values: [] }]);
  });

  it('differ by value and by TTL', () => {
    const now = [set('a.test.', 'A', 60, '192.0.2.1', '192.0.2.2'), set('b.test.', 'A', 60, '192.0.2.1')];
    expect(
      changesBetween(now, [set('a.test.', 'A', 60, '192.0.2.2', '192.0.2.1'), now[1] as DnsRecordSet]),
    ).toEqual([]);
    expect(changesBetween(now, [now[0] as DnsRecordSet, set('b.test.', 'A', 61, '192.0.2.1')])).toHaveLength(
      1,
    );
  });
});
