import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { GENESIS, type HistoryHead, type HistoryRow, hashOf, verifyChain } from '../../../src/store/chain.ts';

/** A history that is not what was written is never called whole while one of its two anchors stands. */

type Told = Omit<HistoryRow, 'seq' | 'previous' | 'hash'>;

const told: fc.Arbitrary<Told> = fc.record({
  at: fc.nat(),
  actor: fc.string(),
  event: fc.constantFrom('shift began', 'step done', 'shift done'),
  operation_id: fc.option(fc.constantFrom('op-1', 'op-2')),
  detail: fc.json(),
});

/** The rows of these entries, each with the hash that fits. */
function chained(list: readonly Told[]): HistoryRow[] {
  const rows: HistoryRow[] = [];
  for (const each of list) {
    const row = { ...each, seq: rows.length + 1, previous: rows.at(-1)?.hash ?? GENESIS };
    rows.push({ ...row, hash: hashOf(row) });
  }
  return rows;
}

const headOf = (rows: readonly HistoryRow[]): HistoryHead => ({
  entries: rows.length,
  head: rows.at(-1)?.hash ?? GENESIS,
});

const history = fc.array(told, { minLength: 1, maxLength: 12 }).map(chained);

/** Another history than the given one, which is longer, shorter, or differs in some entry, and every hash of which fits. */
const another = (rows: readonly HistoryRow[]) =>
  fc
    .array(told, { maxLength: 14 })
    .chain((list) => fc.nat(rows.length).map((kept) => chained([...rows.slice(0, kept), ...list])))
    .filter((other) => JSON.stringify(other) !== JSON.stringify(rows));

describe('a history', () => {
  it('is whole as it was written, whichever of its hashes is expected', () => {
    fc.assert(
      fc.property(history, fc.nat(), fc.integer({ min: 16, max: 64 }), (rows, pick, digits) => {
        const row = rows[pick % rows.length] as HistoryRow;
        expect(verifyChain(rows, headOf(rows), null)).toMatchObject({ whole: true, ...headOf(rows) });
        expect(verifyChain(rows, headOf(rows), row.hash.slice(0, digits))).toMatchObject({
          whole: true,
          expected: { at: row.seq },
        });
      }),
    );
  });

  it('of which rows were removed, moved or edited is not whole', () => {
    const edit = fc.constantFrom<keyof HistoryRow>('at', 'actor', 'event', 'operation_id', 'detail', 'seq');
    fc.assert(
      fc.property(history, edit, fc.nat(), fc.nat(), (rows, field, from, to) => {
        const [i, j] = [from % rows.length, to % rows.length];
        const edited = rows.map((row, at) =>
          at === i ? { ...row, [field]: typeof row[field] === 'number' ? row[field] + 1 : 'x' } : row,
        );
        const moved = rows.toSpliced(i, 1).toSpliced(j, 0, rows[i] as HistoryRow);
        const ways = [edited, rows.toSpliced(i, 1), ...(i === j ? [] : [moved])];
        for (const way of ways.filter((one) => JSON.stringify(one) !== JSON.stringify(rows))) {
          expect(verifyChain(way, headOf(rows), null).whole).toBe(false);
        }
      }),
    );
  });

  it('that was written anew with hashes that fit is not whole by what the state counted', () => {
    fc.assert(
      fc.property(
        history.chain((rows) => another(rows).map((other) => ({ rows, other }))),
        ({ rows, other }) => {
          const found = verifyChain(other, headOf(rows), null);
          expect(found.whole).toBe(false);
          if (other.length < rows.length) expect(found.brokenAt).toBe(other.length + 1);
        },
      ),
    );
  });

  it('that was written anew, count included, is whole only where it leads through the expected hash', () => {
    fc.assert(
      fc.property(
        history.chain((rows) => another(rows).map((other) => ({ rows, other }))),
        ({ rows, other }) => {
          const { head, entries } = headOf(rows);
          const through = other[entries - 1]?.hash === head;
          expect(verifyChain(other, headOf(other), head).whole).toBe(through);
          expect(verifyChain(other, headOf(other), null).whole).toBe(true);
        },
      ),
    );
  });

  it('without a count, or with one of nothing, is not whole', () => {
    const rows = chained([{ at: 0, actor: 'a', event: 'e', operation_id: null, detail: '{}' }]);
    expect(verifyChain(rows, null, null)).toMatchObject({ whole: false, fault: 'uncounted' });
    expect(verifyChain(rows, { entries: 0, head: GENESIS }, null)).toMatchObject({
      fault: 'added',
      brokenAt: 1,
    });
    expect(verifyChain([], { entries: 0, head: GENESIS }, GENESIS)).toMatchObject({
      whole: true,
      entries: 0,
    });
  });
});
