import { parse } from 'csv-parse/sync';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createRowSplitter, splitRow } from '../../../src/usage/csv.ts';
import { createJsonValueSplitter } from '../../../src/usage/json-values.ts';
import { createLineSplitter } from '../../../src/usage/lines.ts';
import type { Item, OnItem, Splitter } from '../../../src/usage/splitter.ts';

/** Feeds text in pieces cut at the given places. */
function items(create: (onItem: OnItem) => Splitter, text: string, cuts: readonly number[] = []): Item[] {
  const found: Item[] = [];
  const splitter = create((item) => found.push({ ...item }));
  const bytes = Buffer.from(text);
  const places = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].sort((a, b) => a - b);
  let start = 0;
  for (const end of [...places, bytes.length]) {
    splitter.write(bytes.subarray(start, end));
    start = end;
  }
  splitter.end();
  return found;
}

const cuts = fc.array(fc.nat(2000), { maxLength: 12 });

describe('lines', () => {
  it('gives each line with its number, without blank ones and carriage returns', () => {
    expect(items(createLineSplitter, 'a\r\n\n  \nb\nc')).toEqual([
      { text: 'a', line: 1, open: false },
      { text: 'b', line: 4, open: false },
      { text: 'c', line: 5, open: true },
    ]);
  });

  it('gives the same whatever pieces the bytes come in, multi-byte characters included', () => {
    const line = fc.string({ unit: fc.constantFrom('a', '"', 'é', '漢', '😀', ',', ' ') });
    fc.assert(
      fc.property(fc.array(line), cuts, (lines, places) => {
        const text = lines.join('\n');
        expect(items(createLineSplitter, text, places)).toEqual(items(createLineSplitter, text));
      }),
    );
  });
});

describe('JSON values', () => {
  const texts = (text: string, places: number[] = []) =>
    items(createJsonValueSplitter, text, places).map((item) => item.fault ?? item.text);

  it('gives the elements of an array, whatever pieces the bytes come in', () => {
    fc.assert(
      fc.property(fc.array(fc.jsonValue({ maxDepth: 3 })), fc.boolean(), cuts, (values, pretty, places) => {
        const text = JSON.stringify(values, null, pretty ? 2 : undefined);
        const found = texts(text, places).map((each) => JSON.parse(each));
        expect(found).toEqual(JSON.parse(text));
      }),
    );
  });

  it('gives objects that follow each other, with the line each starts on', () => {
    const found = items(createJsonValueSplitter, '{\n "a": "}\\"{"\n}\n{"b": [1, 2]}\n');
    expect(found.map((item) => [JSON.parse(item.text), item.line])).toEqual([
      [{ a: '}"{' }, 1],
      [{ b: [1, 2] }, 4],
    ]);
  });

  it('an array that is never closed is told apart from one that is', () => {
    expect(texts('[{"a":1},{"b"')).toEqual(['{"a":1}', '{"b"']);
    expect(items(createJsonValueSplitter, '[{"a":1},{"b"').at(-1)?.open).toBe(true);
    expect(texts('[{"a":1}')).toEqual(['{"a":1}', 'truncated: the array is never closed']);
    expect(texts('[{"a":1}]')).toEqual(['{"a":1}']);
  });
});

describe('CSV rows', () => {
  const rows = (text: string, places: number[] = []) =>
    items((onItem) => createRowSplitter(',', onItem), text, places).map(
      (item) => item.fault ?? splitRow(item.text, ','),
    );

  it('reads what csv-parse reads', () => {
    const cell = fc.string({ unit: fc.constantFrom('a', ' ', '"', ',', '\n', 'é') });
    fc.assert(
      fc.property(
        fc.array(fc.array(cell, { minLength: 2, maxLength: 2 }), { minLength: 1 }),
        cuts,
        (table, places) => {
          const quote = (text: string) => `"${text.replaceAll('"', '""')}"`;
          const text = table.map((row) => row.map(quote).join(',')).join('\n');
          expect(rows(text, places)).toEqual(parse(text));
        },
      ),
    );
  });

  it('a quote that is never closed spoils one row only', () => {
    expect(rows('a,b\n1,"x\n2,y\n3,z\n')).toEqual([
      ['a', 'b'],
      'a quoted cell is never closed',
      ['2', 'y'],
      ['3', 'z'],
    ]);
  });

  it('a broken file of many quotes takes no time to speak of', () => {
    const text = Array.from({ length: 20_000 }, (_, i) => (i % 7 === 0 ? `"${i},x` : `${i},y`)).join('\n');
    const began = performance.now();
    rows(text);
    expect(performance.now() - began).toBeLessThan(3000);
  });
});
