import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createSecrets } from '../../../src/config/secrets.ts';
import { createRedactor } from '../../../src/output/redact.ts';
import { storable, storableRecords } from '../../../src/output/storable.ts';

const TOKEN = 'tok"en/with+odd&chars=77';
const PEM = `-----BEGIN PRIVATE KEY-----
MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj
MzEfYyjiWA4R4/M2bS1GB4t7NXp98C3SC6dVMvDuictGeurT8jNbvJZHtCSuYEvu
short==
-----END PRIVATE KEY-----`;
const DER = Buffer.from(PEM.split('\n').slice(1, 4).join(''), 'base64');
const base64 = (text: string) => Buffer.from(text).toString('base64');

function redacting(...secrets: string[]): (text: string) => string {
  const redactor = createRedactor();
  for (const secret of secrets) redactor.remember(secret);
  return redactor.redact;
}

describe('a secret', () => {
  it.each([
    ['as it is', TOKEN],
    ['in JSON', JSON.stringify({ key: TOKEN })],
    ['in JSON in JSON', JSON.stringify({ body: JSON.stringify({ key: TOKEN }) })],
    ['as PHP and Go escape JSON', '"tok\\"en\\/with+odd\\u0026chars=77"'],
    ['in a query', `?key=${encodeURIComponent(TOKEN)}`],
    ['in a query, small letters', `?key=${encodeURIComponent(TOKEN).toLowerCase()}`],
    ['in a query in JSON', JSON.stringify({ url: `?key=${encodeURIComponent(TOKEN)}` })],
    ['in a form', new URLSearchParams({ key: TOKEN }).toString()],
    ['in HTML', 'tok&quot;en/with+odd&amp;chars=77'],
    ['in HTML, by number', 'tok&#34;en/with+odd&#x26;chars=77'],
    ['in base64', base64(TOKEN)],
    ['in base64url', Buffer.from(TOKEN).toString('base64url')],
    ['as a password of Basic', `Basic ${base64(`user:${TOKEN}`)}`],
    ['within something in base64', base64(`{"a":"${TOKEN}","b":1}`)],
    ['in hexadecimal', Buffer.from(TOKEN).toString('hex')],
    ['in HEXADECIMAL', Buffer.from(TOKEN).toString('hex').toUpperCase()],
    ['as what a terminal was spared', `\\x74${TOKEN.slice(1)}`],
  ])('is known %s', (_name, text) => {
    const said = redacting(TOKEN)(`before ${text} after`);
    expect(said).toMatch(/^before .*\*\*\*.* after$/);
    for (const part of ['odd', 'en/with', base64(TOKEN).slice(4, 12)]) expect(said).not.toContain(part);
  });

  it.each([
    ['whole', PEM],
    ['in JSON', JSON.stringify(PEM)],
    ['in JSON in JSON', JSON.stringify(JSON.stringify(PEM))],
    ['folded to one line', PEM.replaceAll('\n', ' ')],
    ['line by line', PEM.split('\n').join('\n    ')],
    ['a part of it', PEM.split('\n').slice(1, 2).join()],
    ['with a line in base64', base64(PEM.split('\n')[1] as string)],
    ['with a line within something in base64', base64(`x${PEM.split('\n')[2]}`)],
    ['with its bytes in hexadecimal', DER.toString('hex')],
    ['with its bytes in HEXADECIMAL, in lines', DER.toString('hex').toUpperCase().replace(/.{60}/g, '$&\n')],
    ['with its bytes in base64url', DER.toString('base64url')],
    ['with its bytes within something in base64', Buffer.concat([Buffer.from('x'), DER]).toString('base64')],
    ['with a line in hexadecimal', Buffer.from(PEM.split('\n')[1] as string).toString('hex')],
    ['in base64', base64(PEM)],
    ['in base64 of lines', base64(`${PEM}\n`).replace(/.{76}/g, '$&\n')],
    ['in base64 of lines in JSON', JSON.stringify(base64(`${PEM}\n`).replace(/.{76}/g, '$&\n'))],
  ])('of several lines is known %s', (name, text) => {
    const said = redacting(PEM)(`before ${text} after`);
    for (const line of PEM.split('\n').slice(1, 3)) expect(said).not.toContain(line.slice(8, 40));
    const encoded = base64(PEM).slice(40, -8);
    for (let at = 0; at + 20 <= encoded.length; at += 20)
      expect(said).not.toContain(encoded.slice(at, at + 20));
    expect(said).toMatch(/^before [\s\S]*after$/);
    if (/base64|hex/i.test(name)) expect(said.length).toBeLessThan(80);
  });

  it('that is a PEM with its line ends written out is known line by line', () => {
    const redact = redacting(PEM.replaceAll('\n', '\\n'));
    for (const line of PEM.split('\n').slice(1, 3)) expect(redact(`x ${line} y`)).toBe('x *** y');
    expect(redact(PEM)).not.toContain('MIIE');
  });

  it('is known wherever a line was folded', () => {
    expect(redacting('correct horse battery')('x correct\n      horse battery y')).toBe('x *** y');
  });

  it('that holds another goes whole, and nothing else goes', () => {
    const redact = redacting('abcd', 'xabcdx');
    expect(redact('1 xabcdx 2 abcd 3')).toBe('1 *** 2 *** 3');
    expect(redact('nothing to see: 100 %, \\n, %41, &amp;')).toBe('nothing to see: 100 %, \\n, %41, &amp;');
  });

  it('of fewer than four characters is none, and a short word of the config stays a word', () => {
    const redactor = createRedactor();
    for (const secret of ['abc', 'target', 'hunter']) redactor.remember(secret);
    redactor.plain('providers: { legacy: {}, target: {} }');
    expect(redactor.redact('abc: 10 % to target, hunter')).toBe('abc: 10 % to target, ***');
  });

  it('is never to be read, whatever it is and whatever surrounds it', () => {
    const text = fc.string({ unit: 'binary', minLength: 0, maxLength: 20 });
    const secret = fc
      .string({ unit: 'grapheme-ascii', minLength: 8, maxLength: 40 })
      .filter((s) => s.trim().length >= 8);
    const forms = [
      (s: string) => s,
      (s: string) => JSON.stringify(s),
      (s: string) => JSON.stringify(JSON.stringify(s)),
      encodeURIComponent,
      base64,
      (s: string) => base64(`user:${s}`),
      (s: string) => Buffer.from(s).toString('base64url'),
    ];
    fc.assert(
      fc.property(text, secret, fc.constantFrom(...forms), text, (before, s, form, after) => {
        const said = redacting(s)(before + form(s) + after);
        expect(said).not.toContain(form(s));
      }),
      { numRuns: 300 },
    );
  });
});

