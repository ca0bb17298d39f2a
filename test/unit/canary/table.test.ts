import { describe, expect, it } from 'vitest';
import type { CanaryDocument, GuardrailReport } from '../../../src/canary/document.ts';
import { METRICS } from '../../../src/canary/guardrails.ts';
import { renderCanary } from '../../../src/canary/table.ts';
import { width } from '../../../src/report/text.ts';

const plain = { red: String, green: String, yellow: String, bold: String, dim: String };

/** As wide as figures get: every metric, three digits before the point, both signs, far from decided. */
const guardrails = METRICS.map((metric, i): GuardrailReport => {
  const points = metric === 'errors' || metric === 'invalid';
  return {
    metric,
    margin: 0.1225,
    unit: points ? 'points' : 'relative',
    verdict: i === 0 ? 'FAIL' : 'INCONCLUSIVE',
    pairs: 1234,
    lnEFail: 4.6,
    lnEPass: 4.6,
    failAt: 4.6,
    passAt: 4.6,
    passed: false,
    legacy: points ? 0.125 : metric === 'cost' ? 0.0123 : 123.4,
    target: points ? 0.999 : metric === 'cost' ? 0.0987 : 987_654,
    difference: points ? -0.875 : 12.345,
    interval: { low: points ? -0.999 : -0.7777, high: points ? -0.555 : 98.7654 },
    pairsNeeded: { pass: 123_456, fail: null },
  };
});

const document = (migration = 'chat-prod'): CanaryDocument => ({
  schemaVersion: 1,
  command: 'canary status',
  migration,
  verdict: 'INCONCLUSIVE',
  reasons: ['too_few_pairs'],
  explanations: [
    'errors: target is worse than its margin allows, and this goes on for longer than a line is',
  ],
  stage: { ratio: 0.125, since: '2026-08-20T10:00:00.000Z' },
  pairs: 1234,
  guardrails,
  measured: [
    { metric: 'latencyP99', pairs: 10, legacy: 12.3, target: 987_654 },
    { metric: 'cost', pairs: 10, legacy: 0.012, target: 0.034 },
  ],
  warnings: ['12.3 % of the cost lies above the cap of $0.00123 a request and does not count'],
  run: {
    id: 'x',
    at: '2026-08-20T10:00:00.000Z',
    pairs: 20,
    errors: {
      legacy: [],
      target: [{ class: 'server_error', requests: 12, example: 'HTTP 500: \u001b[31m\u202eout of order' }],
    },
  },
});

describe('a verdict', () => {
  it.each([100, 80, 60, 48, 30])('fits %i columns, and no word is broken', (columns) => {
    const text = renderCanary(document(), plain, columns);
    const lines = text.split('\n');
    expect(lines.filter((line) => width(line) > columns)).toEqual([]);
    for (const { metric } of guardrails) expect(text).toMatch(new RegExp(`^${metric}\\b`, 'm'));
    for (const word of ['-87.5 pp', '[-99.9, -55.5]', '12.25 pp', '100/100 %', '~123456 more', 'FAIL']) {
      expect(text.replace(/\s+/g, ' ')).toContain(word);
    }
  });

  it('is a table at 80 columns', () => {
    const lines = renderCanary(document(), plain, 80).split('\n');
    const heading = lines.findIndex((line) => line.startsWith('guardrail'));
    expect(lines[heading]).toMatch(/^guardrail +legacy +target +difference +margin +evidence +verdict$/);
    const at = lines[heading]?.indexOf('difference') ?? 0;
    expect(lines[heading + 1]?.slice(at)).toMatch(/^-87\.5 pp /);
    expect(lines[heading + 2]?.slice(at)).toMatch(/^\[-99\.9, -55\.5\]$/);
  });

  it('keeps to one line a guardrail where that fits', () => {
    const small = guardrails.slice(0, 2).map((one) => ({
      ...one,
      difference: 0.292,
      interval: { low: 0.188, high: 0.428 },
      lnEPass: 0,
      pairsNeeded: { pass: 40, fail: null },
    }));
    const lines = renderCanary({ ...document(), guardrails: small }, plain, 80).split('\n');
    expect(lines.filter((line) => line.includes('[+18.8, +42.8]'))).toHaveLength(2);
    expect(lines.find((line) => line.startsWith('errors'))).toMatch(
      /\+29\.2 pp \[\+18\.8, \+42\.8\] .*FAIL$/,
    );
  });

  it('holds nothing that a server wrote for a terminal', () => {
    expect(renderCanary(document(), plain, 200)).toContain('HTTP 500: \\x1b[31m\\u{202e}out of order');
  });
});
