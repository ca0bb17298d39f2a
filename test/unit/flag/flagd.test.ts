import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FlagdCore } from '@openfeature/flagd-core';
import { FlagdProvider } from '@openfeature/flagd-provider';
import { OpenFeature } from '@openfeature/server-sdk';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { CutoverError } from '../../../src/errors.ts';
import { bucketSide, flagSet, readFlag, storedRatio } from '../../../src/flag/flagd.ts';

const KEY = 'llm-provider';
const MARK = { token: 7, operation: 'op-1', kind: 'shift' };

describe('flagSet', () => {
  it('writes weights of a fixed total, target first', () => {
    expect(flagSet(KEY, 0.25, MARK)).toEqual({
      $schema: 'https://flagd.dev/schema/v0/flags.json',
      flags: {
        [KEY]: {
          state: 'ENABLED',
          variants: { legacy: 'legacy', target: 'target' },
          defaultVariant: 'legacy',
          targeting: {
            fractional: [
              ['target', 25_000],
              ['legacy', 75_000],
            ],
          },
          metadata: { cutoverToken: 7, cutoverOperation: 'op-1', cutoverKind: 'shift' },
        },
      },
    });
  });

  it.each([
    [0, 'legacy'],
    [1, 'target'],
  ])('at %d has no targeting, so that requests without a key go there too', (ratio, variant) => {
    const before = flagSet(KEY, 0.5, MARK);
    const flag = flagOf(flagSet(KEY, ratio, MARK, before));
    expect(flag).not.toHaveProperty('targeting');
    expect(flag.defaultVariant).toBe(variant);
    expect(flag.state).toBe('ENABLED');
  });

  it('keeps other flags, other keys, the values of variants and metadata of others', () => {
    const existing = {
      metadata: { team: 'ml' },
      $evaluators: { a: 1 },
      flags: {
        other: { state: 'DISABLED', variants: { on: true }, defaultVariant: 'on' },
        [KEY]: {
          state: 'DISABLED',
          variants: { legacy: 'https://a.example', target: 'https://b.example' },
          defaultVariant: 'target',
          metadata: { owner: 'sre', cutoverToken: 1, cutoverKind: 'canary' },
          comment: 'kept',
        },
      },
    };
    const snapshot = structuredClone(existing);
    const next = flagSet(KEY, 0.1, { token: 2, operation: 'op-2' }, existing);
    expect(existing).toEqual(snapshot);
    expect(next).toMatchObject({
      metadata: { team: 'ml' },
      $evaluators: { a: 1 },
      flags: { other: existing.flags.other },
    });
    const flag = flagOf(next);
    expect(flag.variants).toEqual(existing.flags[KEY].variants);
    expect(flag.comment).toBe('kept');
    expect(flag.metadata).toEqual({ owner: 'sre', cutoverToken: 2, cutoverOperation: 'op-2' });
  });

  it.each([-0.1, 1.1, Number.NaN, 0.000_001, 0.999_999])('refuses the ratio %d', (ratio) => {
    expect(codeOf(() => flagSet(KEY, ratio, MARK))).toBe('FLAG_RATIO');
  });

  it.each([[null], ['text'], [[1]], [{ flags: [] }], [{ flags: { [KEY]: 1 } }]])(
    'refuses to write over %j',
    (existing) => {
      expect(codeOf(() => flagSet(KEY, 0, MARK, existing))).toBe('FLAG_INVALID');
    },
  );

  it('is read back as it was written', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 100_000 }),
        fc.nat(),
        fc.string(),
        fc.string(),
        (n, token, operation, key) => {
          const document: unknown = JSON.parse(
            JSON.stringify(flagSet(key, n / 100_000, { token, operation })),
          );
          expect(readFlag(document, key)).toEqual({ ratio: n / 100_000, token, operation, kind: null });
        },
      ),
    );
    expect(readFlag(flagSet(KEY, 1 / 3, MARK), KEY).ratio).toBe(storedRatio(1 / 3));
  });
});

