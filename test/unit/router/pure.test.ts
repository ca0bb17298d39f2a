import { describe, expect, it } from 'vitest';
import { type FlagNow, nextSide } from '../../../src/router/choose.ts';
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

describe('nextSide', () => {
  const all = () => true;
  const none = () => false;
  const half: FlagNow = { ratio: 0.5, kind: 'shift', certain: true };
  const standard = { toLegacy: true, toTarget: false };
  const always = { toLegacy: true, toTarget: true };
  const fresh = new Set<never>();

  it('asks where the flag sends the request, and lets legacy stand in for target', () => {
    expect(nextSide('target', half, standard, fresh, all)).toEqual({ side: 'target', pastBreaker: false });
    expect(nextSide('target', half, standard, new Set(['target']), all)?.side).toBe('legacy');
    expect(
      nextSide('target', half, { ...standard, toLegacy: false }, new Set(['target']), all),
    ).toBeUndefined();
    expect(nextSide('target', half, standard, new Set(['target', 'legacy']), all)).toBeUndefined();
  });

  it('lets target stand in only where that is written', () => {
    const failed = new Set(['legacy'] as const);
    expect(nextSide('legacy', half, standard, failed, all)).toBeUndefined();
    expect(nextSide('legacy', half, always, failed, all)?.side).toBe('target');
    // The flag has moved meanwhile, and now sends the request there.
    expect(nextSide('target', half, standard, failed, all)?.side).toBe('target');
  });

  it.each<[string, Partial<FlagNow>]>([
    ['after an emergency', { kind: 'emergency' }],
    ['after a rollback', { kind: 'rollback', ratio: 0.1 }],
    ['at ratio 0', { ratio: 0 }],
    ['while the flag is not certain', { certain: false }],
  ])('never lets target stand in %s', (_name, change) => {
    const flag = { ...half, ...change };
    expect(nextSide('legacy', flag, always, new Set(['legacy'] as const), all)).toBeUndefined();
    expect(nextSide('legacy', flag, always, fresh, (side) => side === 'target')).toEqual({
      side: 'legacy',
      pastBreaker: true,
    });
  });

  it('sends what was cut to legacy, though no side may stand in for another', () => {
    const off = { toLegacy: false, toTarget: false };
    const zero = { ratio: 0, kind: 'emergency', certain: true };
    expect(nextSide('legacy', zero, off, new Set(['target'] as const), none)).toEqual({
      side: 'legacy',
      pastBreaker: true,
    });
  });

  it('leaves out a side with an open circuit, but asks the only one past it', () => {
    const legacyOnly = (side: string) => side === 'legacy';
    expect(nextSide('target', half, standard, fresh, legacyOnly)).toEqual({
      side: 'legacy',
      pastBreaker: false,
    });
    expect(nextSide('target', half, standard, fresh, none)).toEqual({ side: 'target', pastBreaker: true });
    expect(nextSide('target', half, standard, new Set(['target'] as const), none)).toBeUndefined();
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
