import { describe, expect, it } from 'vitest';
import { keptByResolvers, keptFor } from '../../../src/hooks/dns/ttl.ts';
import { keptLonger } from '../../../src/rollback/kept-longer.ts';
import type { MovingStep } from '../../../src/rollback/moved.ts';
import type { DnsRecordSet } from '../../../src/world.ts';

const set = (ttl: number, value = '192.0.2.1'): DnsRecordSet => ({
  ...{ name: 'llm.example.test.', type: 'A', ttl, values: [value] },
});
const SERVER = 'ns1 example.test';
const step = (before: DnsRecordSet, after: DnsRecordSet, more: Partial<MovingStep> = {}): MovingStep => ({
  ...{ operation: 1, server: SERVER, driver: 'rfc2136', label: 'rfc2136 example.test', provider: 'legacy' },
  ...{ back: false, mends: false, done: true, before: [before], after: [after], at: 1_000_000 },
  ...more,
});
/** What is told of a record that says `now`, `seconds` after the step. */
function told(steps: MovingStep[], now: DnsRecordSet, seconds: number, server = SERVER): string | null {
  const ms = 1_000_000 + seconds * 1000;
  return keptByResolvers(keptFor([now], keptLonger(steps, server, [now], ms), ms));
}
const plain = (seconds: number) =>
  `resolvers may keep what llm.example.test. A says now for ${seconds} s more`;

describe('how long resolvers may keep a record whose TTL we have lowered', () => {
  const lowered = step(set(3600), set(30));

  it('is what is left of the longer TTL, and the move comes early', () => {
    expect(told([lowered], set(30), 2)).toBe(
      `${plain(3598)}: its TTL was 3600 s until 2 s ago; the move comes early: 3568 s later they would keep it for 30 s`,
    );
  });

  it('is the TTL that stands, once that is longer than what is left', () => {
    expect(told([lowered], set(30), 3569)).toMatch(/for 31 s more: its TTL was 3600 s until 3569 s ago/);
    expect(told([lowered], set(30), 3570)).toBe(plain(30));
    expect(told([lowered], set(30), 9999)).toBe(plain(30));
  });

  it('is counted from the lowering, not from later steps that only looked', () => {
    const looked = step(set(30), set(30), { operation: 2, at: 1_100_000 });
    expect(told([lowered, looked], set(30), 110)).toContain('for 3490 s more');
  });

  it('knows a step that was killed: it may have written', () => {
    expect(told([step(set(3600), set(30), { done: false })], set(30), 2)).toContain('for 3598 s more');
  });

  it('has nothing to do with other values, other servers, or journals that kept no time', () => {
    expect(told([lowered], set(30, '192.0.2.99'), 2)).toBe(plain(30));
    expect(told([lowered], set(30), 2, 'ns2 example.test')).toBe(plain(30));
    const { at: _, ...timeless } = lowered;
    expect(told([timeless], set(30), 2)).toBe(plain(30));
  });

  it('tells the longest of several', () => {
    const other: DnsRecordSet = { ...set(900), name: 'other.example.test.' };
    const ms = 1_002_000;
    const longer = keptLonger([lowered], SERVER, [set(30), other], ms);
    expect(keptByResolvers(keptFor([set(30), other], longer, ms))).toContain(
      'llm.example.test. A says now for 3598 s',
    );
    expect(keptByResolvers(keptFor([set(30), other], [], ms))).toContain(
      'other.example.test. A says now for 900 s',
    );
    expect(keptByResolvers(keptFor([{ ...set(30), values: [] }], [], ms))).toBeNull();
  });
});
