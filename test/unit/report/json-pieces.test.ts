import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { jsonPieces, jsonText } from '../../../src/clean.ts';

describe('a document in pieces', () => {
  it('is the same text as whole', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string({ unit: 'binary' }), fc.jsonValue({ maxDepth: 4 })), (document) => {
        expect([...jsonPieces(document)].join('')).toBe(jsonText(document));
      }),
      { numRuns: 300 },
    );
    const document = { gone: undefined, empty: [], none: {}, list: [{ a: [1, [2]] }, null, 'x\u202e'] };
    expect([...jsonPieces(document)].join('')).toBe(jsonText(document));
  });

  it('is the same text as whole where strings are changed, names of fields among them', () => {
    const words = fc.constantFrom(
      'secret',
      'a secret',
      '1 secret',
      '1',
      '2',
      '***',
      'plain',
      '__proto__',
      '\u0085"',
    );
    const { list } = fc.letrec((tie) => ({
      value: fc.oneof(
        { maxDepth: 3 },
        words,
        fc.double(),
        fc.constantFrom(null, undefined, true, false, -0, new Date(0)),
        tie('list'),
        fc.dictionary(words, tie('value'), { maxKeys: 4, noNullPrototype: true }),
      ),
      list: fc.array(tie('value'), { maxLength: 4 }),
    }));
    const change = (text: string) =>
      text.replace('a secret', '***').replace('1 secret', '1').replace('secret', '***');
    fc.assert(
      fc.property(list, (values) => {
        const document = { first: 'secret', values };
        expect([...jsonPieces(document, change)].join('')).toBe(jsonText(document, 2, change));
      }),
      { numRuns: 500 },
    );
  });

  it('writes what is iterable as a list, and never much at once', () => {
    const list = {
      length: 50_000,
      *[Symbol.iterator]() {
        for (let i = 0; i < this.length; i++) yield { i };
      },
    };
    const pieces = [...jsonPieces({ list })];
    expect(JSON.parse(pieces.join('')).list).toHaveLength(50_000);
    expect(Math.max(...pieces.map(({ length }) => length))).toBeLessThan(20_000);
  });
});
