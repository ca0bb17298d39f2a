import { expect, it } from 'vitest';
import { attempts } from '../../../src/config/fields.ts';

it('a time limit is an hour at most: timers take no longer ones than 24 days, and fire at once', () => {
  expect(attempts.timeout.parse('1h')).toBe(3_600_000);
  expect(attempts.timeout.parse(undefined)).toBe(10_000);
  expect(() => attempts.timeout.parse('30d')).toThrow('at most 1h');
});