describe('readFlag', () => {
  const withTargeting = (targeting: unknown, extra: object = {}) => ({
    flags: {
      [KEY]: {
        state: 'ENABLED',
        variants: { legacy: 'a', target: 'b' },
        defaultVariant: 'legacy',
        targeting,
        ...extra,
      },
    },
  });

  it.each([
    [
      [
        ['target', 1],
        ['legacy', 3],
      ],
      0.25,
    ],
    [
      [
        ['legacy', 90],
        ['target', 10],
      ],
      0.1,
    ],
    [[['target'], ['legacy']], 0.5],
    [
      [
        ['target', 0],
        ['legacy', 5],
      ],
      0,
    ],
  ])('takes the ratio from weights of any total: %j', (fractional, ratio) => {
    expect(readFlag(withTargeting({ fractional }), KEY)).toEqual({
      ratio,
      token: 0,
      operation: null,
      kind: null,
    });
  });

  it('reads an empty targeting as none, as flagd does', () => {
    expect(readFlag(withTargeting({}), KEY).ratio).toBe(0);
    expect(readFlag(withTargeting({}, { defaultVariant: 'target' }), KEY).ratio).toBe(1);
  });

  it.each<[string, unknown, string, RegExp]>([
    ['no document', null, 'FLAG_INVALID', /flag set must be a JSON object/],
    ['no flags, as flagd reads it', {}, 'FLAG_NOT_FOUND', /no flag llm-provider/],
    ['flags that are none', { flags: null }, 'FLAG_INVALID', /flags must be a JSON object/],
    ['another flag only', { flags: { x: {} } }, 'FLAG_NOT_FOUND', /no flag llm-provider/],
    ['an inherited name', { flags: {} }, 'FLAG_NOT_FOUND', /no flag/],
    ['DISABLED', withTargeting({}, { state: 'DISABLED' }), 'FLAG_DISABLED', /DISABLED/],
    ['no state', withTargeting({}, { state: undefined }), 'FLAG_INVALID', /state/],
    [
      'no target variant',
      withTargeting({}, { variants: { legacy: 'a' } }),
      'FLAG_INVALID',
      /no variant target/,
    ],
    ['a foreign default', withTargeting({}, { defaultVariant: 'x' }), 'FLAG_INVALID', /defaultVariant/],
    ['another rule', withTargeting({ if: [true, 'target'] }), 'FLAG_INVALID', /targeting/],
    ['no weights', withTargeting({ fractional: [] }), 'FLAG_INVALID', /add up to 0/],
    ['zero weights', withTargeting({ fractional: [['target', 0]] }), 'FLAG_INVALID', /add up to 0/],
    [
      'a negative weight',
      withTargeting({ fractional: [['target', -1]] }),
      'FLAG_INVALID',
      /weight of target/,
    ],
    ['half a weight', withTargeting({ fractional: [['legacy', 0.5]] }), 'FLAG_INVALID', /weight of legacy/],
    ['weight as text', withTargeting({ fractional: [['legacy', '5']] }), 'FLAG_INVALID', /weight of legacy/],
    ['an unknown variant', withTargeting({ fractional: [['blue', 5]] }), 'FLAG_INVALID', /blue/],
    [
      'own bucketing',
      withTargeting({ fractional: [{ var: 'email' }, ['target', 5]] }),
      'FLAG_INVALID',
      /email/,
    ],
    [
      'too great weights',
      withTargeting({ fractional: [['target', 2 ** 31]] }),
      'FLAG_INVALID',
      /add up to more/,
    ],
    [
      'a token as text',
      withTargeting({}, { metadata: { cutoverToken: '9' } }),
      'FLAG_INVALID',
      /cutoverToken/,
    ],
  ])('names what is wrong: %s', (_name, document, code, message) => {
    expect(codeOf(() => readFlag(document, KEY))).toBe(code);
    expect(() => readFlag(document, KEY)).toThrow(message);
  });

  it('agrees with flagd on what flagd accepts', () => {
    for (const ratio of [0, 0.001, 0.5, 1]) {
      const core = new FlagdCore();
      core.setConfigurations(JSON.stringify(flagSet(KEY, ratio, MARK)));
      expect(core.getFlag(KEY)?.metadata).toMatchObject({ cutoverToken: 7, cutoverOperation: 'op-1' });
    }
  });
});

describe('bucketSide against the flagd provider', () => {
  const dir = mkdtempSync(join(tmpdir(), 'cutover-flagd-'));
  afterAll(async () => {
    await OpenFeature.close();
    rmSync(dir, { recursive: true });
  });
  const keys = Array.from({ length: 8000 }, (_, i) => `user-${i.toString(36)}-${(i * 2_654_435_761) % 997}`);
  const ratios = [0, 0.00001, 0.01, 0.1, 0.12345, 0.5, 0.9, 0.99999, 1];

  it('gives 8,000 keys identical sides at every ratio', async () => {
    for (const ratio of ratios) {
      const path = join(dir, `${ratio}.json`);
      writeFileSync(path, JSON.stringify(flagSet(KEY, ratio, MARK)));
      const provider = new FlagdProvider({ resolverType: 'in-process', offlineFlagSourcePath: path });
      await OpenFeature.setProviderAndWait(`r${ratio}`, provider);
      const client = OpenFeature.getClient(`r${ratio}`);
      let different = 0;
      let target = 0;
      for (const key of keys) {
        const theirs = await client.getStringValue(KEY, 'none', { targetingKey: key });
        const ours = bucketSide(KEY, key, ratio);
        if (theirs !== ours) different++;
        if (ours === 'target') target++;
      }
      expect(different, `ratio ${ratio}`).toBe(0);
      // Four standard deviations of a binomial share.
      expect(Math.abs(target / keys.length - ratio)).toBeLessThanOrEqual(
        4 * Math.sqrt((ratio * (1 - ratio)) / keys.length),
      );
    }
  }, 60_000);

  it('never takes a key off target while the ratio grows', () => {
    const share = fc.integer({ min: 0, max: 100_000 }).map((n) => n / 100_000);
    fc.assert(
      fc.property(fc.string(), share, share, (key, a, b) => {
        const [low, high] = a < b ? [a, b] : [b, a];
        if (bucketSide(KEY, key, low) === 'target') expect(bucketSide(KEY, key, high)).toBe('target');
      }),
      { numRuns: 2000 },
    );
  });
});

function flagOf(document: Record<string, unknown>): Record<string, unknown> {
  return (document.flags as Record<string, Record<string, unknown>>)[KEY] as Record<string, unknown>;
}

function codeOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    if (error instanceof CutoverError) return error.code;
    throw error;
  }
  return 'nothing thrown';
}
