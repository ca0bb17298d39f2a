import { describe, expect, it } from 'vitest';
import { createFields, statusOf } from '../../../src/usage/fields.ts';
import { globMatcher } from '../../../src/usage/glob.ts';
import { overlaps } from '../../../src/usage/read-all.ts';
import { createSelector } from '../../../src/usage/select.ts';

describe('patterns', () => {
  it.each([
    ['logs/*.jsonl', 'logs/a.jsonl', true],
    ['logs/*.jsonl', 'logs/x/a.jsonl', false],
    ['logs/**/*.jsonl', 'logs/x/y/a.jsonl', true],
    ['logs/**/*.jsonl', 'logs/a.jsonl', true],
    ['./a?.csv', 'ab.csv', true],
    ['a?.csv', 'a/.csv', false],
    ['a[0-3].csv', 'a2.csv', true],
    ['a[!0-3].csv', 'a2.csv', false],
    ['a+(b).csv', 'a+(b).csv', true],
    ['a.csv', 'abcsv', false],
    ['logs/**', 'logs/x/y/a', true],
    ['**/a', 'a', true],
    ['**/x/**/a', 'x/y/x/z/a', true],
    ['a[!x]b', 'a/b', false],
    ['a[z-a]b', 'amb', false],
    ['a[]]b', 'a]b', true],
    ['a[!]]b', 'a]b', false],
    ['a[b', 'a[b', true],
    ['a[b-]', 'a-', true],
    ['*a*b*', 'xxaxxbxx', true],
    ['*a*b', 'abab', true],
    ['*', '', true],
  ])('%s and %s: %s', (glob, name, expected) => expect(globMatcher(glob)(name)).toBe(expected));
});

describe('a pattern that has many ways to fit', () => {
  it.each([
    ['*a*a*a*a*a*a*a*a*a*a*b', 'a'.repeat(200)],
    [`${'**/'.repeat(30)}x`, `${'y/'.repeat(60)}y`],
  ])('%s is answered at once', (glob, name) => {
    const began = performance.now();
    expect(globMatcher(glob)(name)).toBe(false);
    expect(performance.now() - began).toBeLessThan(1000);
  });
});

describe('fields', () => {
  it('remember the first fault, and read numbers as text too', () => {
    const fields = createFields();
    expect(fields.count('12', 'a')).toBe(12);
    expect(fields.countOr(null, 'b', 7)).toBe(7);
    expect(fields.reason).toBeUndefined();
    fields.count('0x10', 'c');
    fields.count(-1, 'd');
    expect(fields.reason).toBe('c is not a number');
    fields.reset();
    fields.count(undefined, 'e');
    expect(fields.reason).toBe('e is missing');
  });

  it.each([
    ['Infinity', 'x is not a number'],
    [Number.POSITIVE_INFINITY, 'x is infinite'],
    [1.5, 'x is not a whole number'],
    [1e13, 'x is out of range'],
    [true, 'x is not a number'],
    ['', 'x is missing'],
    [' ', 'x is not a number'],
  ])('%s as a count: %s', (value, reason) => {
    const fields = createFields();
    fields.count(value, 'x');
    expect(fields.reason).toBe(reason);
  });

  it('turn seconds into milliseconds without a last bit', () => {
    const fields = createFields();
    expect(fields.duration(1.005, 'x', 1000)).toBe(1005);
    expect(fields.duration(0.000001, 'x', 1000)).toBe(0.001);
    expect(fields.duration(0.5575600349999945, 'x', 1000)).toBe(0.5575600349999945 * 1000);
  });

  it.each([
    [200, 'ok'],
    ['429', 'rate_limit'],
    [504, 'timeout'],
    [undefined, 'ok'],
    ['SUCCESS', 'ok'],
    ['Timeout', 'timeout'],
    [false, 'other'],
    [0, 'other'],
  ])('the status %s is %s', (value, status) => expect(statusOf(value)).toBe(status));
});

describe('files of the same time', () => {
  const source = (name: string, from: number, to: number) => ({
    name,
    from: from * 3_600_000,
    to: to * 3_600_000,
    format: undefined,
    lacks: undefined,
    caveat: undefined,
  });

  it('are found however they lie, and rotated ones are not', () => {
    expect(overlaps([source('a', 0, 10), source('b', 10, 20), source('c', 20.01, 30)])).toEqual([]);
    expect(overlaps([source('b', 9, 20), source('a', 0, 10)])).toEqual([['a', 'b']]);
    expect(overlaps([source('all', 0, 30), source('a', 1, 2), source('b', 3, 4)])).toEqual([
      ['all', 'a'],
      ['all', 'b'],
    ]);
  });
});

describe('selection', () => {
  const record = {
    model: 'gpt.4',
    inputTokens: 1,
    cachedInputTokens: 0,
    outputTokens: 1,
    status: 'ok',
    at: 5,
  };

  it('takes the beginning in and leaves the end out', () => {
    const select = createSelector({ since: 5, until: 6, models: [], providers: [], users: [] });
    expect(select(record)).toBeUndefined();
    expect(select({ ...record, at: 6 })).toBe('after --until');
    expect(select({ ...record, at: 4 })).toBe('before --since');
    const { at: _, ...timeless } = record;
    expect(select(timeless)).toBe('without a time');
  });

  it('takes names as they are, apart from the star', () => {
    const select = (models: string[]) => createSelector({ models, providers: [], users: [] });
    expect(select(['gpt.4'])(record)).toBeUndefined();
    expect(select(['gptx4'])(record)).toBe('of another model');
    expect(select(['g*4'])(record)).toBeUndefined();
    expect(select(['g.*'])(record)).toBe('of another model');
  });
});
