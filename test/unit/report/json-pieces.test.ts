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
