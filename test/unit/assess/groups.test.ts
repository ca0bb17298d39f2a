import fc from 'fast-check';
import { expect, it } from 'vitest';
import { groupKey } from '../../../src/assess/groups.ts';
import type { UsageRecord } from '../../../src/usage/record.ts';
import { createZone } from '../../../src/usage/zone.ts';

const START = Date.UTC(2026, 2, 27);
const record = (at: number | undefined): UsageRecord =>
  ({ at, model: 'm', inputTokens: 1, cachedInputTokens: 0, outputTokens: 1, status: 'ok' }) as UsageRecord;
const time = fc.option(fc.integer({ min: START, max: START + 5 * 86_400_000 }), { nil: undefined });

it('groups a record by its own day and hour, whichever came before it', () => {
  // Summer time begins on one of these days.
  const local = (at: number, options: Intl.DateTimeFormatOptions) =>
    new Intl.DateTimeFormat('sv-SE', { timeZone: 'Europe/Berlin', ...options }).format(at);
  const zone = createZone('Europe/Berlin');
  fc.assert(
    fc.property(fc.array(time, { minLength: 2, maxLength: 20 }), (times) => {
      const [day, hour] = [groupKey('day', zone), groupKey('hour', zone)];
      for (const at of times) {
        expect(day(record(at))).toBe(at === undefined ? '(no time)' : local(at, { dateStyle: 'short' }));
        expect(hour(record(at))).toBe(
          at === undefined ? '(no time)' : `${local(at, { hour: '2-digit' })}:00`,
        );
      }
    }),
  );
});
