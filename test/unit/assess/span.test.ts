import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createSpans } from '../../../src/assess/span.ts';
import { clockBand } from '../../../src/pricing/bands.ts';
import { createZone } from '../../../src/usage/zone.ts';

/** Prices that change at minutes that are no quarter of an hour. */
const bands = { inputTokens: [], clock: [0, 7, 22, 23, 600, 1439] };
/** Offsets of half and quarter hours, a summer time, and a day that was left out. */
const zones = [
  'UTC',
  'Asia/Kolkata',
  'Asia/Kathmandu',
  'America/St_Johns',
  'Pacific/Apia',
  'Africa/Monrovia',
].map(createZone);
const time = fc.integer({ min: Date.UTC(1971, 0, 1), max: Date.UTC(2030, 0, 1) });

describe('a span of a day', () => {
  it('holds its time, and only times of one day and one band', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...zones),
        time,
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        (zone, at, share) => {
          const spanOf = createSpans(bands, zone.dayOf);
          const span = spanOf(at);
          expect(span.from <= at && at < span.to).toBe(true);
          for (const inside of [
            span.from,
            span.from + Math.floor(share * (span.to - span.from)),
            span.to - 1,
          ]) {
            expect([zone.dayOf(inside), clockBand(bands, inside)]).toEqual([span.day, span.clock]);
          }
        },
      ),
      { numRuns: 3000 },
    );
  });

  it('has a key of its own for each day and band', () => {
    fc.assert(
      fc.property(fc.constantFrom(...zones), time, fc.integer({ min: -2e8, max: 2e8 }), (zone, at, apart) => {
        const spanOf = createSpans(bands, zone.dayOf);
        const [one, other] = [spanOf(at), spanOf(at + apart)];
        expect(one.key === other.key).toBe(one.day === other.day && one.clock === other.clock);
      }),
    );
  });
});