describe('secrets of a config', () => {
  it('are known before they are used, and what is missing is no matter', () => {
    const dir = mkdtempSync(join(tmpdir(), 'cutover-test-'));
    onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
    writeFileSync(join(dir, 'key'), '\n  in-the-file-1234\n');
    const secrets = createSecrets({ KEY: 'in-the-environment' }, dir);
    secrets.expect(() => 'a: ${env:KEY}\nb: ${file:key}\nc: ${env:NONE} ${file:none} ${file:.}\n: [broken');
    expect(secrets.redact('in-the-environment in-the-file-1234')).toBe('*** ***');
  });

  it('that only an environment names are taken out of what a command said', () => {
    const secrets = createSecrets({ SOME_TOKEN: 'only-by-its-name', USER: 'only-a-user-name' }, '/');
    expect(secrets.redactSaid('only-by-its-name only-a-user-name')).toBe('*** only-a-user-name');
    expect(secrets.redact('only-by-its-name')).toBe('only-by-its-name');
  });
});

describe('what is stored', () => {
  const redact = redacting('a-secret-value');
  it('has no secret and nothing that a terminal obeys, however deep', () => {
    expect(storable({ a: [{ 'k\u001b': 'x a-secret-value\n\u202ey' }], n: 1, none: null }, redact)).toEqual({
      a: [{ 'k\\x1b': 'x ***\n\\u{202e}y' }],
      n: 1,
      none: null,
    });
  });

  it('keeps DNS records as they are, or not at all', () => {
    const records = (value: string) => [{ name: 'a.', type: 'TXT', ttl: 1, values: [value] }];
    expect(storableRecords(records('v=spf1 \u009b'), redact)).toEqual(records('v=spf1 \u009b'));
    expect(storableRecords(records('a-secret-value'), redact)).toBeNull();
  });
});
