import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, it, onTestFinished } from 'vitest';
import { cutoverJson, makeFolder } from './cli.ts';

interface Parts {
  requests: number;
  errors: number;
  tokens: number;
  currentUsd: number | null;
  projectedUsd: number | null;
}

interface Assessment {
  records: { read: number; used: number; filtered: number; rejected: number };
  requests: { total: number; ok: number; errors: number; errorsByClass: Record<string, number> };
  tokens: { input: number; output: number; total: number; byModel: Record<string, number> };
  cost: { currentUsd: number | null; projectedUsd: number | null };
  models: Parts[];
  days: Parts[];
  groups: { groups: Parts[] };
}

const record = fc.record({
  timestamp: fc.integer({ min: 1_780_000_000, max: 1_780_900_000 }),
  model: fc.constantFrom('a', 'b', 'c-without-a-price'),
  user: fc.constantFrom('ann', 'bob', undefined),
  input_tokens: fc.nat(100_000),
  output_tokens: fc.nat(5000),
  latency_ms: fc.nat(60_000),
  status: fc.constantFrom(200, 200, 200, 429, 500, 'timeout'),
});

const sum = (parts: readonly Parts[], field: keyof Parts) =>
  parts.reduce((total, part) => total + (part[field] ?? 0), 0);

it('the total is the sum of its parts, in every grouping', async () => {
  const dir = makeFolder();
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  writeFileSync(
    join(dir, 'cutover.yaml'),
    `migration: m
providers:
  legacy: { name: deepseek, baseUrl: http://127.0.0.1:9/v1, prices: { a: { input: 1, output: 3 }, b: 0.7 } }
  target: { name: holysheep, baseUrl: http://127.0.0.1:9/v1, prices: { x: 0.4, y: { input: 0.2, output: 0.9 } } }
models: { a: x, b: y }
`,
  );
  const logs = fc.sample(fc.array(record, { minLength: 1, maxLength: 300 }), { numRuns: 3, seed: 7 });
  for (const [i, log] of logs.entries()) {
    writeFileSync(join(dir, 'usage.jsonl'), log.map((line) => JSON.stringify(line)).join('\n'));
    for (const by of ['model', 'user', 'day', 'hour']) {
      const found = await cutoverJson<Assessment>(dir, ['assess', 'usage.jsonl', '--by', by]);
      const { records, requests, tokens, cost } = found;
      expect(records.read).toBe(records.used + records.filtered + records.rejected);
      expect(requests.total).toBe(requests.ok + requests.errors);
      expect(requests.errors).toBe(Object.values(requests.errorsByClass).reduce((a, b) => a + b, 0));
      expect(tokens.total).toBe(tokens.input + tokens.output);
      expect(tokens.total).toBe(Object.values(tokens.byModel).reduce((a, b) => a + b, 0));
      for (const parts of [found.models, found.groups.groups]) {
        expect(sum(parts, 'requests'), `log ${i} by ${by}`).toBe(requests.total);
        expect(sum(parts, 'errors'), `log ${i} by ${by}`).toBe(requests.errors);
        expect(sum(parts, 'tokens'), `log ${i} by ${by}`).toBe(tokens.total);
      }
      for (const parts of [found.groups.groups, found.days]) {
        for (const field of ['currentUsd', 'projectedUsd'] as const) {
          expect(sum(parts, field), `log ${i} by ${by}, ${field}`).toBeCloseTo(cost[field] ?? 0, 9);
        }
      }
      expect(sum(found.days, 'requests')).toBe(requests.total);
    }
  }
}, 60_000);
