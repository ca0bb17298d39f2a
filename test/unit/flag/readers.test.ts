import { FlagdCore } from '@openfeature/flagd-core';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { flagSet } from '../../../src/flag/flagd.ts';
import { refusedParts, withoutRefused } from '../../../src/flag/readers.ts';

const KEY = 'llm';
const own = flagSet(KEY, 0, { token: 1, operation: 'op-1' });
const quiet = { error() {}, warn() {}, info() {}, debug() {} };

/** Whether flagd's own library takes the whole set. */
function isRead(document: unknown): boolean {
  try {
    new FlagdCore(undefined, quiet).setConfigurations(JSON.stringify(document));
    return true;
  } catch (error) {
    void error;
    return false;
  }
}

const anything = fc.oneof(
  fc.constantFrom(null, '', 'ENABLED', 'DISABLED', 'on', {}, [], { on: true, off: false }, 1, true),
  fc.jsonValue({ maxDepth: 2 }),
);
const flag = fc.oneof(
  { weight: 3, arbitrary: fc.record({ state: fc.constant('ENABLED'), variants: fc.constant({ on: 1 }) }) },
  {
    weight: 5,
    arbitrary: fc.record(
      {
        state: anything,
        variants: anything,
        defaultVariant: anything,
        targeting: anything,
        metadata: anything,
      },
      { requiredKeys: [] },
    ),
  },
  anything,
);
const flagSets = fc.record(
  {
    flags: fc
      .dictionary(fc.constantFrom('a', 'b', 'state', '__proto__'), flag, { noNullPrototype: true })
      .map((others) => ({ ...others, ...(own.flags as object) })),
    metadata: anything,
    $evaluators: anything,
  },
  { requiredKeys: ['flags'] },
);

it('a set that nothing is wrong with is one that readers take', () => {
  fc.assert(
    fc.property(flagSets, (document) => {
      if (refusedParts(document, KEY).length === 0) expect(isRead(document)).toBe(true);
    }),
    { numRuns: 2000 },
  );
});

it('without what they refuse they take it, and see the flag', () => {
  let refusedByThem = 0;
  fc.assert(
    fc.property(flagSets, (before) => {
      if (!isRead(before)) refusedByThem++;
      const { document } = withoutRefused(before, KEY);
      const core = new FlagdCore(undefined, quiet);
      core.setConfigurations(JSON.stringify(document));
      expect(core.resolveStringEvaluation(KEY, 'none', {}, quiet).value).toBe('legacy');
    }),
    { numRuns: 2000 },
  );
  expect(refusedByThem).toBeGreaterThan(100);
});

it('flags that readers take are left as they are', () => {
  const others = {
    checkout: { state: 'ENABLED', variants: { on: true, off: false }, defaultVariant: 'off' },
    banner: { state: 'DISABLED', variants: { a: 'A' }, targeting: {}, defaultVariant: null },
  };
  const document = { ...own, metadata: { team: 'x' }, flags: { ...others, ...(own.flags as object) } };
  expect(withoutRefused(document, KEY)).toEqual({ document, refused: [] });
});
