import { describe, expect, it } from 'vitest';
import { httpUrl, isLoopback, parseListen } from '../../../src/gateway/listen.ts';
import { createMetrics, type Gauges } from '../../../src/gateway/metrics.ts';
import type { UsageLine } from '../../../src/router/record.ts';

describe('parseListen', () => {
  it.each([
    ['127.0.0.1:8080', 'http://127.0.0.1:8080'],
    ['localhost:0', 'http://localhost:0'],
    ['[::1]:8080', 'http://[::1]:8080'],
    [':9000', 'http://127.0.0.1:9000'],
    ['9000', 'http://127.0.0.1:9000'],
  ])('%s', (text, url) => expect(httpUrl(parseListen(text))).toBe(url));

  it.each(['', 'localhost', '127.0.0.1:', 'a:70000', '::1:80', 'http://a:80', 'a b:80'])(
    'refuses %j',
    (text) => {
      expect(() => parseListen(text)).toThrow(/not an address/);
    },
  );

  it('knows what only this machine can reach', () => {
    expect(['127.0.0.1', '127.9.9.9', '::1', 'localhost'].every(isLoopback)).toBe(true);
    expect(
      ['0.0.0.0', '::', '10.0.0.1', '128.0.0.1', '127.0.0.1.example', '127.example'].some(isLoopback),
    ).toBe(false);
  });
});

describe('metrics', () => {
  const line = (change: Partial<UsageLine>): UsageLine => ({
    id: 'i',
    timestamp: '2026-08-20T10:00:00.000Z',
    provider: 'p',
    model: 'm',
    input_tokens: 10,
    cached_input_tokens: 0,
    output_tokens: 3,
    latency_ms: 80,
    status: 200,
    side: 'target',
    endpoint: 'chat',
    tries: 1,
    key: 'body',
    fallback: false,
    ...change,
  });
  const gauges: Gauges = {
    ratio: 0.25,
    inFlight: 2,
    connections: 3,
    breakers: { legacy: 'closed', target: 'half-open' },
    flagAgeSeconds: 0.5,
  };

  it('counts by side, endpoint and status, with cumulative buckets', () => {
    const metrics = createMetrics();
    metrics.add(line({}));
    metrics.add(line({ latency_ms: 3000, tries: 3, ttft_ms: 200 }));
    metrics.add(line({ status: 'timeout', latency_ms: 200_000, output_tokens: 0 }));
    metrics.add(line({ side: 'legacy', fallback: true }));
    const text = metrics.render(gauges);
    for (const expected of [
      'requests_total{side="target",endpoint="chat",status="2xx"} 2',
      'requests_total{side="target",endpoint="chat",status="timeout"} 1',
      'fallbacks_total{side="legacy"} 1',
      'fallbacks_total{side="target"} 0',
      'retries_total{side="target"} 2',
      'tokens_total{side="target",kind="output"} 6',
      'request_duration_seconds_bucket{side="target",le="0.05"} 0',
      'request_duration_seconds_bucket{side="target",le="0.1"} 1',
      'request_duration_seconds_bucket{side="target",le="5"} 2',
      'request_duration_seconds_bucket{side="target",le="120"} 2',
      'request_duration_seconds_bucket{side="target",le="+Inf"} 3',
      'request_duration_seconds_count{side="target"} 3',
      'first_byte_seconds_count{side="target"} 1',
      'ratio 0.25',
      'in_flight 2',
      'connections 3',
      'circuit_open{side="legacy"} 0',
      'circuit_open{side="target"} 1',
      'flag_age_seconds 0.5',
    ]) {
      expect(text).toContain(`cutover_gateway_${expected}\n`);
    }
  });

  it('is Prometheus text: each family once, a line a sample, an end of line at the end', () => {
    const text = createMetrics().render({ ...gauges, flagAgeSeconds: undefined });
    const types = [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map((match) => match[1]);
    expect(new Set(types).size).toBe(types.length);
    for (const row of text.trimEnd().split('\n'))
      expect(row).toMatch(/^(# (HELP|TYPE) |[a-z_]+(\{[^}]*\})? [\d.e+-]+$)/);
    expect(text.endsWith('\n')).toBe(true);
    expect(text).not.toContain('flag_age');
  });
});
