import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createRedactor } from '../../../src/router/redact.ts';

const KEY = 'sk-live/7+"ü-abcdefgh';
const redactor = createRedactor([KEY, 'other-key-1234', 'short', '']);

const unicode = (text: string) =>
  [...Array(text.length).keys()]
    .map((i) => `\\u${text.charCodeAt(i).toString(16).padStart(4, '0')}`)
    .join('');
const percents = (text: string) => Buffer.from(text).toString('hex').replace(/../g, '%$&');
const base64 = (text: string) => Buffer.from(text).toString('base64');
const hex = Buffer.from(KEY).toString('hex');
const wrapped = (text: string, end: string) => text.replace(/.{7}/g, `$&${end}`);
/** How careless servers write what they were sent, each letter of it included. */
const SPELLINGS: [string, string][] = [
  ['\\u escapes', unicode(KEY)],
  ['\\u escapes in capitals', unicode(KEY).toUpperCase().replaceAll('U', 'u')],
  ['some \\u escapes', KEY.replace('+', '\\u002B').replace('"', '\\u0022')],
  ['\\u escapes in JSON', JSON.stringify(unicode(KEY))],
  ['small percent-escapes', encodeURIComponent(KEY).replace(/%../g, (found) => found.toLowerCase())],
  ['percent-escapes of all', percents(KEY)],
  ['percent-escapes in capitals', percents(KEY).toUpperCase()],
  ['percent-escapes twice', encodeURIComponent(percents(KEY))],
  ['JSON in JSON', JSON.stringify(JSON.stringify(KEY))],
  ['JSON in JSON in JSON', JSON.stringify(JSON.stringify(JSON.stringify(KEY)))],
  ['JSON in a URL', encodeURIComponent(JSON.stringify(KEY))],
  ['HTML', KEY.replace('"', '&quot;').replace('+', '&#x2b;')],
  ['hexadecimal', hex],
  ['hexadecimal in capitals', hex.toUpperCase()],
  ['hexadecimal with colons', hex.replace(/..(?=.)/g, '$&:')],
  ...['', 'a', 'ab'].flatMap((before): [string, string][] => [
    [`base64 of lines after ${before.length} bytes`, wrapped(base64(before + KEY), '\n')],
    [
      `base64 of lines in JSON after ${before.length} bytes`,
      JSON.stringify(wrapped(base64(before + KEY), '\r\n')),
    ],
    [
      `base64url of lines after ${before.length} bytes`,
      wrapped(Buffer.from(before + KEY).toString('base64url'), '\n  '),
    ],
  ]),
];

describe('redactor', () => {
  it.each(SPELLINGS)('finds a secret as %s, cut at any byte', (_form, text) => {
    const data = Buffer.from(`before ${text} after`);
    const clean = redactor.bytes(data).toString();
    // At most quotes, and what the neighbours of a secret share with it in base64.
    expect(clean).toMatch(/^before .{0,16}\*\*\*.{0,16} after$/s);
    const streamed = (pieces: Buffer[]) => {
      const stream = redactor.stream();
      return Buffer.concat([...pieces.map(stream.push), stream.end()]).toString();
    };
    for (let cut = 0; cut <= data.length; cut++) {
      expect(streamed([data.subarray(0, cut), data.subarray(cut)])).toBe(clean);
    }
    expect(streamed([...data].map((byte) => Buffer.of(byte)))).toBe(clean);
  });

  it('takes no longer for each byte of a long run of escapes', () => {
    for (const piece of ['\\', '%25', '\\u005c', '&amp;', 'other-key-123', 'other-key-1234']) {
      const cpu = (times: number) => {
        const data = Buffer.from(piece.repeat(times));
        const before = process.cpuUsage();
        redactor.bytes(data);
        return process.cpuUsage(before).user;
      };
      cpu(2000);
      // Ten times as much takes about ten times as long; were it quadratic, a hundred times.
      expect(cpu(20_000), piece).toBeLessThan(Math.max(cpu(2000), 5000) * 40);
    }
  });

  it.each<[string, string]>([
    ['plain', KEY],
    ['JSON', JSON.stringify(KEY)],
    ['JSON with escaped slashes', JSON.stringify(KEY).replaceAll('/', '\\/')],
    ['URL', encodeURIComponent(KEY)],
    ...['', 'a', 'ab', 'Bearer '].flatMap((before): [string, string][] => [
      [`base64 after ${before.length} bytes`, Buffer.from(`${before}${KEY} and more`).toString('base64')],
      [`base64url after ${before.length} bytes`, Buffer.from(`${before}${KEY}`).toString('base64url')],
    ]),
  ])('finds a secret as %s', (_form, text) => {
    const clean = redactor.text(`before ${text} after`);
    expect(clean).toMatch(/^before .*\*\*\*.* after$/);
    expect(clean.length).toBeLessThan(text.length);
  });

  it('takes out every one, and leaves the rest as it was', () => {
    expect(redactor.text(`${KEY}${KEY} x other-key-1234 short`)).toBe('****** x *** short');
    const clean = Buffer.from('nothing here: sk-live/7');
    expect(redactor.bytes(clean)).toBe(clean);
  });

  it('gives the same for a stream, however it is cut, and keeps back nothing that cannot be a secret', () => {
    const piece = fc.constantFrom(
      KEY,
      'other-key-1234',
      'o',
      'other-key-',
      's',
      'sk-live',
      'data: x\n\n',
      'é',
    );
    fc.assert(
      fc.property(
        fc.array(piece, { maxLength: 12 }),
        fc.array(fc.nat(20), { minLength: 1, maxLength: 40 }),
        (parts, cuts) => {
          const text = Buffer.from(parts.join(''));
          const stream = redactor.stream();
          const out: Buffer[] = [];
          let given = 0;
          for (let i = 0; given < text.length; i++) {
            const size = (cuts[i % cuts.length] ?? 0) + 1;
            out.push(stream.push(text.subarray(given, given + size)));
            given += size;
          }
          out.push(stream.end());
          expect(Buffer.concat(out).toString()).toBe(redactor.bytes(text).toString());
        },
      ),
      { seed: 1, numRuns: 500 },
    );
    const stream = redactor.stream();
    const event = Buffer.from('data: {"x":1}\n\n');
    expect(stream.push(event).toString()).toBe(event.toString());
  });

  it('costs one search a secret, also where it finds a great many', () => {
    const many = Buffer.from('other-key-1234 '.repeat(400_000));
    const started = performance.now();
    expect(redactor.bytes(many).length).toBe(400_000 * 4);
    expect(performance.now() - started).toBeLessThan(5000);
  });
});
