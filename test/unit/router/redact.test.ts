import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createRedactor } from '../../../src/router/redact.ts';

const KEY = 'sk-live/7+"ü-abcdefgh';
const redactor = createRedactor([KEY, 'other-key-1234', 'short', '']);

describe('redactor', () => {
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
