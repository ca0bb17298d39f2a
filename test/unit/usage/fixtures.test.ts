import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
// @ts-expect-error: a script without types
import { demoUsage } from '../../fixtures/make-usage.mjs';
// @ts-expect-error: a script without types
import { month } from '../../fixtures/playbook.mjs';

const fixture = (path: string) => readFileSync(new URL(`../../../fixtures/${path}`, import.meta.url), 'utf8');

describe('generated fixtures', () => {
  it('the demo log is what its script makes', () => expect(demoUsage()).toBe(fixture('demo/usage.jsonl')));

  it('so are the playbook logs', () => {
    expect(month(10e6)).toBe(fixture('logs/playbook/10m-tokens.jsonl'));
    expect(month(200e6)).toBe(fixture('logs/playbook/200m-tokens.jsonl'));
  });
});
