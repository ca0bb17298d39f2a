import { describe, expect, it } from 'vitest';
import { chooseSides } from '../../../src/router/choose.ts';
import { retryAfter, retryDelay } from '../../../src/router/retry.ts';
import { costOf, readTokens, usageOf } from '../../../src/router/usage.ts';

describe('retryDelay', () => {
  const policy = { max: 3, firstDelay: 1000, maxDelay: 10_000 };
  it('doubles, with jitter in the upper half, up to the bound', () => {
    expect([1, 2, 3].map((retry) => retryDelay(retry, undefined, policy, 0))).toEqual([500, 1000, 2000]);
    expect([1, 2, 3].map((retry) => retryDelay(retry, undefined, policy, 1))).toEqual([1000, 2000, 4000]);
    expect(retryDelay(9, undefined, { ...policy, max: 9 }, 1)).toBe(10_000);
  });
  it('ends after the last retry', () => expect(retryDelay(4, undefined, policy, 0)).toBeUndefined());
  it('never waits less than it was asked to, on any retry', () => {
    for (const retry of [1, 2, 3]) expect(retryDelay(retry, 9000, policy, 0)).toBe(9000);
  });
  it('gives up rather than come back before the time it was asked for', () => {
    expect(retryDelay(1, 107_000, policy, 0)).toBeUndefined();
  });
});

describe('retryAfter', () => {
  const now = Date.parse('2026-08-20T10:00:00Z');
  it.each([
    [{ 'retry-after': '7' }, 7000],
    [{ 'retry-after': '0.5' }, 500],
    [{ 'retry-after-ms': '250', 'retry-after': '7' }, 250],
    [{ 'retry-after': 'Thu, 20 Aug 2026 10:00:09 GMT' }, 9000],
    [{ 'retry-after': 'Thu, 20 Aug 2026 09:00:00 GMT' }, 0],
    [{ 'retry-after': 'soon' }, undefined],
    [{}, undefined],
  ])('%j', (headers, ms) => expect(retryAfter(headers, now)).toBe(ms));
});

describe('chooseSides', () => {
  const all = () => true;
  const half = { ratio: 0.5, kind: 'shift' };
  it('asks the preferred side first', () => {
    expect(chooseSides('target', half, 'both', all).sides).toEqual(['target', 'legacy']);
    expect(chooseSides('legacy', half, 'both', all).sides).toEqual(['legacy', 'target']);
  });
  it('lets only legacy stand in, or nobody, where that is the policy', () => {
    expect(chooseSides('legacy', half, 'legacy', all).sides).toEqual(['legacy']);
    expect(chooseSides('target', half, 'legacy', all).sides).toEqual(['target', 'legacy']);
    expect(chooseSides('target', half, 'off', all).sides).toEqual(['target']);
  });
  it.each(['emergency', 'rollback'])('sends target nothing after a %s to 0', (kind) => {
    expect(chooseSides('legacy', { ratio: 0, kind }, 'both', all).sides).toEqual(['legacy']);
  });
  it('leaves out a side with an open circuit', () => {
    expect(chooseSides('target', half, 'both', (side) => side === 'legacy')).toEqual({
      sides: ['legacy'],
      pastBreaker: false,
    });
  });
  it('asks the preferred side past its circuit when there is no other', () => {
    expect(chooseSides('legacy', { ratio: 0, kind: 'emergency' }, 'both', () => false)).toEqual({
      sides: ['legacy'],
      pastBreaker: true,
    });
  });
});

describe('tokens and cost', () => {
  it.each([
    [
      { prompt_tokens: 100, completion_tokens: 5, prompt_tokens_details: { cached_tokens: 40 } },
      { input: 100, cachedInput: 40, output: 5 },
    ],
    [
      { prompt_tokens: 100, completion_tokens: 5, prompt_cache_hit_tokens: 30 },
      { input: 100, cachedInput: 30, output: 5 },
    ],
    [
      { input_tokens: 9, output_tokens: 2, input_tokens_details: { cached_tokens: 99 } },
      { input: 9, cachedInput: 9, output: 2 },
    ],
    [
      { prompt_tokens: 9, total_tokens: 9 },
      { input: 9, cachedInput: 0, output: 0 },
    ],
    [{ prompt_tokens: -1 }, undefined],
    [{}, undefined],
    [null, undefined],
  ])('reads %j', (usage, tokens) => {
    expect(readTokens(usage)).toEqual(tokens);
    expect(usageOf({ usage })).toEqual(tokens);
    expect(usageOf({ response: { usage } })).toEqual(tokens);
  });

  it('charges cached tokens at their own price and never twice', () => {
    const tokens = { input: 1_000_000, cachedInput: 400_000, output: 100_000 };
    expect(costOf(tokens, 'm', { m: { input: 1, cachedInput: 0.1, output: 2 } })).toBeCloseTo(
      0.6 + 0.04 + 0.2,
      12,
    );
    expect(costOf(tokens, 'm', { m: { input: 1, output: 2 } })).toBeCloseTo(1.2, 12);
    expect(costOf(tokens, 'm', { '*': { input: 1, cachedInput: 1, output: 1 } })).toBeCloseTo(1.1, 12);
    expect(costOf(tokens, 'toString', {})).toBeUndefined();
  });
});
